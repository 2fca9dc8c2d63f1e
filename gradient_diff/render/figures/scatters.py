"""Hand against reference, entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradient_diff.render.figures import canvas
from gradient_diff.render.figures.selection import kernels, pair
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.wording import number, tone
from manual_mlp import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 20_000  # of a scatter, over all its panels
_FURTHEST = 200  # points of a panel that thinning always keeps


@canvas.in_house_style
def scatter(diff: GradientDiff) -> Figure:
    """Hand against reference, one panel per kernel; on the line they are equal.

    Above 20,000 points in all, the 200 furthest from the line of each panel stay and the others are thinned evenly.
    """
    drawn_rows = kernels(diff)
    if not drawn_rows:
        return canvas.nothing("No kernel has values of one shape on both sides.")
    columns = min(len(drawn_rows), 3)
    lines = -(-len(drawn_rows) // columns)
    drawn = canvas.figure(max(3.1 * columns, 4.2), 3.1 * lines + 0.5)
    share = max(_POINTS // len(drawn_rows), 2 * _FURTHEST)
    panels = drawn.subplots(lines, columns, squeeze=False).ravel()
    for axes, row in zip(panels, drawn_rows, strict=False):
        _panel(axes, row, *pair(diff, row.name), share)
    for axes in panels[len(drawn_rows) :]:
        axes.remove()
    drawn.suptitle("hand against reference: equal on the line")
    return drawn


def _panel(axes: Axes, row: Row, h: Array, r: Array, share: int) -> None:
    kept = _thinned(h, r, share)
    scale = canvas.largest((h, r))
    thinned = f", {kept.size:,} of {h.size:,} points" if kept.size < h.size else ""
    axes.set_title(f"{canvas.label(row.name, 32)}\n{row.status.name}{thinned}", parse_math=False)
    ends = [-1.08, 1.08]
    axes.plot(ends, ends, color="0.6", linewidth=0.8, zorder=1)
    across, up = canvas.over(r, scale)[kept], canvas.over(h, scale)[kept]
    axes.scatter(across, up, s=9, color=canvas.INK[tone(row.status)], alpha=0.55, linewidths=0, zorder=2)
    ticks = [f"−{number(scale)}", "0", number(scale)] if scale else ["", "0", ""]
    axes.set(xlim=ends, ylim=ends, aspect="equal", xlabel="reference", ylabel="hand")
    axes.set_xticks([-1, 0, 1], ticks)
    axes.set_yticks([-1, 0, 1], ticks, rotation=90)
    for position, (below, beside) in enumerate(zip(axes.get_xticklabels(), axes.get_yticklabels(), strict=True)):
        below.set_horizontalalignment(("left", "center", "right")[position])
        beside.set_verticalalignment(("bottom", "center", "top")[position])


def _thinned(h: Array, r: Array, share: int) -> Array:
    """Indices of the points drawn: finite, the furthest from the line always, the others evenly."""
    finite = np.flatnonzero(np.isfinite(h) & np.isfinite(r))
    if finite.size <= share:
        return finite
    distance = np.abs(canvas.difference(h[finite], r[finite]))
    furthest = finite[np.argsort(distance, kind="stable")[-_FURTHEST:]]
    evenly = finite[np.linspace(0, finite.size - 1, share - _FURTHEST).astype(int)]
    return np.union1d(furthest, evenly)
