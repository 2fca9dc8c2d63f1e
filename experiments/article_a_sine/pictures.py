"""The pictures of `sine_regression`, each drawn from what the run has saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.support.drawing import BLUE, RED, panels
from manual_mlp import Evaluation

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ORIGINAL, PUBLISHED, DERIVED = "0.2", RED, BLUE


def prediction(published: Evaluation, derived: Evaluation) -> Figure:
    """The output of both runs over sin(x), and how far they are from it."""
    figure, (above, below) = panels(6.4, 5.2, rows=2, share="x")
    x, d = derived.problem.x[:, 0], derived.problem.y[:, 0]
    above.plot(x, d, color=ORIGINAL, linewidth=4, alpha=0.3, label="sin(x), the original")
    for name, run, colour, style in (("published", published, PUBLISHED, "--"), ("derived", derived, DERIVED, "-")):
        y = run.nodes["dense_4/z"][:, 0]
        above.plot(x, y, style, color=colour, linewidth=1.2, label=name)
        below.plot(x, y - d, style, color=colour, linewidth=1.2, label=name)
    below.axhline(0, color="0.7", linewidth=0.8)
    above.set(ylabel="y")
    below.set(xlabel="x", ylabel="y − sin(x)")
    above.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def loss_curve(curve: pd.DataFrame) -> Figure:
    """E over the steps of both runs, on a log axis."""
    figure, (axes,) = panels(6.4, 3.6)
    axes.semilogy(curve["steps"], curve["published"], "--", color=PUBLISHED, linewidth=1.2, label="published")
    axes.semilogy(curve["steps"], curve["derived"], color=DERIVED, linewidth=1.2, label="derived")
    axes.set(xlabel="steps", ylabel="E = ½ Σ (y − d)²")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False)
    return figure


def error_per_layer(frame: pd.DataFrame) -> Figure:
    """Relative error of the gradient that the first update stands for, published and derived."""
    figure, (axes,) = panels(6.4, 3.6)
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


def gradient_heatmaps(hand: Evaluation, tape: Evaluation) -> Figure:
    """dE/dW of the second layer: by hand, by the tape, and their difference."""
    from gradient_diff.extend import kernel_heatmaps

    name, title = "dense_2/kernel", "dense_2  dE/dW, at the start"
    return kernel_heatmaps(hand.gradients[name], tape.gradients[name], title)
