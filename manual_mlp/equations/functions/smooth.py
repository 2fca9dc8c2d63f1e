"""Parts that smooth activations are made of: softplus, erf and a finer dtype, all of which run on complex numbers.

A decision is taken on the real part, so that Im f(u + ih)/h is f′(u) on every branch.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.functions.classic import sigmoid, sigmoid_lost

SERIES_BELOW = 2.5  # the continued fraction has its full digits from here on
SERIES_TERMS, FRACTION_TERMS = 48, 60
FAR = 40.0  # beyond it exp(−u²/2) is 0 in every dtype, and its square might overflow


def finely(function: Callable[[Array], Array]) -> Callable[..., Array]:
    """(u, out) → z, computed in float32 where u has 16 bits, which exp and cubes leave at once."""

    def value(u: Array, out: Array | None = None) -> Array:
        with np.errstate(over="ignore"):  # beyond float16 it is inf
            z = function(u.astype(np.float32)).astype(u.dtype) if u.dtype.itemsize == 2 else function(u)
        return np.positive(z, out=out) if out is not None else z

    return value


def finely_back(slope: Callable[[Array], Array]) -> Callable[..., Array]:
    """(dE/dz, what f′ reads, out) → dE/dz ⊙ f′, with f′ computed in float32 where there are 16 bits."""
    computed = finely(slope)

    def backward(dE_dz: Array, read: Array, out: Array | None = None) -> Array:
        return np.multiply(computed(read), dE_dz, out=out)

    return backward


def softplus(u: Array) -> Array:
    """log(1 + exp(u)) = max(u, 0) + log(1 + exp(−|u|))."""
    positive = u.real > 0
    return np.asarray(np.where(positive, u, 0) + _log1p(np.exp(np.where(positive, -u, u))), u.dtype)


def _log1p(x: Array) -> Array:
    """NumPy's own for real numbers; its complex one loses what is small beside 1."""
    if x.dtype.kind != "c":
        return np.log1p(x)
    a, b = x.real, x.imag
    return np.log1p(a * (2 + a) + b * b) / 2 + 1j * np.arctan2(b, 1 + a)


def logistic(u: Array) -> Array:
    """Sigmoid; 1 minus it is that of −u, without cancellation."""
    return sigmoid(u)


def logistic_lost(u: Array) -> Array:
    """By how much more than storing it sigmoid loses close to 0."""
    return sigmoid_lost(u, sigmoid(u))


def near(u: Array, far: float = FAR) -> Array:
    """u, or ±far beyond that: where a factor is 0 already and powers of u might overflow."""
    return np.where(u.real > far, u.dtype.type(far), np.where(u.real < -far, u.dtype.type(-far), u))


def erfc(x: Array) -> Array:
    """1 − erf(x), with its relative digits for x > 2.5.

    Below, by erf x = 2/√π exp(−x²) Σ_k 2^k x^(2k+1)/(2k+1)!!, a sum of terms of one sign; from there on by the
    continued fraction √π exp(x²) erfc x = 1/(x + ½/(x + 1/(x + (3/2)/(x + …)))).

    Source: Abramowitz and Stegun, 1964, 7.1.6 and 7.1.14.
    """
    fine = x.astype(np.result_type(x.dtype, np.float64))
    inside = np.abs(fine.real) < SERIES_BELOW
    small, large = np.where(inside, fine, 0), _sided(np.where(inside, SERIES_BELOW, near(fine)))
    tail = np.exp(-large * large) / (math.sqrt(math.pi) * _fraction(large))
    result = np.where(inside, 1 - _series(small), np.where(fine.real < 0, 2 - tail, tail))
    return np.asarray(result, x.dtype)


def _series(x: Array) -> Array:
    term = total = x
    for k in range(1, SERIES_TERMS):
        term = term * (x * x) * (2 / (2 * k + 1))
        total = total + term
    return 2 / math.sqrt(math.pi) * np.exp(-x * x) * total


def _fraction(x: Array) -> Array:
    bottom = x
    for k in range(FRACTION_TERMS, 0, -1):
        bottom = x + (k / 2) / bottom
    return bottom


def _sided(x: Array) -> Array:
    """|x| by the sign of the real part."""
    return np.where(x.real < 0, -x, x)
