"""Hand, reference and their difference as heat maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gradient_diff.render.figures import canvas
from gradient_diff.render.figures.pooling import blocks, matrix, pooled, pooling_words
from gradient_diff.wording import number
from manual_mlp import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 128  # cells of a heat map per side; larger kernels are pooled


@canvas.in_house_style
def kernel_heatmaps(hand: npt.ArrayLike, reference: npt.ArrayLike, title: str = "kernel") -> Figure:
    """Hand, reference and their difference side by side.

    One diverging colour scale around 0 for hand and reference, another one for the difference. Beyond 128 entries per
    side each cell is the entry of largest magnitude of its block, with its sign, and the title says so.

    Args:
        hand: (n_in, n_out), or any shape that can be laid out in rows.
        reference: of the same shape.
        title: above the panels.

    Returns:
        A Figure on an Agg canvas.

    Raises:
        ValueError: two different shapes.

    Example:
        >>> import numpy as np
        >>> len(kernel_heatmaps(np.eye(3), np.eye(3), "identity").axes)  # three panels, two colour bars
        5
    """
    h, r = np.asarray(hand, np.float64), np.asarray(reference, np.float64)
    if h.shape != r.shape:
        raise ValueError(f"kernel_heatmaps() of shapes {h.shape} and {r.shape}: expected two arrays of one shape.")
    if not h.size:
        return canvas.nothing(f"{title}: the arrays are empty")
    h, r = matrix(h), matrix(r)
    d = canvas.difference(h, r)
    drawn = canvas.figure(9.2, 3.0)
    drawn.suptitle(canvas.label(title) + _pooling(h.shape), parse_math=False)
    axes = drawn.subplots(1, 3)
    scale = canvas.largest((h, r))
    _heatmap(axes[0], h, scale, "hand")
    image = _heatmap(axes[1], r, scale, "reference")
    _colour_bar(drawn, image, axes[:2].tolist(), scale)
    equal = not np.any(d)
    own = canvas.largest((d,))
    image = _heatmap(axes[2], d, own, "hand − reference: exactly 0" if equal else "hand − reference")
    _colour_bar(drawn, image, [axes[2]], own)
    return drawn


def _pooling(shape: tuple[int, ...]) -> str:
    words = pooling_words(*blocks(shape, _SIDE))
    return f" {shape}{f'; {words}' if words else ''}"


def _heatmap(axes: Axes, a: Array, scale: float, title: str) -> Any:
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    colours = colormaps["RdBu_r"].with_extremes(bad="0.55", over="black", under="black")
    bad = int(a.size - np.count_nonzero(np.isfinite(a)))
    axes.set_title(title + (f"; grey or black: {bad:,} not finite" if bad else ""))
    extent = (-0.5, a.shape[1] - 0.5, a.shape[0] - 0.5, -0.5)
    cells = canvas.over(pooled(a, _SIDE), scale)
    cells = np.where(np.isinf(cells), np.nan, cells)
    image = axes.imshow(cells, colours, vmin=-1, vmax=1, aspect="auto", interpolation="nearest", extent=extent)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.spines[:].set_visible(True)
    axes.set(xlabel="column", ylabel="row")
    return image


def _colour_bar(drawn: Figure, image: Any, axes: list[Axes], scale: float) -> None:
    bar = drawn.colorbar(image, ax=axes, ticks=[-1, 0, 1], aspect=18, pad=0.02)
    bar.ax.set_yticklabels([f"−{number(scale)}", "0", number(scale)] if scale else ["", "0", ""])
    bar.outline.set_visible(False)
