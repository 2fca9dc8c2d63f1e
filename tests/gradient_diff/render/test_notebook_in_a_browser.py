"""What a notebook shows in JupyterLab, trusted or with its style taken out, and in nbconvert's page; light and dark.

JupyterLab and nbconvert come with the extra `browser`; where they are missing, the tests say so and are skipped.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradient_diff import Status, compare
from gradient_diff.render.causes import located
from manual_mlp import MLP, Array, Dense
from tests.browsing import Seen, opened

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

PATIENCE = 120  # seconds: a server starts in five, on a machine that is busy with other tests in many more
MOST = 12  # rows that stand open
OUTPUT = ".jp-OutputArea-output"
THEMES = ("light", "dark")


def derivation(parameters: dict[str, Array], x: Array, y: Array) -> list[Array]:
    """Of layers by tanh, with the derivative of another function in all but the last."""
    weights, zs = list(parameters.values()), [x]
    for W, b in zip(weights[::2], weights[1::2], strict=True):
        zs.append(np.tanh(zs[-1] @ W + b))
    d, found = 2 * (zs[-1] - y) / y.size * (1 - zs[-1] ** 2), []
    for W, z in zip(weights[-2::-2], zs[-2::-1], strict=True):
        found += [d.sum(axis=0), z.T @ d]
        d = d @ W.T * (1 - z)
    return found[::-1]


MLP_12 = MLP(3, [Dense(3, "tanh") for _ in range(12)])
_XY = np.random.default_rng(0).normal(size=(2, 5, 3))
RIGHT = MLP_12.backpropagate(MLP_12.initialize(0), *_XY, "mse")
DIFF = compare(derivation, RIGHT)
SHOWN = {"diff": DIFF, "right": compare(RIGHT, RIGHT), "mlp": MLP_12, "evaluation": RIGHT, "status": Status.SHAPE}

PLANTED = {
    "overlap": "<style>#o td {max-width: 9px; white-space: nowrap}</style>"
    '<table id="o"><tbody><tr><td>dense_1/dE_dkernel</td><td>MISMATCH</td></tr></tbody></table>',
    "run together": "<style>.apart {margin-right: 1em}</style><p><span class='apart'>MISMATCH</span>dense_1</p>",
    "contrast": '<p><font color="#141414">black in the dark</font> <font color="#efefef">white</font></p>',
    "rows": f"<table><tbody>{'<tr><td>dense_1</td></tr>' * (MOST + 1)}</tbody></table>",
}
"""A fault → what shows it to a reader; that words run together is seen where the style is taken out."""


def notebook(outputs: dict[str, dict[str, str]], path: Path) -> Path:
    """With a cell for each output, as if it had been run."""
    cells = [
        {
            "cell_type": "code",
            "id": re.sub(r"\W", "-", name),
            "metadata": {},
            "source": name,
            "execution_count": 1,
            "outputs": [{"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}],
        }
        for name, data in outputs.items()
    ]
    metadata = {"title": path.stem}  # trust is in what a notebook holds: two that are alike are both trusted
    metadata |= {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}), "utf-8")
    return path


def as_shown() -> dict[str, dict[str, str]]:
    """What a kernel sends of each, beside its text."""
    formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    outputs = {name: formatter.format(value)[0] for name, value in SHOWN.items()}
    return outputs | {"repr(diff)": {"text/plain": repr(DIFF)}}


def planted() -> dict[str, dict[str, str]]:
    return {name: {"text/html": text, "text/plain": name} for name, text in PLANTED.items()}


NOTEBOOKS: dict[str, Callable[[], dict[str, dict[str, str]]]] = {"shown": as_shown, "planted": planted}


@dataclass(frozen=True)
class Lab:
    """A server of JupyterLab's.

    Attributes:
        folder: of its notebooks, and of its settings.
        address: without a path.
        token: that it asks for.
    """

    folder: Path
    address: str
    token: str

    @contextmanager
    def opened(self, browser: Any, name: str, theme: str) -> Iterator[Seen]:
        """A notebook, once its outputs are there."""
        _settings(self.folder, "apputils-extension/themes", theme=f"JupyterLab {theme.title()}")
        with opened(browser, f"{self.address}/lab/tree/{name}.ipynb?reset&token={self.token}") as seen:
            count = len(NOTEBOOKS[name.removesuffix("-trusted")]())
            there = f"document.querySelectorAll('{OUTPUT}').length === {count}"
            seen.page.wait_for_function(there, timeout=1000 * PATIENCE)
            dark = f"document.body.dataset.jpThemeLight === '{str(theme == 'light').lower()}'"
            seen.page.wait_for_function(dark, timeout=1000 * PATIENCE)
            yield seen


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Its own server on a free port, with a token and folders of its own, which ends with the tests."""
    _needed("jupyterlab")
    folder = tmp_path_factory.mktemp("lab")
    for name, outputs in NOTEBOOKS.items():
        notebook(outputs(), folder / f"{name}.ipynb")
        _trust(notebook(outputs(), folder / f"{name}-trusted.ipynb"), folder)
    _settings(folder, "apputils-extension/notification", fetchNews="false", checkForUpdates=False)
    _settings(folder, "notebook-extension/tracker", windowingMode="none")  # else what is off the screen is not drawn
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    options = [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", "--no-browser"]
    command = [sys.executable, "-m", "jupyterlab", *options, "--allow-root", f"--ServerApp.root_dir={folder}"]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=_environment(folder), cwd=folder, stdout=log, stderr=log)
        try:
            made = Lab(folder, f"http://127.0.0.1:{port}", token)
            _wait_for(made, server)
            yield made
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _needed(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is missing: pip install '.[browser]'")


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of the user's own, and nothing left behind in it."""
    own = {
        name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    lab = {f"JUPYTERLAB_{name}_DIR": str(folder / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    return {**os.environ, **own, **lab, "IPYTHONDIR": str(folder / "ipython")}


def _settings(folder: Path, of: str, **values: Any) -> None:
    path = folder / "settings" / "@jupyterlab" / f"{of}.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def _trust(path: Path, folder: Path) -> None:
    code = "from nbformat.sign import TrustNotebookApp; TrustNotebookApp.launch_instance()"
    subprocess.run([sys.executable, "-c", code, path], env=_environment(folder), check=True, capture_output=True)


def _wait_for(lab: Lab, server: subprocess.Popen[bytes]) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # an environment may name a proxy
    end = time.monotonic() + PATIENCE
    while True:
        try:
            direct.open(f"{lab.address}/api/status?token={lab.token}", timeout=5).close()
        except OSError:
            said = (lab.folder / "server.log").read_text()
            assert server.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.2)
        else:
            return


def converted(outputs: dict[str, dict[str, str]], folder: Path, theme: str) -> Path:
    """nbconvert's page, told to fetch nothing."""
    _needed("nbconvert")
    path = notebook(outputs, folder / "notebook.ipynb")
    urls = (f"--HTMLExporter.{name}_url=" for name in ("mathjax", "require_js", "jquery", "mermaid_js"))
    options = [f"--HTMLExporter.theme={theme}", *urls]
    command = [sys.executable, "-m", "nbconvert", "--to", "html", *options, str(path)]
    subprocess.run(command, env=_environment(folder), check=True, capture_output=True)
    return path.with_suffix(".html")


LOOK = r"""
([output, most]) => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const range = (node, from, to) => {
    const made = new Range();
    made.setStart(node, from);
    made.setEnd(node, to);
    return [...made.getClientRects()];
  };
  const seen = [], words = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
  for (let node; (node = words.nextNode()); ) {
    const text = node.data.trim(), parent = node.parentElement;
    if (!text || parent.closest("style") || !parent.checkVisibility()) continue;
    const from = node.data.indexOf(text), to = from + text.length;
    const [first, last] = [range(node, from, from + 1)[0], range(node, to - 1, to).at(-1)];
    seen.push({ node, parent, text, first, last, all: range(node, from, to) });
  }
  const found = [];

  const rounded = 2 / 64; // two edges, each laid out in steps of 1/64 px
  const beside = (a, b) => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > Math.min(a.height, b.height) / 2;
  seen.slice(1).forEach((b, i) => {
    const a = seen[i], gap = b.first.left - a.last.right;
    pen.font = getComputedStyle(a.parent).font;
    const joined = /\w$/.test(a.text) && /^\w/.test(b.text) && gap < pen.measureText(" ").width / 2;
    if (!beside(a.last, b.first)) return;
    if (gap < -rounded) found.push(`overlap: ${a.text} ${b.text}`);
    else if (joined) found.push(`run together: ${a.text}${b.text}`);
  });
  for (const row of output.querySelectorAll("tr")) {
    const cells = [...row.cells].map((cell) => seen.filter((s) => cell.contains(s.node)).flatMap((s) => s.all));
    cells.slice(1).forEach((cell, i) => {
      if (cells[i].some((a) => cell.some((b) => beside(a, b) && a.right > b.left + rounded)))
        found.push(`overlap: column ${i + 1} of ${row.innerText}`);
    });
  }

  const pixel = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, alpha] = pen.getImageData(0, 0, 1, 1).data;
    return [[r, g, b].map((part) => part / 255), alpha / 255];
  };
  const over = ([above, alpha], below) => above.map((part, i) => alpha * part + (1 - alpha) * below[i]);
  const paper = (element) => {
    if (!element) return [1, 1, 1];
    const own = pixel(getComputedStyle(element).backgroundColor);
    return own[1] === 1 ? own[0] : over(own, paper(element.parentElement));
  };
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = (colour) => colour.reduce((sum, part, i) => sum + linear(part) * [0.2126, 0.7152, 0.0722][i], 0.05);
  for (const { parent, text } of seen) {
    const below = paper(parent), ink = over(pixel(getComputedStyle(parent).color), below);
    const [darker, lighter] = [luminance(below), luminance(ink)].sort((a, b) => a - b);
    if (lighter / darker < 4.5) found.push(`contrast: ${(lighter / darker).toFixed(2)} of ${text}`); // WCAG 1.4.3
  }

  const rows = [...output.querySelectorAll("tbody tr")].filter((row) => row.checkVisibility()).length;
  if (rows > most) found.push(`rows: ${rows}`);
  return [seen.map((one) => one.text), found];
}
"""


def look(seen: Seen, place: int) -> tuple[list[str], list[str]]:
    """What one output shows before anything is unfolded, piece by piece, and what is wrong with how it shows it."""
    texts, found = seen.page.evaluate(LOOK, [seen.page.locator(OUTPUT).nth(place).element_handle(), MOST])
    return texts, found


def check(seen: Seen) -> None:
    for place, name in enumerate((*SHOWN, "repr(diff)")):
        texts, found = look(seen, place)
        assert found == [], name
        assert texts, name
        if name == "diff":
            assert located(DIFF.causes[0]) in texts
            assert f"✗ {DIFF.verdict.name}" in texts
        if name == "repr(diff)":
            assert texts == [repr(DIFF)]
    folded = seen.page.locator(f"{OUTPUT} details:not([open])").count()
    seen.open_all()
    assert folded > 4  # the other rows, all columns, the ledger
    for place, name in enumerate(SHOWN):
        assert [fault for fault in look(seen, place)[1] if not fault.startswith("rows")] == [], name


def faults(seen: Seen) -> dict[str, set[str]]:
    return {name: {fault.partition(":")[0] for fault in look(seen, i)[1]} for i, name in enumerate(PLANTED)}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "untrusted"])
def test_in_jupyterlab_it_is_readable(trusted: bool, theme: str, browser: Any, lab: Lab) -> None:
    with lab.opened(browser, "shown-trusted" if trusted else "shown", theme) as seen:
        assert (seen.page.locator(f"{OUTPUT} style").count() > 0) is trusted
        check(seen)


@pytest.mark.parametrize("theme", THEMES)
def test_as_nbconvert_writes_it_it_is_readable(theme: str, browser: Any, tmp_path: Path) -> None:
    page = converted(as_shown(), tmp_path, theme)
    with opened(browser, page) as seen:
        check(seen)
        assert seen.requests == [page.as_uri()]


def test_in_jupyterlab_each_fault_would_be_seen(browser: Any, lab: Lab) -> None:
    with lab.opened(browser, "planted-trusted", "dark") as seen:
        assert faults(seen) == {name: {name} for name in PLANTED} | {"run together": set()}
    with lab.opened(browser, "planted", "dark") as seen:
        assert faults(seen)["run together"] == {"run together"}


def test_as_nbconvert_writes_it_each_fault_would_be_seen(browser: Any, tmp_path: Path) -> None:
    with opened(browser, converted(planted(), tmp_path, "light")) as seen:
        assert faults(seen) == {name: {name} for name in PLANTED} | {"run together": set()}


def test_each_repr_is_one_line() -> None:
    assert [name for name, value in SHOWN.items() if "\n" in repr(value)] == []
