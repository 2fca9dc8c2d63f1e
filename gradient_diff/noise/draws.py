"""Rounding measured from draws of it: runs on numbers that are moved by one unit roundoff."""

from __future__ import annotations

import numpy as np

from manual_mlp import Array
from manual_mlp.extend import UNITS

DRAWS = 8  # of the rounding of something that the house's noise model does not cover


def moved(array: Array, dtype: str, rng: np.random.Generator, draw: int, stored: str = "") -> Array:
    """Values as `stored` holds them, in float64; from the second draw on, each moved by one unit roundoff of `dtype`.

    Whole numbers and text are left as they are. Where nothing else is said, values are stored in that dtype.
    """
    if array.dtype.kind in "iubUS":
        return array
    factor = 1 + 2 * UNITS[dtype] * rng.choice([-1, 0, 1], array.shape) if draw else 1.0
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(array * factor).astype(np.dtype(stored or dtype)).astype(np.float64)


def further_than_order(a: Array, b: Array, terms: int, computed: str = "") -> bool:
    """Whether two runs of the same sums differ by more than the order of the terms explains, γ_n = n u.

    u is that of the arrays' own dtype, or of the one that they were computed in.
    """
    if a.shape != b.shape:
        return True
    x, y = (np.asarray(side, np.float64) for side in (a, b))
    unit = UNITS[computed] if computed else max(UNITS[side.dtype.name] for side in (a, b))
    with np.errstate(invalid="ignore"):
        far = np.abs(x - y) > 2 * terms * unit * np.abs(x[np.isfinite(x)]).max(initial=0.0)
    return bool((far | (np.isfinite(x) != np.isfinite(y))).any())
