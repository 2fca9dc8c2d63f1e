"""Smooth activations without a gate: softsign, squareplus and tanh_shrink."""

from __future__ import annotations

import math

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.functions.classic import tanh
from manual_mlp.equations.functions.record import (
    ActivationFunction,
    Sizes,
    lost_once,
    summed,
    summed_back,
    unless_sure,
)
from manual_mlp.equations.functions.smooth import finely, finely_back
from manual_mlp.equations.local_rounding import Precision, Terms

SHORT, TERMS = 1.0, 12  # |u| below which a series gives u − tanh u, and its terms


def _size(u: Array) -> Array:
    """|u|, by the sign of the real part."""
    return np.where(u.real < 0, -u, u)


def _square_lost(dE_dz: Array, u: Array, at: Precision) -> Terms:
    """(1 + |u|)² overflows in float16 where f′ < 2⁻¹⁶, so that all of it is lost: 256 steps of the grid."""
    lost = np.where(np.abs(u) > 128, 2.0**9, 1.0)
    return ((np.hypot(1.0, np.abs(dE_dz) * lost), "entry"),)


def softsign() -> ActivationFunction:
    """z = u/(1 + |u|): f′ = 1/(1 + |u|)²."""
    return ActivationFunction(
        name="softsign",
        formula="{u}/(1 + |{u}|)",
        backward_formula="{g}/(1 + |{read}|)²",
        reads="u",
        value=finely(lambda u: u / (1 + _size(u))),
        backward=finely_back(lambda u: np.square(1 / (1 + _size(u)))),
        rounding=summed(lambda u, z, unit: (math.sqrt(3) * np.abs(z), 0.0)),
        backward_rounding=summed_back(lambda u, unit: (2 / np.square(1 + np.abs(u)), 0.0)),
        source="Bergstra, 2009",
        backward_lost=_square_lost,
        numpy_slopes=(("u", "(1 / (1 + np.abs({t})) ** 2)"), ("z", "(1 - np.abs({t})) ** 2")),
    )


def squareplus(b: float = 4.0) -> ActivationFunction:
    """z = (u + √(u² + b))/2: f′ = (1 + u/√(u² + b))/2; where u < 0 both without cancellation, by b/(√(u² + b) − u)."""
    if not b > 0:
        raise ValueError(f"squareplus(b={b:g}): expected a number above 0, such as 4.")

    def root(u: Array) -> Array:
        return np.sqrt(u * u + u.dtype.type(b))

    def value(u: Array) -> Array:
        s = root(u)
        return np.asarray(np.where(u.real < 0, b / (s + _size(u)), u + s) / 2, u.dtype)

    def slope(u: Array) -> Array:
        s = root(u)
        return np.asarray(np.where(u.real < 0, b / ((s + _size(u)) * s), 1 + u / s) / 2, u.dtype)

    def back(u: Array, unit: float) -> Sizes:
        share = np.abs(u) / root(u)
        return np.sqrt(2 * share**2 + 0.25), 0.0

    return ActivationFunction(
        name="squareplus",
        formula=f"½ ({{u}} + √({{u}}² + {b:g}))",
        backward_formula=f"{{g}} ⊙ ½ (1 + {{read}}/√({{read}}² + {b:g}))",
        reads="u",
        value=finely(value),
        backward=finely_back(slope),
        rounding=summed(lambda u, z, unit: (np.hypot(root(u), z), 0.0)),
        backward_rounding=summed_back(back),
        source="Barron, 2021",
        lost=lost_once,
        numpy_slopes=(("u", f"((1 + {{t}} / np.sqrt({{t}} ** 2 + {b!r})) / 2)"),),
    )


def tanh_shrink() -> ActivationFunction:
    """z = u − tanh(u): f′ = tanh(u)².

    Where |u| < 1 by (u cosh u − sinh u)/cosh u, whose numerator Σ_k 2k u^(2k+1)/(2k + 1)! has terms of one sign.
    """

    def value(u: Array) -> Array:
        inside = np.abs(u.real) < SHORT
        small = np.where(inside, u, 0)
        return np.asarray(np.where(inside, _series(small) / np.cosh(small), u - tanh(u)), u.dtype)

    def sizes(u: Array, z: Array, unit: float) -> Sizes:
        t = np.abs(np.tanh(u))
        return np.abs(z), unless_sure(t, 1 - t, unit)

    def back(u: Array, unit: float) -> Sizes:
        t = np.abs(np.tanh(u))
        return np.hypot(1 - t * t, t * t), unless_sure(t * t, 1 - t, unit)

    return ActivationFunction(
        name="tanh_shrink",
        formula="{u} − tanh({u})",
        backward_formula="{g} ⊙ tanh({read})²",
        reads="u",
        value=finely(value),
        backward=finely_back(lambda u: np.square(tanh(u))),
        rounding=summed(sizes),
        backward_rounding=summed_back(back),
        source="Keras's tanh_shrink",
        numpy_slopes=(("u", "np.tanh({t}) ** 2"),),
    )


def _series(u: Array) -> Array:
    """u cosh u − sinh u."""
    square, term, total = u * u, u, np.zeros_like(u)
    for k in range(1, TERMS):
        term = term * square * (1 / (2 * k * (2 * k + 1)))
        total = total + 2 * k * term
    return total
