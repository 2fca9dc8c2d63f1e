"""What values say for one reading against another: first directions, since a wrong hand is often wrong by a factor.

Of two arrays as vectors of length 1 the distance is 2 sin(θ/2): 0 for a multiple, about √2 for strangers. To be half as
far as another reading is to be within 41° where that is a stranger, which of d entries chance gives to fewer than one
in 2^(d/2). Where directions do not tell, as of one sample's dE/dW = x δ and dE/db = δ for one input, sizes do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

HALF = 0.5
FEW = 4  # entries
FLAT = 64 * UNITS["float32"]  # a hand may have been float32 on the way: nearer directions are rounding

Far = tuple[float, float]


def far(array: Array, reference: Array) -> Far | None:
    """(how far two arrays point apart, their signs aside; how far they are, in their lengths); None if not finite."""
    a, r = (np.asarray(side, np.float64).ravel() for side in (array, reference))
    if a.shape != r.shape or not (np.isfinite(a).all() and np.isfinite(r).all()):
        return None
    sizes = np.abs(a).max(initial=0.0), np.abs(r).max(initial=0.0)
    if not all(sizes):
        return (1.0, 1.0) if any(sizes) else (FLAT, 0.0)  # zeros are near zeros alone
    x, y = a / max(sizes), r / max(sizes)  # squares of tiny or huge numbers are none
    distance = float(np.linalg.norm(x - y) / (np.linalg.norm(x) + np.linalg.norm(y)))
    a, r = (side / size / np.linalg.norm(side / size) for side, size in zip((a, r), sizes, strict=True))
    return max(float(min(np.linalg.norm(a - r), np.linalg.norm(a + r))), FLAT), distance


def voices(one: Arrays, other: Arrays, reference: Arrays) -> int:
    """How many arrays speak for one reading against the other; 0 if any speaks against it.

    An array that is wrong in both speaks for neither.
    """
    found = _differing(one, other, reference)
    if any(_nearer(b, a) for a, b, _ in found):
        return 0
    return sum(_nearer(a, b) and _is_heard(a, b, size) for a, b, size in found)


def _is_heard(one: Far, other: Far, size: int) -> bool:
    """Few numbers point somewhere near by chance: they are heard where they fit."""
    exact = one[0] <= FLAT and (other[0] > 2 * FLAT or one[1] <= FLAT)
    return exact or (size >= FEW and one[0] <= HALF * other[0])


def exact(arrays: Arrays, reference: Arrays) -> int:
    """How many arrays of several entries are the reference's, up to rounding."""
    found = (far(a, reference[n]) for n, a in arrays.items() if n in reference and a.size > 1)
    return sum(one is not None and one[1] <= FLAT for one in found)


def is_better(one: Arrays, other: Arrays, reference: Arrays) -> bool:
    """Whether one reading is nearer on the whole: its squares add up to half of the other's, where they differ."""
    found = _differing(one, other, reference)
    return not found or _nearer(_together([a for a, _, _ in found]), _together([b for _, b, _ in found]))


def _differing(one: Arrays, other: Arrays, reference: Arrays) -> list[tuple[Far, Far, int]]:
    """Of the arrays in which two readings differ: how far by one, by the other, and how many entries."""
    names = [n for n in one if n in other and n in reference and not np.array_equal(one[n], other[n])]
    pairs = [(far(one[n], reference[n]), far(other[n], reference[n]), reference[n].size) for n in names]
    return [(a, b, size) for a, b, size in pairs if a is not None and b is not None and a != b]


def _together(several: Sequence[Far]) -> Far:
    turned, distance = (float(np.square(column).sum()) for column in zip(*several, strict=True))
    return turned, distance


def _nearer(one: Far, other: Far) -> bool:
    """By direction, or where that tells for neither, by distance."""
    if one[0] <= HALF * other[0] or other[0] <= HALF * one[0]:
        return one[0] < other[0]
    return one[1] <= HALF * other[1] and one[1] < other[1]
