"""Sums of products that neither overflow nor vanish, whatever the magnitude of their terms, added up block by block."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from manual_mlp import Array

LOWEST, HIGHEST = 1e-250, 1e300
"""Within these a plain sum of squares is right: what vanishes is below 1e-307, and it would take 1e57 such squares."""

_ROW = 8192  # entries of one dot product: below 10,000 OpenBLAS starts no threads, which would wait for each other


class Sum(NamedTuple):
    """value · 2ᵉ.

    Attributes:
        value: of moderate size.
        exponent: e.
    """

    value: float
    exponent: int = 0


NOTHING = Sum(0.0)


def plus(a: Sum, b: Sum) -> Sum:
    """a + b."""
    if not a.value:
        return b
    if a.exponent == b.exponent or not b.value:
        return Sum(a.value + b.value, a.exponent)
    exponent = max(a.exponent, b.exponent)
    return Sum(_ldexp(a.value, a.exponent - exponent) + _ldexp(b.value, b.exponent - exponent), exponent)


def dot(a: Array, b: Array) -> float:
    """⟨a, b⟩ in one thread."""
    if a.size <= _ROW:
        return float(a.dot(b))
    whole = a.size - a.size % _ROW
    rows = np.vecdot(a[:whole].reshape(-1, _ROW), b[:whole].reshape(-1, _ROW))
    return float(rows.sum() + a[whole:].dot(b[whole:]))


def products(a: Array, b: Array) -> tuple[Sum, Sum, Sum]:
    """⟨a, a⟩, ⟨b, b⟩ and ⟨a, b⟩: plain where those are right, else of a and b scaled by powers of two."""
    aa, bb = dot(a, a), dot(b, b)
    if LOWEST < aa < HIGHEST and LOWEST < bb < HIGHEST:
        return Sum(aa), Sum(bb), Sum(dot(a, b))
    (a, i), (b, j) = _scaled(a), _scaled(b)
    return Sum(dot(a, a), 2 * i), Sum(dot(b, b), 2 * j), Sum(dot(a, b), i + j)


def square(a: Array) -> Sum:
    """⟨a, a⟩, infinite where an entry is."""
    plain = dot(a, a)
    if LOWEST < plain < HIGHEST:
        return Sum(plain)
    a, exponent = _scaled(a)
    return Sum(dot(a, a), 2 * exponent)


def root(a: Sum) -> float:
    """√a of a sum of squares, whose exponent is even; inf where no float is as large."""
    return _ldexp(math.sqrt(a.value), a.exponent // 2)


def quotient(a: Sum, b: Sum) -> float:
    """a / b, nan where b is zero."""
    return _ldexp(a.value / b.value, a.exponent - b.exponent) if b.value else math.nan


def relative(dd: Sum, rr: Sum) -> float:
    """‖d‖ / ‖r‖; 0 where both are zero, inf where only r is."""
    if not rr.value:
        return math.inf if dd.value else 0.0
    return root(Sum(dd.value / rr.value, dd.exponent - rr.exponent))


def cosine(aa: Sum, bb: Sum, ab: Sum) -> float:
    """⟨a, b⟩ / (‖a‖ ‖b‖), nan where a or b is zero."""
    (m, i), (n, j) = math.frexp(aa.value), math.frexp(bb.value)
    odd = (i + j) % 2
    norms = Sum(math.sqrt(m * n * (1 + odd)), (i + j - odd + aa.exponent + bb.exponent) // 2)
    return quotient(ab, norms)


def _scaled(a: Array) -> tuple[Array, int]:
    """a · 2⁻ᵉ with its largest entry below 1: exact, and its squares neither overflow nor all vanish."""
    largest = max(float(a.max()), -float(a.min()))
    if not largest or math.isinf(largest):
        return a, 0
    exponent = math.frexp(largest)[1]
    return np.ldexp(a, -exponent), exponent


def _ldexp(value: float, exponent: int) -> float:
    """value · 2ᵉ, inf where that is no float; math.ldexp raises there."""
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.copysign(math.inf, value)
