"""The pictures of README and docs: `python tools/pictures.py` draws docs/images/ anew, `--browser` also the photograph.

Each shows what the project itself says: a command's output, a page's first screen, the explanation of σ.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from manual_mlp import Array

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
STUDENT = "experiments/students/sine_class.py:SineNetwork().back_propagate"
WIDE = 103  # columns of the terminal that is drawn
Derivation = Mapping[str, "Array"]


def said(*arguments: str, colour: bool = True) -> str:
    """What a command prints, in the checkout; a difference is no failure."""
    asked = {"COLUMNS": str(WIDE), "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
    environment = {**os.environ, **asked, **({"FORCE_COLOR": "1"} if colour else {})}
    command = [sys.executable, "-m", "gradient_diff", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def line_in_the_terminal() -> str:
    """The block `Where it is wrong` of the README's command, as an SVG without a font from the network."""
    with tempfile.TemporaryDirectory() as folder:
        sine = str(Path(folder, "sine.npz"))
        said("problem", "1-5-5-5-1", "--loss", "half_sum_squared_error", "--out", sine)
        printed = said("check", STUDENT, sine, "--step").splitlines()
    plain = [re.sub(r"\x1b\[[\d;]*m", "", row).rstrip() for row in printed]
    begin = plain.index("Where it is wrong")
    block = printed[begin : plain.index("", begin)]
    return in_a_terminal("\n".join(block), f"gradient-diff check '{STUDENT.rpartition('/')[2]}' sine.npz --step")


def in_a_terminal(ansi: str, title: str) -> str:
    """Coloured text as a picture of a window."""
    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.console import Console
    from rich.text import Text

    lines = Text.from_ansi(ansi).split()
    for line in lines:
        line.rstrip()
    console = Console(record=True, width=max(line.cell_len for line in lines) + 1, file=io.StringIO())
    for line in lines:
        console.print(line, soft_wrap=True)
    without_fonts = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title=title, code_format=without_fonts, unique_id="terminal")


def sigma() -> str:
    """One tolerance for all, and what rounding explains: the same derivations by both."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings = {"svg.fonttype": "none", "svg.hashsalt": "gradient-diff", "font.size": 9.5, "font.family": "sans-serif"}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(8.2, 4.1), layout="constrained", facecolor="white")
        FigureCanvasSVG(figure)
        left, right = figure.subplots(1, 2)
        for label, mark, colour, distances in measured():
            style = {"marker": mark, "color": colour, "linestyle": "none", "label": label}
            left.semilogy(*zip(*((at, rtol) for at, rtol, _ in distances), strict=True), **style)
            right.semilogy(*zip(*((at, sigmas) for at, _, sigmas in distances), strict=True), **style)
        for rtol, name, side in ((1e-5, "np.allclose", "bottom"), (1e-7, "np.testing.assert_allclose", "top")):
            left.axhline(rtol, color="0.45", linestyle="--", linewidth=1)
            left.text(0.6, rtol, f"rtol of {name}", va=side, color="0.35", fontsize=8)
        right.axhspan(right.get_ylim()[0], 16, color="#14713d", alpha=0.13)
        right.axhline(16, color="#14713d", linewidth=1)
        right.text(6.4, 20, "16 σ: up to here it is rounding", ha="right", va="bottom", color="#14713d", fontsize=8)
        left.set_title("relative difference: no line parts right from wrong")
        right.set_title("the same in σ: one line does")
        for axes, label in ((left, "largest difference / largest entry"), (right, "largest difference / σ")):
            axes.set_xlabel("kernel of layer")
            axes.set_ylabel(label)
            axes.set_xlim(0.5, 6.5)
            axes.spines[["top", "right"]].set_visible(False)
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def measured() -> Iterator[tuple[str, str, str, list[tuple[int, float, float]]]]:
    """Of each case its label, mark and colour, and by layer its relative distance and that in σ."""
    wide = np.random.default_rng(0)
    x, noise = wide.normal(size=(32, 20)), wide.normal(size=(32, 3))
    for label, mark, colour, dtype, gap, penalty in (
        ("right, float64", "o", "#14713d", np.float64, 1.0, 0.0),
        ("right, float32", "s", "#14713d", np.float32, 1.0, 0.0),
        ("right, float32, nearly trained", "D", "#14713d", np.float32, 1e-4, 0.0),
        ("wrong: a penalty of 1e-9 Σ W² forgotten, float64", "x", "#b3202a", np.float64, 1.0, 1e-9),
    ):
        yield label, mark, colour, distances_of(x.astype(dtype), noise.astype(dtype) * dtype(gap), penalty)


def distances_of(x: Array, gap: Array, penalty: float) -> list[tuple[int, float, float]]:
    """Layer, max |h − r| / max |r| and max |h − r| / σ, of six kernels derived by hand."""
    from gradient_diff import rounding_noise
    from manual_mlp import MLP, Dense

    hidden = [Dense(20, "sigmoid", kernel_l2=penalty) for _ in range(5)]
    mlp = MLP(20, [*hidden, Dense(3, kernel_l2=penalty)])
    weights = {name: array.astype(x.dtype) for name, array in mlp.initialize(0).items()}
    y = mlp.backpropagate(weights, x, gap, "mse").nodes["dense_6/z"] + gap
    reference = mlp.backpropagate(weights, x, y, "mse")
    sigma, mine = rounding_noise(reference.problem).sigma, by_hand(weights, x, y)
    found = []
    for layer in range(1, 7):
        right = reference.gradients[f"dense_{layer}/kernel"]
        off = np.abs(mine[layer].astype(np.float64) - right)
        found.append((layer, off.max() / np.abs(right).max(), (off / sigma[f"dense_{layer}/dE_dkernel"]).max()))
    return found


def by_hand(weights: Derivation, x: Array, y: Array) -> dict[int, Array]:
    """Layer → dE/dW of a mean squared error, as in courses that keep samples in columns, without a penalty."""
    kernels = [weights[f"dense_{layer}/kernel"].T for layer in range(1, 7)]
    z = [x.T]
    for layer, kernel in enumerate(kernels, 1):
        u = np.einsum("ij,jn->in", kernel, z[-1]) + weights[f"dense_{layer}/bias"][:, None]
        z.append(u if layer == 6 else 1 / (1 + np.exp(-u)))
    found, delta = {}, 2 * (z[-1] - y.T) / y.size
    for layer in range(6, 0, -1):
        found[layer] = (delta @ z[layer - 1].T).T
        delta = kernels[layer - 1].T @ delta * z[layer - 1] * (1 - z[layer - 1])
    return found


def photographed(folder: Path) -> None:
    """The first screen of the failing page that the README's command writes, as Chromium shows it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise RuntimeError("--browser: no Chromium was found.")
    with tempfile.TemporaryDirectory() as work:
        sine, report = str(Path(work, "sine.npz")), Path(work, "report")
        said("problem", "1-5-5-5-1", "--loss", "half_sum_squared_error", "--out", sine)
        said("check", STUDENT, sine, "--step", "--out", str(report))
        large = Path(work, "page.png")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,760"]
        subprocess.run(
            [
                browser,
                *options,
                f"--user-data-dir={work}/profile",
                f"--screenshot={large}",
                (report / "report.html").as_uri(),
            ],
            check=True,
            capture_output=True,
        )
        from PIL import Image

        Image.open(large).convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(
            folder / "page.png", optimize=True
        )


DRAWN: dict[str, Callable[[], str]] = {"line.svg": line_in_the_terminal, "sigma.svg": sigma}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser", action="store_true", help="also photograph the page")
    asked = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWN.items():
        (IMAGES / name).write_text(draw(), encoding="utf-8")
    if asked.browser:
        photographed(IMAGES)
