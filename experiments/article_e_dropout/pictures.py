"""The pictures of `mnist_dropout`, each drawn from what the run has saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.support.drawing import BLUE, RED, panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_STYLES = {
    "by hand": {"color": RED, "linewidth": 4, "alpha": 0.45},
    "Keras, step by step": {"color": BLUE, "linewidth": 1.4},
    "Keras, model.fit": {"color": "#1d2430", "linestyle": ":", "linewidth": 2.2},
}
"""They lie on each other: a broad line below, a thin one above, dots on top."""


def loss_curves(frame: pd.DataFrame) -> Figure:
    """The loss of both twins, and of `model.fit`, over the epochs."""
    return _curves(frame, "loss", "E with dropped units")


def accuracy_curves(frame: pd.DataFrame) -> Figure:
    """The accuracy likewise."""
    return _curves(frame, "accuracy", "accuracy on the test images")


def _curves(frame: pd.DataFrame, kind: str, label: str) -> Figure:
    figure, (axes,) = panels(6.4, 3.4)
    for name, style in _STYLES.items():
        axes.plot(frame["epoch"], frame[f"{kind}, {name}"], label=name, **style)  # type: ignore[arg-type]
    axes.set(xlabel="epoch", ylabel=label)
    axes.legend(frameon=False)
    return figure


def dropped_images(frame: pd.DataFrame) -> Figure:
    """Each unit's activation, and what three masks leave of it."""
    figure, rows = panels(7.6, 4.4, rows=3, share="xy")
    for draw, axes in enumerate(rows, 1):
        axes.bar(frame["unit"], frame["z"] * frame[f"mask {draw}"], color=BLUE, label="z ⊙ m")
        axes.step(frame["unit"], frame["z"], where="mid", color=RED, linewidth=1.2, label="z")
        axes.set(ylabel=f"mask {draw}")
    axes.set(xlabel="unit of the first layer")
    figure.axes[0].legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return figure
