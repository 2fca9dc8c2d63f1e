"""What heat maps are drawn of: hand, reference and difference of one array, small enough to draw and to save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from gradient_diff.render.figures.canvas import difference, largest
from gradient_diff.render.figures.pooling import blocks, matrix, pooled, pooling_words
from gradient_diff.render.figures.selection import comparable
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.wording import number
from manual_mlp import Array
from manual_mlp.extend import is_gradient

SIDE = 40  # cells of a heat map per side, at most
_NARROWEST = 6
_CELLS = 60_000  # of all heat maps of a page together, at most, which are 0.7 MB in the worst case
MOST = 200  # arrays that are drawn
_PALEST = 0.01  # of a scale's largest value: what is below has no shade


@dataclass(frozen=True, eq=False)
class Panels:
    """Three matrices of one shape, and how many rows and columns of the array became one of their cells."""

    hand: Array
    reference: Array
    difference: Array
    block: tuple[int, int] = (1, 1)

    @property
    def scale(self) -> float:
        """The largest magnitude of all three: they share one scale of colour."""
        return largest((self.hand, self.reference, self.difference))

    @property
    def words(self) -> str:
        """What a cell is, and of a difference for which the scale has no shade how large it is."""
        most = largest((self.difference,))
        pale = f"the difference, at most {number(most)}, is below the palest shade" * (0 < most < _PALEST * self.scale)
        return "; ".join(filter(None, (pooling_words(*self.block), pale)))


Drawn: TypeAlias = Mapping[str, Panels]
"""Row → what is drawn of it."""


def drawn_rows(diff: GradientDiff) -> list[Row]:
    """What is off; where nothing is, the gradient of each parameter."""
    rows = [row for row in diff.rows if comparable(row) and {row.name} <= diff.hand.keys() & diff.reference.keys()]
    off = [row for row in rows if row.status.bad]
    if any(row.status.bad for row in diff.rows):
        return off[:MOST]
    gradients = [row for row in rows if is_gradient(row.name) and not is_gradient(row.name, "u", "z", "x")]
    return (gradients or rows)[:MOST]


def side_for(arrays: int) -> int:
    """How many cells a side may have where so many arrays share a page."""
    return min(SIDE, max(_NARROWEST, int((_CELLS / (3 * max(arrays, 1))) ** 0.5)))


def panels_of(diff: GradientDiff, side: int | None = None) -> dict[str, Panels]:
    """Of every row that is drawn; a side of its own where many comparisons share a page."""
    rows = drawn_rows(diff)
    side = side_for(len(rows)) if side is None else side
    return {row.name: _panels(diff.hand[row.name], diff.reference[row.name], side) for row in rows}


def _panels(hand: Array, reference: Array, side: int) -> Panels:
    h, r = (matrix(np.asarray(a, np.float64)) for a in (hand, reference))
    return Panels(pooled(h, side), pooled(r, side), pooled(difference(h, r), side), blocks(h.shape, side))
