"""Local rounding of each loss and of its gradient; amplitudes in the letters of `local_rounding`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.activation_rounding import Terms
from manual_mlp.equations.activations import sigmoid, softmax
from manual_mlp.equations.local_rounding import row_sum_rounding, sigmoid_rounding, softmax_rounding
from manual_mlp.equations.losses import EPSILON

Gradient: TypeAlias = Callable[[Array, Array, Array, float, float], Terms]

SQRT3 = math.sqrt(3)


def _scaled(delta: Array, u: float, *more: Array) -> Terms:
    """Two roundings of δ itself besides `more`, and the factor c, which all entries share: 1 ± 1.5 u."""
    size = np.abs(delta)
    own = 2 * u / SQRT3 * size
    return (np.sqrt(sum((np.square(m) for m in more), np.square(own))), "entry"), (1.5 * u * size, "all")


def _squared(z: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
    return _scaled(delta, u)


def _bce_logits(logits: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
    entry, shared = sigmoid_rounding(sigmoid(logits), u)
    return (*_scaled(delta, u, c * entry), (c * shared, "unit"))


def _cce_logits(logits: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
    entry, shared, row = softmax_rounding(logits, softmax(logits), u)
    return (*_scaled(delta, u, c * entry), (c * shared, "unit"), (c * row, "row"))


def _bce(p: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
    """Two fractions, (1 − y)/(1 − p) and y/p, and their difference, which may cancel."""
    q = np.clip(p, EPSILON, 1 - EPSILON)
    inside = delta != 0
    return _scaled(delta, u, 2 * u / SQRT3 * c * inside * (np.abs(1 - y) / (1 - q) + np.abs(y) / q))


def _cce(p: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
    """g = −y/q and Σ g q, both over Σ p; the two sums over the classes round alike for a whole row."""
    total = p.sum(axis=-1, keepdims=True)
    q = np.clip(p / total, EPSILON, 1 - EPSILON)
    g = np.abs(y) / q
    sums = row_sum_rounding(g * q, u) + row_sum_rounding(q, u) * (g + 1)
    return (*_scaled(delta, u, 3 * u / SQRT3 * c * (g + 1) / total), (c * sums / total, "row"))


def _scce(p: Array, labels: Array, delta: Array, c: float, u: float) -> Terms:
    q = np.clip(p, EPSILON, 1 - EPSILON)
    return (*_scaled(delta, u, 3 * u / SQRT3 * c / q * (np.abs(delta) > 0)), (c * row_sum_rounding(q, u), "row"))


def _bce_logits_terms(logits: Array, y: Array) -> Array:
    return np.abs(logits) * (1 + np.abs(y)) + np.log1p(np.exp(-np.abs(logits)))


def _cce_logits_terms(logits: Array, y: Array) -> Array:
    """What is added and subtracted on the way to log Σ exp u − u: all of it rounds."""
    return np.abs(y) * (np.abs(logits).max(axis=-1, keepdims=True) + math.log(logits.shape[-1]) + np.abs(logits))


def _scce_logits_terms(logits: Array, labels: Array) -> Array:
    return 2 * np.abs(logits).max(axis=-1) + math.log(logits.shape[-1])


def _log_terms(p: Array, y: Array) -> Array:
    """A logarithm near 1 carries the absolute error of its argument: hence the 1; at the clip, 1 − ε rounds, too."""
    q = np.clip(p, EPSILON, 1 - EPSILON)
    at_clip = (p >= 1 - 2 * EPSILON) / (1 - q)
    return np.abs(y) * (1 - np.log(q)) + np.abs(1 - y) * (1 - np.log(1 - q) + at_clip)


GRADIENT: dict[tuple[str, bool], Gradient] = {
    **dict.fromkeys(
        [
            (name, False)
            for name in ("half_sum_squared_error", "sum_squared_error", "quadratic_cost", "mean_squared_error")
        ],
        _squared,
    ),
    ("binary_crossentropy", False): _bce,
    ("binary_crossentropy", True): _bce_logits,
    ("categorical_crossentropy", False): _cce,
    ("categorical_crossentropy", True): _cce_logits,
    ("sparse_categorical_crossentropy", False): _scce,
    ("sparse_categorical_crossentropy", True): _cce_logits,
}
"""(name, from logits) → (y_pred, y, dE/dy_pred, c, unit roundoff) → terms."""

TERMS: dict[tuple[str, bool], Callable[[Array, Array], Array]] = {
    **dict.fromkeys(
        [
            (name, False)
            for name in ("half_sum_squared_error", "sum_squared_error", "quadratic_cost", "mean_squared_error")
        ],
        lambda z, y: np.square(z - y),
    ),
    ("binary_crossentropy", False): _log_terms,
    ("binary_crossentropy", True): _bce_logits_terms,
    ("categorical_crossentropy", False): lambda p, y: np.abs(y) * (2 - np.log(np.clip(p, EPSILON, 1))),
    ("categorical_crossentropy", True): _cce_logits_terms,
    ("sparse_categorical_crossentropy", False): lambda p, labels: 2 - np.log(np.clip(p, EPSILON, 1)).min(axis=-1),
    ("sparse_categorical_crossentropy", True): _scce_logits_terms,
}
"""(name, from logits) → (y_pred, y) → the size of what is summed to E, before the factor c."""
