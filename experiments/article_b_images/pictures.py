"""The pictures of `mnist_batches` and `digit_network`, each drawn from what the run has saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.support.drawing import BLUE, RED, panels
from manual_mlp import Array

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 12  # images in a row


def training_curves(loss: pd.DataFrame, accuracy: pd.DataFrame) -> Figure:
    """E over the epochs on a log axis, and the accuracy at the epochs that were looked at."""
    figure, (left, right) = panels(7.6, 3.2, columns=2)
    left.semilogy(loss["epoch"], loss["E"], color=BLUE)
    left.set(xlabel="epoch", ylabel="E, mean over the epoch")
    right.plot(accuracy["epoch"], accuracy["accuracy"], "o-", color=RED)
    right.set(xlabel="epoch", ylabel="accuracy on the test images", ylim=(0, 1.02))
    return figure


def wrong_images(frame: pd.DataFrame) -> Figure:
    """Images with their class and what they were taken for."""
    pixels = frame[[name for name in frame.columns if name.startswith("pixel")]].to_numpy()
    titles = [f"{a} as {b}" for a, b in zip(frame["class"], frame["taken for"], strict=True)]
    return gallery(pixels, titles)


def gallery(pixels: Array, titles: list[str]) -> Figure:
    """Images (N, side²) in rows, each with a title above; of no image, a figure that says so."""
    rows = max(1, -(-len(pixels) // ACROSS))
    figure, places = panels(ACROSS * 0.72, rows * 0.98, rows, ACROSS, boxed=True)
    for axes in places:
        axes.axis("off")
    for axes, image, title in zip(places, pixels, titles, strict=False):
        show(axes, image)
        axes.set_title(title, size=8)
    if not len(pixels):
        figure.text(0.5, 0.5, "none", ha="center", va="center")
    return figure


def show(axes: Axes, image: Array) -> None:
    """One image (side²,), 0 to 1, black on white."""
    side = int(np.sqrt(image.size))
    axes.imshow(image.reshape(side, side), cmap="gray_r", vmin=0, vmax=1)
