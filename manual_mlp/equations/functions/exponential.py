"""Activations by an exponential: exponential, elu, selu, celu, softplus and log_sigmoid."""

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
from manual_mlp.equations.functions.smooth import finely, finely_back, logistic, logistic_lost, softplus

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


@np.errstate(over="ignore", invalid="ignore")  # beyond the range of the dtype it is inf, as TensorFlow has it
def _exp(u: Array) -> Array:
    return np.asarray(np.exp(u))


def exponential() -> ActivationFunction:
    """z = exp(u), whose derivative is z itself."""
    return ActivationFunction(
        name="exponential",
        formula="exp({u})",
        backward_formula="{g} ⊙ {read}",
        reads="z",
        value=finely(_exp),
        backward=lambda g, z, out=None: np.multiply(g, z, out=out),
        rounding=summed(lambda u, z, unit: (np.abs(z), np.abs(z))),
        backward_rounding=summed_back(lambda z, unit: (0.0, 0.0)),
        source="Keras's exponential",
        numpy_slopes=(("z", "{t}"), ("u", "np.exp({t})")),
    )


def _exponential_below(
    name: str,
    formula: str,
    scale: float,
    alpha: float,
    inner: float,
    source: str,
    above_at_zero: bool = False,
    subtracts: bool = True,
) -> ActivationFunction:
    """z = scale · u above 0, A (exp(u/inner) − 1) below, A = scale · alpha: f′ = scale or A/inner exp(u/inner).

    f′ jumps at 0 where these differ; at 0 it is scale where TensorFlow asks for z < 0. It reads u: on which side of 0
    a z that is moved belongs is not to be told. TensorFlow has z + A in place of A exp(u), of which what z rounds is a
    summand, and its own kernels subtract 1 from exp(u), of which 1 is.
    """
    amount = scale * alpha
    steep = amount / inner

    def is_above(anchor: Array) -> Array:
        return np.asarray(anchor.real >= 0 if above_at_zero else anchor.real > 0)

    def on_branch(u: Array, anchor: Array) -> Array:
        above = is_above(anchor)
        below = amount * np.expm1(np.where(above, 0, u) / u.dtype.type(inner))
        return np.asarray(np.where(above, scale * u, below), u.dtype)

    def slope_on(u: Array, anchor: Array) -> Array:
        above = is_above(anchor)
        return np.asarray(np.where(above, scale, steep * np.exp(np.where(above, 0, u) / u.dtype.type(inner))), u.dtype)

    def sizes(u: Array, z: Array, unit: float) -> Sizes:
        tail = np.exp(np.minimum(u, 0) / inner)
        size = np.abs(z)
        constants = (2.0 if scale != 1 or alpha != 1 else 0.0) * size
        below = np.where(u > 0, 0.0, np.hypot(unless_sure(size, tail, unit), subtracts * amount * tail))
        return np.hypot(constants, np.abs(u) * (inner != 1) * tail), below

    def back(u: Array, unit: float) -> Sizes:
        tail = np.exp(np.minimum(u, 0) / inner)
        below = np.where(u > 0, 0.0, steep * tail)
        summand = unless_sure(np.where(u > 0, 0.0, steep * (1 - tail)), tail, unit)
        return np.sqrt(summand**2 + (below * (1 + np.abs(u) / inner)) ** 2), np.hypot(below, summand)

    kinks = (0.0,) if steep != scale else ()
    over = f"/{inner:g}" if inner != 1 else ""
    below = f"{steep:.6g} exp({{read}}{over}) [{{read}} ≤ 0]"
    spelled = f"{steep!r} * np.exp({{t}}{f' / {inner!r}' if inner != 1 else ''})"
    return ActivationFunction(
        name=name,
        formula=formula,
        backward_formula=f"{{g}} ⊙ ({scale:.6g} [{{read}} > 0] + {below})",
        reads="u",
        value=finely(lambda u: on_branch(u, u)),
        backward=finely_back(lambda u: slope_on(u, u)),
        rounding=summed(sizes),
        backward_rounding=summed_back(back),
        source=source,
        kinks=kinks,
        blur=1.0 if above_at_zero else 0.0,  # exp(u) − 1 is stored as 0
        on_branch=on_branch if kinks else None,
        back_on_branch=(lambda g, u, anchor: g * slope_on(u, anchor)) if kinks else None,
        lost=lambda u, z: np.full_like(z, math.hypot(1, amount)),
        numpy_slopes=(("u", f"np.where({{t}} > 0, {scale!r}, {spelled})"),),
    )


def elu(alpha: float = 1.0) -> ActivationFunction:
    """z = u above 0, α (exp(u) − 1) below: f′ = 1 or α exp(u)."""
    return _exponential_below(
        "elu", f"{{u}} [{{u}} > 0] + {alpha:g} (exp({{u}}) − 1) [{{u}} ≤ 0]", 1.0, alpha, 1.0, "Clevert, 2016"
    )


def selu() -> ActivationFunction:
    """z = λ u above 0, λ α (exp(u) − 1) below, with Klambauer's λ and α."""
    formula = "1.0507 ({u} [{u} > 0] + 1.6733 (exp({u}) − 1) [{u} ≤ 0])"
    return _exponential_below("selu", formula, SELU_SCALE, SELU_ALPHA, 1.0, "Klambauer, 2017", True)


def celu(alpha: float = 1.0) -> ActivationFunction:
    """z = u above 0, α (exp(u/α) − 1) below: f′ = 1 or exp(u/α); TensorFlow's tape adds both at u = 0 exactly."""
    if alpha == 0:
        raise ValueError("celu(alpha=0): u is divided by α. Expected another number, such as 1.")
    formula = f"{{u}} [{{u}} > 0] + {alpha:g} (exp({{u}}/{alpha:g}) − 1) [{{u}} ≤ 0]"
    return _exponential_below("celu", formula, 1.0, alpha, alpha, "Barron, 2017", subtracts=False)


def softplus_record() -> ActivationFunction:
    """z = log(1 + exp(u)): f′ = exp(u)/(1 + exp(u)) = sigmoid(u)."""
    return _of_softplus("softplus", 1, "log(1 + exp({u}))", "{g} ⊙ sigmoid({read})")


def log_sigmoid() -> ActivationFunction:
    """z = log sigmoid(u) = −softplus(−u): f′ = sigmoid(−u)."""
    return _of_softplus("log_sigmoid", -1, "log(1/(1 + exp(−{u})))", "{g} ⊙ sigmoid(−{read})")


def _of_softplus(name: str, sign: int, formula: str, backward: str) -> ActivationFunction:
    return ActivationFunction(
        name=name,
        formula=formula,
        backward_formula=backward,
        reads="u",
        value=finely(lambda u: sign * softplus(sign * u)),
        backward=finely_back(lambda u: logistic(sign * u)),
        rounding=summed(lambda u, z, unit: (np.abs(z), np.abs(z))),
        backward_rounding=summed_back(lambda u, unit: (0.0, 1.6 * logistic(sign * u))),
        backward_lost=lambda g, u, at: ((np.hypot(1, g * logistic_lost(sign * u)), "entry"),),
        source="Dugas, 2001",
        lost=lost_by_factor if sign < 0 else lambda u, z: np.ones_like(z),
        numpy_slopes=(("u", f"(1 / (1 + np.exp({'-' if sign > 0 else ''}{{t}})))"),),
    )
