"""Activations in pieces between kinks: the relus, the hard ones, the shrinks, threshold and the sparse ones.

A piece is a polynomial; which one holds is decided by an anchor, which is u itself unless a kink is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.functions.record import ActivationFunction, summed, summed_back

Polynomial = tuple[float, ...]
"""Coefficients of 1, u, u², ….; (a, b, …) is a + b u + …"""


@dataclass(frozen=True)
class Pieces:
    """A function in pieces.

    Attributes:
        knots: where a piece ends, ascending.
        values: one polynomial more than there are knots.
        left: of each knot, whether the knot itself has the value of the piece on its left.
        slopes: of each knot, f′ at the knot itself as TensorFlow takes it.
    """

    knots: tuple[float, ...]
    values: tuple[Polynomial, ...]
    left: tuple[bool, ...]
    slopes: tuple[float, ...]

    def value(self, u: Array, anchor: Array | None = None) -> Array:
        """f(u) on the piece that the anchor is on."""
        return self._chosen(self.values, u, u.real if anchor is None else anchor.real)

    def slope(self, u: Array, anchor: Array | None = None) -> Array:
        """f′(u) on that piece."""
        at = u.real if anchor is None else anchor.real
        found = self._chosen(tuple(map(_derivative, self.values)), u, at)
        for knot, slope in zip(self.knots, self.slopes, strict=True):
            found = np.where(at == at.dtype.type(knot), u.dtype.type(slope), found)
        return found

    def _chosen(self, polynomials: tuple[Polynomial, ...], u: Array, at: Array) -> Array:
        chosen = _polynomial(polynomials[0], u)
        for knot, left, after in zip(self.knots, self.left, polynomials[1:], strict=True):
            edge = at.dtype.type(knot)
            chosen = np.where(at > edge if left else at >= edge, _polynomial(after, u), chosen)
        return np.asarray(chosen, u.dtype)

    def joins(self, k: int) -> bool:
        """Whether value and slope go on at a knot: no kink is there."""
        at = np.array(self.knots[k])
        before, after = self.values[k], self.values[k + 1]
        pairs = ((before, after), (_derivative(before), _derivative(after)))
        return all(np.isclose(_polynomial(a, at), _polynomial(b, at)) for a, b in pairs)


@np.errstate(over="ignore")  # a square of float16 on a piece that is not chosen
def _polynomial(coefficients: Polynomial, u: Array) -> Array:
    total = np.full_like(u, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * u + u.dtype.type(c) if total.any() else np.full_like(u, c)
    return total


def _derivative(p: Polynomial) -> Polynomial:
    return tuple(k * c for k, c in enumerate(p))[1:] or (0.0,)


def in_pieces(
    name: str,
    pieces: Pieces,
    formula: str,
    backward_formula: str,
    source: str,
    numpy_slope: str,
    roundings: Callable[[Array, Array], Array | float],
    slope_roundings: Callable[[Array], Array | float] = lambda u: 0.0,
    blur: float = 0.0,
) -> ActivationFunction:
    """The record of a function in pieces, with the sizes of what rounds: (u, z) → of z, u → of f′."""

    def value(u: Array, out: Array | None = None) -> Array:
        z = pieces.value(u)
        return np.positive(z, out=out) if out is not None else z

    def backward(dE_dz: Array, u: Array, out: Array | None = None) -> Array:
        return np.multiply(dE_dz, pieces.slope(u), out=out)

    return ActivationFunction(
        name=name,
        formula=formula,
        backward_formula=backward_formula,
        reads="u",
        value=value,
        backward=backward,
        rounding=summed(lambda u, z, unit: (roundings(u, z), 0.0)),
        backward_rounding=summed_back(lambda u, unit: (slope_roundings(u), 0.0)),
        source=source,
        kinks=tuple(knot for k, knot in enumerate(pieces.knots) if not pieces.joins(k)),
        blur=blur,
        on_branch=pieces.value,
        back_on_branch=lambda g, u, anchor: g * pieces.slope(u, anchor),
        numpy_slopes=(("u", numpy_slope),),
    )
