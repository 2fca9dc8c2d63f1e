"""The figures of the studies: their size, their frame, their three colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, RED, GREEN = "#1a5fa0", "#b5501f", "#3a7d44"


def panels(
    width: float,
    height: float,
    rows: int = 1,
    columns: int = 1,
    *,
    share: str = "",
    boxed: bool = False,
    widths: Sequence[float] | None = None,
) -> tuple[Figure, list[Axes]]:
    """A figure in inches and its axes, row by row; `share` names the axes in common: "x", "y" or "xy".

    Without `boxed` no frame is drawn on the right and above.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    x, y = "x" in share, "y" in share
    axes = figure.subplots(rows, columns, squeeze=False, width_ratios=widths, sharex=x, sharey=y).ravel().tolist()
    for each in axes:
        each.spines[["top", "right"]].set_visible(boxed)
    return figure, axes
