"""The pictures of `mnist_batches` and `digit_network`, each drawn from what the run has saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from manual_mlp import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


BLUE, RED = "#1a5fa0", "#b5501f"
ACROSS = 12  # images in a row


def training_curves(folder: Path) -> Figure:
    """E over the epochs on a log axis, and the accuracy at the epochs that were looked at.

    Args:
        folder: of the run.

    Returns:
        The figure.
    """
    import pandas as pd
    from matplotlib.figure import Figure

    loss = pd.read_csv(folder / "tables" / "e_over_the_epochs.csv")
    accuracy = pd.read_csv(folder / "tables" / "accuracy_along_the_way.csv")
    figure = Figure(figsize=(7.6, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.semilogy(loss["epoch"], loss["E"], color=BLUE)
    left.set(xlabel="epoch", ylabel="E, mean over the epoch")
    right.plot(accuracy["epoch"], accuracy["accuracy"], "o-", color=RED)
    right.set(xlabel="epoch", ylabel="accuracy on the test images", ylim=(0, 1.02))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def wrong_images(folder: Path) -> Figure:
    """Images with their class and what they were taken for.

    Args:
        folder: of the run, with the table of the images.

    Returns:
        The figure.
    """
    import pandas as pd

    frame = pd.read_csv(folder / "tables" / "images_taken_for_another_class.csv")
    pixels = frame[[name for name in frame.columns if name.startswith("pixel")]].to_numpy()
    titles = [f"{a} as {b}" for a, b in zip(frame["class"], frame["taken for"], strict=True)]
    return gallery(pixels, titles)


def gallery(pixels: Array, titles: list[str]) -> Figure:
    """Images in rows, each with a title above.

    Args:
        pixels: (N, side²).
        titles: N of them.

    Returns:
        The figure; of no image, one that says so.
    """
    from matplotlib.figure import Figure

    rows = max(1, -(-len(pixels) // ACROSS))
    figure = Figure(figsize=(ACROSS * 0.72, rows * 0.98), layout="constrained")
    places = figure.subplots(rows, ACROSS, squeeze=False).ravel()
    for axes in places:
        axes.axis("off")
    for axes, image, title in zip(places, pixels, titles, strict=False):
        show(axes, image)
        axes.set_title(title, size=8)
    if not len(pixels):
        figure.text(0.5, 0.5, "none", ha="center", va="center")
    return figure


def show(axes: Axes, image: Array) -> None:
    """One image, black on white.

    Args:
        axes: where to.
        image: (side²,), 0 to 1.
    """
    side = int(np.sqrt(image.size))
    axes.imshow(image.reshape(side, side), cmap="gray_r", vmin=0, vmax=1)
