"""What one activation function is: a record of value, derivative, formulas, kinks and rounding."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.local_rounding import Precision, Terms

Rounding: TypeAlias = Callable[[Array, Array, Precision], Terms]
BackwardRounding: TypeAlias = Callable[[Array, Array, Array, Precision], Terms]

Sizes: TypeAlias = tuple[Array | float, Array | float]
"""How large what rounds is: the root of the sum of squares of what arithmetic rounds, then what a library rounds."""

LIBRARY = 3.0
"""Roundings that a result of exp, tanh, log1p or erf stands for: the worst of TensorFlow 2.21 (eager, XLA) and NumPy
2.4 is 5.5 u of tanh, 1.7 u of exp, 1.9 u of log1p and expm1."""
SURE = 32.0
"""What is nearer to 1 than u/32 is stored as 1 and rounds no more: see `STORED_AS_ONE`."""


def exact(*_: object) -> Terms:
    """What only selects does not round."""
    return ()


def factor_lost(dE_dz: Array, *_: object) -> Terms:
    """f′ is stored, then multiplied by g: max(1, |g|)."""
    return ((np.maximum(1.0, np.abs(dE_dz)), "entry"),)


def lost_once(u: Array, z: Array) -> Array:
    """What is stored once close to 0 loses η once."""
    return np.ones_like(z)


def lost_by_factor(u: Array, z: Array) -> Array:
    """A factor of u that is stored close to 0 loses η, and the product |u| η: √(1 + u²)."""
    return np.sqrt(1 + u * u)


def terms_of(sizes: Sizes, at: Precision) -> Terms:
    """The one rule: s √(Σ arithmetic² + 9 library²) an entry, and u library, which all samples of a unit share."""
    arithmetic, library = sizes
    s = at.u / math.sqrt(3)
    entry = s * np.sqrt(np.square(arithmetic) + LIBRARY**2 * np.square(library))
    return (np.asarray(entry), "entry"), (np.asarray(at.u * library), "unit")


def summed(sizes: Callable[[Array, Array, float], Sizes]) -> Rounding:
    """The rounding of a value from its summands: (u, z, unit roundoff that it is stored with) → their sizes."""
    return lambda u, z, at: terms_of(sizes(u, z, at.own), at)


def summed_back(sizes: Callable[[Array, float], Sizes]) -> BackwardRounding:
    """The rounding of a pullback from the summands of f′: (what it reads, unit roundoff) → their sizes.

    They are multiplied by dE/dz; the products around f′ round δ itself, twice.
    """

    def rounding(dE_dz: Array, read: Array, delta: Array, at: Precision) -> Terms:
        arithmetic, library = sizes(read, at.own)
        g = np.abs(dE_dz)
        return terms_of((np.hypot(g * arithmetic, 2 * np.abs(delta)), g * library), at)

    return rounding


def measured(rounding: Callable[[Array, Array, float], Terms]) -> Rounding:
    """That of a value whose constants were measured by themselves: (u, z, unit roundoff) → terms."""
    return lambda u, z, at: rounding(u, z, at.u)


def measured_back(rounding: Callable[[Array, Array, Array, float], Terms]) -> BackwardRounding:
    """The same of a pullback: (dE/dz, u or z, dE/du, unit roundoff) → terms."""
    return lambda dE_dz, read, delta, at: rounding(dE_dz, read, delta, at.u)


def unless_sure(size: Array | float, gap: Array, unit: float) -> Array:
    """The size of something close to ±1, which rounds no more where what is missing of that is lost."""
    return np.minimum(size, SURE * np.abs(gap) / unit)


@dataclass(frozen=True)
class ActivationFunction:
    """One activation function: its value and its pullback dE/dz → dE/du, with the formulas of both.

    Attributes:
        name: Keras's name, with the arguments that are not Keras's defaults: `leaky_relu(negative_slope=0.3)`.
        formula: z as a function of `{u}`.
        backward_formula: dE/du in terms of `{g}` = dE/dz and `{read}`, the array that the derivative reads.
        reads: whether the derivative reads u or z; TensorFlow's choice, so that both sides round alike.
        value: (N, n) → (N, n).
        backward: (dE/dz, u or z) → dE/du, all (N, n); None if no gradient passes.
        rounding: (u, z, how finely) → what the value rounds.
        backward_rounding: (dE/dz, u or z, dE/du, how finely) → what the pullback rounds.
        source: where the formula is from.
        kinks: where two slopes meet, or the value jumps.
        blur: how many units of roundoff beside a kink a library may take the other branch, as of u + 3 where it is 6.
        on_branch: (u, anchor) → z on the branch that the anchor is on; where there are kinks.
        back_on_branch: (dE/dz, u, anchor) → dE/du on that branch.
        edge: where |z| saturates, so that f′ = 0, and is stored exactly.
        lost: (u, z) → by how much more than storing it an entry loses close to 0.
        backward_lost: (dE/dz, u or z, how finely) → the same of the pullback, and who shares it.
        numpy_slopes: f′ as it is spelled in NumPy, by what it is written with, "u" or "z", as `{t}`.
    """

    name: str
    formula: str
    backward_formula: str
    reads: Literal["u", "z"]
    value: Callable[..., Array]
    backward: Callable[..., Array] | None
    rounding: Rounding
    backward_rounding: BackwardRounding
    source: str
    kinks: tuple[float, ...] = ()
    blur: float = 0.0
    on_branch: Callable[[Array, Array], Array] | None = None
    back_on_branch: Callable[[Array, Array, Array], Array] | None = None
    edge: float | None = None
    lost: Callable[[Array, Array], Array] = lost_once
    backward_lost: Callable[[Array, Array, Precision], Terms] = factor_lost
    numpy_slopes: tuple[tuple[Literal["u", "z"], str], ...] = ()
