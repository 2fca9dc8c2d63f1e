"""Local rounding of each activation and of its pullback, by name; amplitudes in the letters of `local_rounding`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.local_rounding import (
    Share,
    row_sum_rounding,
    sigmoid_rounding,
    softmax_rounding,
    tanh_rounding,
)

Terms: TypeAlias = tuple[tuple[Array, Share], ...]


def _exact(*_: object) -> Terms:
    return ()


def _sigmoid(u: Array, z: Array, unit: float) -> Terms:
    entry, shared = sigmoid_rounding(z, unit)
    return (entry, "entry"), (shared, "unit")


def _tanh(u: Array, z: Array, unit: float) -> Terms:
    entry, shared = tanh_rounding(z, unit)
    return (entry, "entry"), (shared, "unit")


def _softmax(u: Array, z: Array, unit: float) -> Terms:
    entry, shared, row = softmax_rounding(u, z, unit)
    return (entry, "entry"), (shared, "unit"), (row, "row")


def _sigmoid_pullback(g: Array, z: Array, delta: Array, unit: float) -> Terms:
    """f′ = z (1 − z) is off by 1.5 s f′, the product by s|δ|."""
    return ((unit / math.sqrt(3) * math.sqrt(1.5**2 + 1) * np.abs(delta), "entry"),)


def _tanh_pullback(g: Array, z: Array, delta: Array, unit: float) -> Terms:
    """f′ = 1 − z² is off by s √(z⁴ + f′²): where tanh saturates, that is all there is of f′."""
    slope = 1 - z * z
    return ((unit / math.sqrt(3) * np.sqrt(g * g * (z**4 + slope * slope) + delta * delta), "entry"),)


def _softmax_pullback(g: Array, z: Array, delta: Array, unit: float) -> Terms:
    """δ = z (g − Σ g z): two roundings of δ, and the sum's own, which all units of a sample share."""
    return (2 * unit / math.sqrt(3) * np.abs(delta), "entry"), (z * row_sum_rounding(g * z, unit), "row")


VALUE: dict[str, Callable[[Array, Array, float], Terms]] = {
    "linear": _exact,
    "relu": _exact,
    "step": _exact,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "softmax": _softmax,
}
"""name → (u, z, unit roundoff) → terms."""

PULLBACK: dict[str, Callable[[Array, Array, Array, float], Terms]] = {
    "linear": _exact,
    "relu": _exact,
    "sigmoid": _sigmoid_pullback,
    "tanh": _tanh_pullback,
    "softmax": _softmax_pullback,
}
"""name → (dE/dz, what f′ reads, dE/du, unit roundoff) → terms."""
