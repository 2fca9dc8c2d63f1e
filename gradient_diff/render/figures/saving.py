"""All figures of a GradientDiff as files; none fails on zeros, NaN or missing rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gradient_diff.names import plain_name
from gradient_diff.render.figures import canvas
from gradient_diff.render.figures.differences import difference_histogram, difference_per_layer, sigma_distances
from gradient_diff.render.figures.heatmaps import kernel_heatmaps
from gradient_diff.render.figures.scatters import scatter
from gradient_diff.render.figures.selection import comparable, kernels
from gradient_diff.result.diff import GradientDiff

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure


def save_figures(diff: GradientDiff, folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Draw everything there is to draw into PNG files."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    return {caption: canvas.save_figure(drawn, place / f"{stem}.png") for stem, caption, drawn in _all(diff)}


def _all(diff: GradientDiff) -> Iterator[tuple[str, str, Figure]]:
    if diff.rows:
        caption = "Relative L2 of every row, in the order of the computation"
        yield "difference_per_layer", caption, difference_per_layer(diff)
    if any(row.distance is not None for row in diff.rows):
        caption = "Every row's difference in units of its rounding, as it ran and in isolation; the line is the gate"
        yield "sigma_distances", caption, sigma_distances(diff)
    if any(comparable(row) for row in diff.rows):
        yield "difference_histogram", "How large the differences of single entries are", difference_histogram(diff)
    matrices = kernels(diff)
    if matrices:
        yield "scatter", "Hand against reference, entry by entry, for every kernel", scatter(diff)
    for place, row in enumerate(matrices, 1):
        drawn = kernel_heatmaps(diff.hand[row.name], diff.reference[row.name], row.name)
        yield (
            f"kernel_{place}_{plain_name(row.name, keep='_-')[:40]}",
            f"{row.name}: hand, reference and their difference",
            drawn,
        )
