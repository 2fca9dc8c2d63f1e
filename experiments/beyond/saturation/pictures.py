"""The pictures of `saturation`, each drawn from the saved tables, and a colour for each way to compute E."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KEPT, LOGITS, LOST = "softmax, logits kept", "from logits", "probabilities alone"
COLOURS = {LOGITS: "#1a5fa0", KEPT: "#3a7d44", LOST: "#b5501f"}
MARKERS = {LOGITS: "o", KEPT: "s", LOST: "^"}


def unit_picture(folder: Path) -> Figure:
    """dE/du against u.

    Args:
        folder: of the run, with the table of the curves.

    Returns:
        The figure.
    """
    frame = pd.read_csv(folder / "tables" / "de_du_of_one_unit_by_u.csv")
    figure, (axes,) = _axes()
    axes.plot(frame["u"], frame["σ(u) − 1"], color="0.2", linewidth=5, alpha=0.25, label="σ(u) − 1")
    axes.plot(frame["u"], frame["from logits, float64"], color=COLOURS[LOGITS], label="Keras, from logits")
    for dtype, style in (("float64", "-"), ("float32", ":")):
        label = f"Keras, from probabilities, {dtype}"
        axes.plot(frame["u"], frame[f"probabilities, {dtype}"], style, color=COLOURS[LOST], label=label)
    axes.set(xlabel="u", ylabel="dE/du")
    axes.legend(frameon=False, loc="center right")
    return figure


def growth_picture(folder: Path) -> Figure:
    """Relative error against the factor of the weights.

    Args:
        folder: of the run, with the table.

    Returns:
        The figure.
    """
    frame = pd.read_csv(folder / "tables" / "how_far_off_each_way_is.csv")
    figure, (axes,) = _axes()
    for name in COLOURS:
        axes.loglog(frame["weights times"], frame[name], **_style(name))
    axes.set(xlabel="weights times", ylabel="relative error of dE/dW")
    axes.legend(frameon=False, loc="center left")
    return figure


def training_picture(folder: Path) -> Figure:
    """E, accuracy and the share of images that are certain and wrong, over the epochs.

    Args:
        folder: of the run, with the table.

    Returns:
        The figure.
    """
    frame = pd.read_csv(folder / "tables" / "training_both_ways.csv")
    figure, panels = _axes(3)
    labels = {"E": "E of the training images", "accuracy": "accuracy on the test images"}
    for axes, kind in zip(panels, ("E", "accuracy", "certain and wrong"), strict=True):
        for name in (LOGITS, LOST):
            rows = frame[frame["trained"] == name]
            every = -(-len(rows) // 15)  # so that markers of many epochs do not run together
            axes.plot(rows["epoch"], rows[kind], markevery=every, **_style(name))
        axes.set(xlabel="epoch", ylabel=labels.get(kind, f"share {kind}"))
        axes.xaxis.get_major_locator().set_params(integer=True)
    panels[0].set_yscale("log")
    for axes in panels[1:]:
        axes.set_ylim(0, 1)
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, ncols=2, loc="outside upper center")
    return figure


def _style(name: str) -> dict[str, Any]:
    return {"color": COLOURS[name], "marker": MARKERS[name], "markersize": 5, "label": name}


def _axes(count: int = 1) -> tuple[Figure, list[Any]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.8 if count == 1 else 9.4, 3.6), layout="constrained")
    panels = list(figure.subplots(1, count, squeeze=False)[0])
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels
