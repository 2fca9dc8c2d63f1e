"""Activations that multiply u by a gate between 0 and 1: silu, gelu in both forms, and mish."""

from __future__ import annotations

import math

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.functions.record import (
    ActivationFunction,
    Sizes,
    lost_by_factor,
    summed,
    summed_back,
    unless_sure,
)
from manual_mlp.equations.functions.smooth import erfc, finely, finely_back, logistic, logistic_lost, near
from manual_mlp.equations.local_rounding import Precision, Terms

ROOT = math.sqrt(2 / math.pi)
CUBIC = 0.044715
LOGISTIC = 1.6  # times LIBRARY: sigmoid of TensorFlow is off by up to 8 u


def gate_lost(u: Array, z: Array) -> Array:
    """|u| times what the gate loses close to 0."""
    return np.sqrt(1 + np.square(u * logistic_lost(u)))


def factors_lost(dE_dz: Array, u: Array, at: Precision) -> Terms:
    """f′ is made of a gate and of u times another factor: each loses η before g multiplies it."""
    factor = (1 + np.abs(u)) * logistic_lost(u)
    return ((np.sqrt(1 + 2 * np.square(dE_dz * factor)), "entry"),)


def silu() -> ActivationFunction:
    """z = u s, s = sigmoid(u): f′ = s + u s(1 − s) = s (1 + u (1 − s))."""

    def slope(u: Array) -> Array:
        return logistic(u) * (1 + u * logistic(-u))

    def back(u: Array, unit: float) -> Sizes:
        s, rest = logistic(u), logistic(-u)
        moved = unless_sure(np.abs(u) * s * s, rest, unit)  # what s rounds is there again in 1 − s
        inner = s * (1 + np.abs(u) * rest)
        return np.sqrt(2 * inner**2 + moved**2), LOGISTIC * np.hypot(inner, moved)

    return ActivationFunction(
        name="silu",
        formula="{u} sigmoid({u})",
        backward_formula="{g} ⊙ s(1 + {read}(1 − s)), s = sigmoid({read})",
        reads="u",
        value=finely(lambda u: u * logistic(u)),
        backward=finely_back(slope),
        rounding=summed(lambda u, z, unit: (np.abs(z), LOGISTIC * np.abs(z))),
        backward_rounding=summed_back(back),
        source="Ramachandran, 2017",
        lost=gate_lost,
        backward_lost=factors_lost,
        numpy_slopes=(("u", "((1 + {t} / (1 + np.exp({t}))) / (1 + np.exp(-{t})))"),),
    )


def gelu(approximate: bool = False, constant: float | None = None) -> ActivationFunction:
    """z = u Φ(u), Φ the normal distribution function; or by tanh, with `approximate`.

    `constant` is √½, or 0.044715 by tanh, as somebody holds it: TensorFlow's has passed through float32.
    """
    if approximate:
        return _gelu_by_tanh(CUBIC if constant is None else constant)
    return _gelu_by_erf(math.sqrt(0.5) if constant is None else constant)


def _gelu_by_erf(root: float) -> ActivationFunction:
    """z = u Φ(u), Φ = ½ (1 + erf(u/√2)): f′ = Φ + u φ, φ = exp(−u²/2)/√(2π).

    People write 1 + erf, of which in the tail 1 is a summand; here, as in TensorFlow 2.21, it is erfc(−u/√2).
    """

    def gate(u: Array) -> Array:
        return 0.5 * erfc(-u * u.dtype.type(root))

    def density(u: Array) -> Array:
        bounded = near(u)
        return np.asarray(root / math.sqrt(math.pi) * np.exp(-np.square(bounded * u.dtype.type(root))), u.dtype)

    def sizes(u: Array, z: Array, unit: float) -> Sizes:
        size = np.abs(u) * np.maximum(gate(u), unless_sure(0.5, gate(u), unit))
        return np.hypot(2 * np.abs(z), u * u * density(u)), size

    def back(u: Array, unit: float) -> Sizes:
        p, bell = gate(u), np.abs(u) * density(u)
        return np.sqrt(4 * bell**2 + (u * u * bell) ** 2 + p**2), np.hypot(
            np.maximum(p, unless_sure(0.5, p, unit)), bell
        )

    return ActivationFunction(
        name="gelu",
        formula="½ {u} (1 + erf({u}/√2))",
        backward_formula="{g} ⊙ (½ (1 + erf({read}/√2)) + {read} exp(−{read}²/2)/√(2π))",
        reads="u",
        value=finely(lambda u: u * gate(u)),
        backward=finely_back(lambda u: gate(u) + u * density(u)),
        rounding=summed(sizes),
        backward_rounding=summed_back(back),
        source="Hendrycks and Gimpel, 2016",
        lost=lost_by_factor,
        backward_lost=factors_lost,
    )


def _gelu_by_tanh(cubic: float) -> ActivationFunction:
    """z = ½ u (1 + tanh w), w = √(2/π)(u + 0.044715 u³): f′ = ½ (1 + t) + ½ u (1 − t²) w′, t = tanh w.

    Computed by ½ (1 + tanh w) = sigmoid(2 w), which loses no digits in the tail.
    """

    def bent(u: Array) -> Array:
        return u.dtype.type(ROOT) * u * (1 + u.dtype.type(cubic) * u * u)

    def slopes(u: Array) -> Array:
        return u.dtype.type(ROOT) * (1 + u.dtype.type(3 * cubic) * u * u)

    def gate(u: Array) -> Array:
        return logistic(2 * bent(near(u)))

    def steep(u: Array) -> Array:
        """Of the gate."""
        bounded = near(u)
        w = 2 * bent(bounded)
        return logistic(w) * logistic(-w) * 2 * slopes(bounded)

    def sizes(u: Array, z: Array, unit: float) -> Sizes:
        s = gate(u)
        return np.hypot(2 * z, 2 * u * u * steep(u)), np.abs(u) * np.maximum(s, unless_sure(0.5, s, unit))

    def back(u: Array, unit: float) -> Sizes:
        s, rest, bounded = gate(u), logistic(-2 * bent(near(u))), np.abs(near(u))
        moved = unless_sure(bounded * slopes(bounded) / 2, np.minimum(s, rest), unit)  # 1 − t², of which 1 is a summand
        inner = bounded * steep(u)
        own = np.maximum(s, unless_sure(0.5, s, unit))
        far = inner * bounded * slopes(bounded) * 2  # what w rounds, times the steepness of 1 − t²
        return np.sqrt(s**2 + 9 * inner**2 + far**2 + moved**2), np.hypot(own, moved)

    return ActivationFunction(
        name="gelu",
        formula="½ {u} (1 + tanh(√(2/π) ({u} + 0.044715 {u}³)))",
        backward_formula="{g} ⊙ (½ (1 + t) + ½ {read} (1 − t²) √(2/π) (1 + 0.134145 {read}²)), t = tanh(…)",
        reads="u",
        value=finely(lambda u: u * gate(u)),
        backward=finely_back(lambda u: gate(u) + near(u) * steep(u)),
        rounding=summed(sizes),
        backward_rounding=summed_back(back),
        source="Hendrycks and Gimpel, 2016",
        lost=lost_by_factor,
        backward_lost=factors_lost,
        numpy_slopes=(("u", _by_tanh(f"np.tanh({ROOT!r} * ({{t}} + {cubic!r} * {{t}} ** 3))", cubic)),),
    )


def _by_tanh(t: str, cubic: float) -> str:
    """f′ of the form by tanh, in NumPy."""
    return f"((1 + {t}) / 2 + {{t}} / 2 * (1 - {t} ** 2) * {ROOT!r} * (1 + {3 * cubic!r} * {{t}} ** 2))"


def mish() -> ActivationFunction:
    """z = u t, t = tanh(log(1 + exp(u))): f′ = t + u (1 − t²) sigmoid(u).

    With e = exp(u): t = (e² + 2e)/(e² + 2e + 2), (1 − t²) sigmoid(u) = 4e(1 + e)/(e² + 2e + 2)²; above 0 with exp(−u).
    """

    def gate(u: Array) -> Array:
        above, e = _small_exponential(u)
        return np.asarray(np.where(above, (1 + 2 * e) / (1 + 2 * e + 2 * e * e), e * (e + 2) / (e * (e + 2) + 2)))

    def steep(u: Array) -> Array:
        above, e = _small_exponential(u)
        bottom = np.where(above, 1 + 2 * e + 2 * e * e, e * (e + 2) + 2)
        return np.asarray(4 * e * (1 + e) * np.where(above, e, 1) / (bottom * bottom))

    def sizes(u: Array, z: Array, unit: float) -> Sizes:
        return np.abs(z), np.hypot(unless_sure(np.abs(z), 1 - gate(u), unit), np.abs(u) * steep(u))

    t = "np.tanh(np.log1p(np.exp({t})))"  # as it is spelled in NumPy

    def back(u: Array, unit: float) -> Sizes:
        t, inner = gate(u), np.abs(u) * steep(u)
        moved = unless_sure(np.abs(u) * t * t * logistic(u), 1 - t, unit)
        return np.sqrt(t**2 + 4 * inner**2 + moved**2), np.sqrt(t**2 + (3 * inner) ** 2 + moved**2)

    return ActivationFunction(
        name="mish",
        formula="{u} tanh(log(1 + exp({u})))",
        backward_formula="{g} ⊙ (t + {read}(1 − t²) sigmoid({read})), t = tanh(log(1 + exp({read})))",
        reads="u",
        value=finely(lambda u: u * gate(u)),
        backward=finely_back(lambda u: gate(u) + u * steep(u)),
        rounding=summed(sizes),
        backward_rounding=summed_back(back),
        source="Misra, 2019",
        lost=lost_by_factor,
        backward_lost=factors_lost,
        numpy_slopes=(("u", f"({t} + {{t}} * (1 - {t} ** 2) / (1 + np.exp(-{{t}})))"),),
    )


def _small_exponential(u: Array) -> tuple[Array, Array]:
    """Where u > 0, and exp(−|u|)."""
    above = u.real > 0
    return above, np.exp(np.where(above, -u, u))
