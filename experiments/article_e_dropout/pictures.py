"""The pictures of `mnist_dropout`, each drawn from what the run has saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = {
    "by hand": {"color": "#b5501f", "linewidth": 4, "alpha": 0.45},
    "Keras, step by step": {"color": "#1a5fa0", "linewidth": 1.4},
    "Keras, model.fit": {"color": "#1d2430", "linestyle": ":", "linewidth": 2.2},
}
"""They lie on each other: a broad line below, a thin one above, dots on top."""


def loss_curves(folder: Path) -> Figure:
    """The loss of both twins, and of `model.fit`, over the epochs.

    Args:
        folder: of the run.

    Returns:
        The figure.
    """
    return _curves(folder, "loss", "E with dropped units")


def accuracy_curves(folder: Path) -> Figure:
    """The accuracy likewise.

    Args:
        folder: of the run.

    Returns:
        The figure.
    """
    return _curves(folder, "accuracy", "accuracy on the test images")


def _curves(folder: Path, kind: str, label: str) -> Figure:
    import pandas as pd
    from matplotlib.figure import Figure

    frame = pd.read_csv(folder / "tables" / "loss_and_accuracy.csv")
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for name, style in _STYLES.items():
        axes.plot(frame["epoch"], frame[f"{kind}, {name}"], label=name, **style)  # type: ignore[arg-type]
    axes.set(xlabel="epoch", ylabel=label)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def dropped_images(folder: Path) -> Figure:
    """Each unit's activation, and what three masks leave of it.

    Args:
        folder: of the run.

    Returns:
        The figure.
    """
    import pandas as pd
    from matplotlib.figure import Figure

    frame = pd.read_csv(folder / "tables" / "one_image_s_first_layer_under_three_masks.csv")
    figure = Figure(figsize=(7.6, 4.4), layout="constrained")
    for draw, axes in enumerate(figure.subplots(3, 1, sharex=True, sharey=True), 1):
        axes.bar(frame["unit"], frame["z"] * frame[f"mask {draw}"], color="#1a5fa0", label="z ⊙ m")
        axes.step(frame["unit"], frame["z"], where="mid", color="#b5501f", linewidth=1.2, label="z")
        axes.set(ylabel=f"mask {draw}")
        axes.spines[["top", "right"]].set_visible(False)
    axes.set(xlabel="unit of the first layer")
    figure.axes[0].legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return figure
