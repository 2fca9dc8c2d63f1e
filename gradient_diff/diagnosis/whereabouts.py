"""Where a difference sits that no known mistake explains."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from manual_mlp import Array

MOST = 0.99  # of the squared difference counts as all of it
FEW = 5


def where_it_sits(node: str, hand: Mapping[str, Array], reference: Mapping[str, Array]) -> str:
    """Rows and columns of the first array that is off, in words."""
    square = np.square(np.asarray(hand[node], np.float64) - np.asarray(reference[node], np.float64))
    places = [_few(square.sum(axis=tuple(a for a in range(square.ndim) if a != axis))) for axis in range(square.ndim)]
    found = [f"in {_place(p, axis, square.ndim)}" for axis, p in enumerate(places) if p]
    spread = ", and ".join(found) if found else "everywhere"
    return f"In {node} the difference sits {spread}."


def _place(indices: list[int], axis: int, axes: int) -> str:
    several, listed = len(indices) > 1, ", ".join(map(str, indices))
    if axes == 2:
        return f"{('row', 'column')[axis]}{'s' * several} {listed}"
    if axes == 1:
        return f"{'entries' if several else 'entry'} {listed}"
    return f"{'indices' if several else 'index'} {listed} of axis {axis}"


def _few(share: Array) -> list[int]:
    """The few indices that hold nearly all of it; none if it is spread out."""
    order = np.argsort(-share, kind="stable")
    total = np.cumsum(share[order])
    needed = int(np.searchsorted(total, MOST * total[-1])) + 1
    return sorted(map(int, order[:needed])) if needed <= min(FEW, len(share) - 1) else []
