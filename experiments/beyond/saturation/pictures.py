"""The pictures of `saturation`, each drawn from the saved tables, and a colour for each way to compute E."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.support.drawing import BLUE, GREEN, RED, panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KEPT, LOGITS, LOST = "softmax, logits kept", "from logits", "probabilities alone"
COLOURS = {LOGITS: BLUE, KEPT: GREEN, LOST: RED}
MARKERS = {LOGITS: "o", KEPT: "s", LOST: "^"}


def unit_picture(frame: pd.DataFrame) -> Figure:
    """dE/du against u."""
    figure, (axes,) = panels(6.8, 3.6)
    axes.plot(frame["u"], frame["σ(u) − 1"], color="0.2", linewidth=5, alpha=0.25, label="σ(u) − 1")
    axes.plot(frame["u"], frame["from logits, float64"], color=COLOURS[LOGITS], label="Keras, from logits")
    for dtype, style in (("float64", "-"), ("float32", ":")):
        label = f"Keras, from probabilities, {dtype}"
        axes.plot(frame["u"], frame[f"probabilities, {dtype}"], style, color=COLOURS[LOST], label=label)
    axes.set(xlabel="u", ylabel="dE/du")
    axes.legend(frameon=False, loc="center right")
    return figure


def growth_picture(frame: pd.DataFrame) -> Figure:
    """Relative error against the factor of the weights."""
    figure, (axes,) = panels(6.8, 3.6)
    for name in COLOURS:
        axes.loglog(frame["weights times"], frame[name], **_style(name))
    axes.set(xlabel="weights times", ylabel="relative error of dE/dW")
    axes.legend(frameon=False, loc="center left")
    return figure


def training_picture(frame: pd.DataFrame) -> Figure:
    """E, accuracy and the share of images that are certain and wrong, over the epochs."""
    figure, kinds = panels(9.4, 3.6, columns=3)
    labels = {"E": "E of the training images", "accuracy": "accuracy on the test images"}
    for axes, kind in zip(kinds, ("E", "accuracy", "certain and wrong"), strict=True):
        for name in (LOGITS, LOST):
            rows = frame[frame["trained"] == name]
            every = -(-len(rows) // 15)  # so that markers of many epochs do not run together
            axes.plot(rows["epoch"], rows[kind], markevery=every, **_style(name))
        axes.set(xlabel="epoch", ylabel=labels.get(kind, f"share {kind}"))
        axes.locator_params(axis="x", integer=True)
    kinds[0].set_yscale("log")
    for axes in kinds[1:]:
        axes.set_ylim(0, 1)
    figure.legend(*kinds[0].get_legend_handles_labels(), frameon=False, ncols=2, loc="outside upper center")
    return figure


def _style(name: str) -> dict[str, Any]:
    return {"color": COLOURS[name], "marker": MARKERS[name], "markersize": 5, "label": name}
