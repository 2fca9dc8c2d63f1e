"""The pictures of `sine_regression`, each drawn from what the run has saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from manual_mlp import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ORIGINAL, PUBLISHED, DERIVED = "0.2", "#b5501f", "#1a5fa0"


def prediction(folder: Path) -> Figure:
    """The output of both runs over sin(x), and how far they are from it.

    Args:
        folder: of the run, with `published.npz` and `derived.npz`.

    Returns:
        The figure.
    """
    figure, (above, below) = _axes(6.4, 5.2, rows=2)
    runs = {name: Evaluation.load(folder / f"{name}.npz") for name in ("published", "derived")}
    x, d = runs["derived"].problem.x[:, 0], runs["derived"].problem.y[:, 0]
    above.plot(x, d, color=ORIGINAL, linewidth=4, alpha=0.3, label="sin(x), the original")
    for (name, run), colour, style in zip(runs.items(), (PUBLISHED, DERIVED), ("--", "-"), strict=True):
        y = run.nodes["dense_4/z"][:, 0]
        above.plot(x, y, style, color=colour, linewidth=1.2, label=name)
        below.plot(x, y - d, style, color=colour, linewidth=1.2, label=name)
    below.axhline(0, color="0.7", linewidth=0.8)
    above.set(ylabel="y")
    below.set(xlabel="x", ylabel="y − sin(x)")
    above.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def loss_curve(folder: Path) -> Figure:
    """E over the steps of both runs, on a log axis.

    Args:
        folder: of the run, with `tables/e_over_the_steps.csv`.

    Returns:
        The figure.
    """
    import pandas as pd

    figure, (axes,) = _axes(6.4, 3.6)
    curve = pd.read_csv(folder / "tables" / "e_over_the_steps.csv")
    axes.semilogy(curve["steps"], curve["published"], "--", color=PUBLISHED, linewidth=1.2, label="published")
    axes.semilogy(curve["steps"], curve["derived"], color=DERIVED, linewidth=1.2, label="derived")
    axes.set(xlabel="steps", ylabel="E = ½ Σ (y − d)²")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False)
    return figure


def error_per_layer(folder: Path) -> Figure:
    """Relative error of the gradient that the first update stands for, published and derived.

    Args:
        folder: of the run, with the table of the layers' errors.

    Returns:
        The figure.
    """
    import pandas as pd

    figure, (axes,) = _axes(6.4, 3.6)
    frame = pd.read_csv(folder / "tables" / "how_far_each_array_s_first_update_is_from_the_gradient.csv")
    places = range(len(frame))
    smallest = min(v for c in ("published", "derived") for v in frame[f"{c}: relative L2"] if v > 0)
    for name, colour, marker in (("published", PUBLISHED, "s"), ("derived", DERIVED, "o")):
        values = frame[f"{name}: relative L2"].clip(lower=smallest / 10)  # an exact 0 stands at the left edge
        axes.semilogx(values, places, marker, color=colour, label=name)
    axes.axvline(1e-2, color="0.6", linewidth=0.8, linestyle=":")
    axes.annotate(
        "a tolerance of 1e-2", (1e-2, -0.4), (-4, 0), textcoords="offset points", ha="right", va="center", fontsize=8
    )
    axes.set_yticks(places, frame["array"])
    axes.set(xlabel="‖(W before − W after)/lr − dE/dW‖ / ‖dE/dW‖", ylim=(-0.8, len(frame) - 0.5))
    axes.legend(frameon=False, loc="upper center")
    return figure


def gradient_heatmaps(folder: Path) -> Figure:
    """dE/dW of the second layer: by hand, by the tape, and their difference.

    Args:
        folder: of the run, with `evaluation.npz` and `keras.npz`.

    Returns:
        The figure.
    """
    from gradient_diff.extend import kernel_heatmaps

    hand, tape = (Evaluation.load(folder / f"{name}.npz").gradients for name in ("evaluation", "keras"))
    return kernel_heatmaps(hand["dense_2/kernel"], tape["dense_2/kernel"], "dense_2  dE/dW, at the start")


def _axes(width: float, height: float, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure with axes one below the other, without a frame on the right and above."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(rows, 1, squeeze=False, sharex=True)[:, 0])
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes
