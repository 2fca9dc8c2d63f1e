"""What values say for one reading against another: directions, since a wrong hand is often wrong by a factor.

Of two arrays as vectors of length 1 the distance is 2 sin(θ/2): 0 for a multiple, about √2 for strangers. To be half as
far as another reading is to be within 41° where that is a stranger, which of d entries chance gives to fewer than one
in 2^d/2.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from manual_mlp import Array
from manual_mlp.extend import Arrays

HALF = 0.5


def apart(array: Array, reference: Array) -> float | None:
    """How far two arrays point apart, their signs aside; of single numbers how far they are; None without evidence."""
    a, r = (np.asarray(side, np.float64).ravel() for side in (array, reference))
    if a.shape != r.shape or not (np.isfinite(a).all() and np.isfinite(r).all()) or not a.any() or not r.any():
        return None
    if a.size == 1:
        return float(abs(a[0] - r[0]) / (abs(a[0]) + abs(r[0])))
    a, r = (side / np.abs(side).max() for side in (a, r))  # squares of tiny numbers would be zero
    a, r = (side / np.linalg.norm(side) for side in (a, r))
    return float(min(np.linalg.norm(a - r), np.linalg.norm(a + r)))


def _both(one: Arrays, other: Arrays, reference: Arrays) -> Iterator[tuple[float, float]]:
    """How far the arrays in which two readings differ are from the reference's, by one and by the other."""
    for name in one.keys() & other.keys() & reference.keys():
        if not np.array_equal(one[name], other[name]):
            first, second = apart(one[name], reference[name]), apart(other[name], reference[name])
            if first is not None and second is not None:
                yield first, second


def dominates(one: Arrays, other: Arrays, reference: Arrays) -> int:
    """In how many arrays one reading is at most half as far as the other, if it is in all that differ; else 0."""
    found = list(_both(one, other, reference))
    return len(found) if all(a <= HALF * b and a < b for a, b in found) else 0


def is_better(one: Arrays, other: Arrays, reference: Arrays) -> bool:
    """Whether one reading is nearer on the whole: its squares are at most half of the other's, where they differ."""
    found = list(_both(one, other, reference))
    return not found or sum(a * a for a, _ in found) <= HALF * sum(b * b for _, b in found)
