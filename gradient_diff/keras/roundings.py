"""Rounding measured from draws of it: runs on numbers that are moved by one unit roundoff."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

DRAWS = 8  # of the rounding of something that the house's noise model does not cover


def moved(array: Array, dtype: str, rng: np.random.Generator, draw: int, stored: str = "") -> Array:
    """Values as `stored` holds them, in float64; from the second draw on, each moved by one unit roundoff of `dtype`.

    Whole numbers are left as they are. Where nothing else is said, values are stored in that dtype.
    """
    if array.dtype.kind in "iub":
        return array
    factor = 1 + 2 * UNITS[dtype] * rng.choice([-1, 0, 1], array.shape) if draw else 1.0
    return np.asarray(tf.cast(tf.constant(array * factor), stored or dtype).numpy(), np.float64)


def drawn_errors(
    point: Arrays, dtype: str, coarse: Callable[[Arrays], Arrays], exact: Callable[[Arrays], Arrays] | None
) -> list[dict[str, Array]]:
    """What a computation was off by, each time on other last digits; runs that give NaN or Inf are left out.

    `coarse` computes in that dtype, `exact` in float64. Without one the runs are held against the first of them, and
    what the moved digits change counts as rounding, too.
    """
    rng = np.random.default_rng(0)
    draws = range(DRAWS if exact else DRAWS + 1)
    places = [{n: moved(np.asarray(a, np.float64), dtype, rng, draw) for n, a in point.items()} for draw in draws]
    found = [_float64(coarse(p)) for p in places]
    true = [_float64(exact(p)) for p in places] if exact else [found[0]] * len(found)
    pairs = list(zip(found, true, strict=True))[0 if exact else 1 :]
    with np.errstate(invalid="ignore"):
        errors = [{n: a - t[n] for n, a in f.items() if n in t and t[n].shape == a.shape} for f, t in pairs]
    return [e for e in errors if all(np.isfinite(a).all() for a in e.values())]


def _float64(arrays: Arrays) -> dict[str, Array]:
    return {n: np.asarray(a, np.float64) for n, a in arrays.items()}
