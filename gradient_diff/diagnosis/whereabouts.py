"""Where a difference sits that no known mistake explains."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from manual_mlp import Array

FEW = 5


def where_it_sits(
    node: str, hand: Mapping[str, Array], reference: Mapping[str, Array], limit: Array | float = 0.0
) -> str:
    """Rows and columns of an array that is off, in words: all others are right to within the limit."""
    apart = np.abs(np.asarray(hand[node], np.float64) - np.asarray(reference[node], np.float64))
    off = np.asarray(apart > limit)
    places = [_few(np.any(off, axis=tuple(a for a in range(off.ndim) if a != axis))) for axis in range(off.ndim)]
    found = [f"in {_place(p, axis, off.ndim)}" for axis, p in enumerate(places) if p]
    spread = ", and ".join(found) if found else "everywhere"
    return f"In {node} the difference sits {spread}."


def _place(indices: list[int], axis: int, axes: int) -> str:
    several, listed = len(indices) > 1, ", ".join(map(str, indices))
    if axes == 2:
        return f"{('row', 'column')[axis]}{'s' * several} {listed}"
    if axes == 1:
        return f"{'entries' if several else 'entry'} {listed}"
    return f"{'indices' if several else 'index'} {listed} of axis {axis}"


def _few(off: Array) -> list[int]:
    """The few indices along an axis that are off; none if it is all of them, or too many to list."""
    found = [int(i) for i in np.flatnonzero(off)]
    return found if len(found) <= min(FEW, len(off) - 1) else []
