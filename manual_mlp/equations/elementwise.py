"""Losses of one output and one target, E = c Σ_n w_n Σ_k ℓ(p, y): ℓ, ℓ′ and kinks in one record each, one builder."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.functions.classic import tanh
from manual_mlp.equations.functions.record import Sizes
from manual_mlp.equations.local_rounding import Terms
from manual_mlp.equations.loss_record import EPSILON, Edges, Form, LossFunction, scaled, total_of

SQRT3 = math.sqrt(3)
LOG2 = math.log(2)


def as_given(y: Array) -> Array:
    """Targets that a loss takes as they are."""
    return y


def no_kinks(y: Array) -> Edges:
    """Of a loss whose slope never jumps."""
    return ()


@dataclass(frozen=True)
class Elementwise:
    """ℓ and ℓ′ of a loss, as functions of p, y and, for ℓ′, of an anchor that says on which side of a kink p is.

    Attributes:
        name: Keras's function.
        formula: ℓ of `{p}` and y.
        slope_formula: dℓ/dp.
        value: (p, y) → ℓ; decisions are taken on real parts.
        slope: (p, y, anchor) → dℓ/dp.
        sizes: (p, y) → the size of what is summed to ℓ.
        rounds: (p, y) → the sizes of what rounds in dℓ/dp.
        source: where it is from.
        kinks: y → where dℓ/dp jumps, as arrays of p.
        prepared: what becomes of the targets first.
        mean: over the outputs, too, as most of Keras's are; if not they are added up.
        targets: as in `LossFunction`.
    """

    name: str
    formula: str
    slope_formula: str
    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array, Array], Array]
    sizes: Callable[[Array, Array], Array]
    rounds: Callable[[Array, Array], Sizes]
    source: str = "Keras"
    kinks: Callable[[Array], Edges] = no_kinks
    prepared: Callable[[Array], Array] = as_given
    mean: bool = True
    targets: Literal["any", "signs", "positive", "distributions"] = "any"


def loss_of(e: Elementwise) -> LossFunction:
    """The record of a loss from that of one entry."""

    def value(p: Array, y: Array, c: float, w: Array | None = None) -> Array:
        return c * total_of(e.value(p, e.prepared(y)), w)

    def gradient(p: Array, y: Array, c: float, out: Array | None = None, anchor: Array | None = None) -> Array:
        slope = np.asarray(e.slope(p, e.prepared(y), (p if anchor is None else anchor).real), p.dtype)
        return np.multiply(slope, p.real.dtype.type(c), out=out)

    def rounding(p: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
        arithmetic, library = e.rounds(p, e.prepared(y))
        own = c * u / SQRT3 * np.sqrt(np.square(arithmetic) + 9 * np.square(library))
        return (*scaled(delta, u, np.asarray(own)), (np.broadcast_to(c * u * library, p.shape), "unit"))

    front = "1/(N·K)" if e.mean else "1/N"
    form = Form(
        f"E = {front} Σ_n {{w}}Σ_k {e.formula}",
        f"{front} {e.slope_formula}",
        value,
        gradient,
        lambda p, y: e.sizes(p, e.prepared(y)),
        rounding,
        lambda p, y: e.kinks(e.prepared(y)),
    )
    factor = (lambda n, k: 1 / (n * k)) if e.mean else (lambda n, k: 1 / n)
    return LossFunction(e.name, e.source, factor, form, targets=e.targets)


def _size(x: Array) -> Array:
    """|x|, by the sign of the real part."""
    return np.where(x.real < 0, -x, x)


def _difference_rounds(p: Array, y: Array) -> Sizes:
    return np.zeros_like(p), 0.0


ABSOLUTE = Elementwise(
    name="mean_absolute_error",
    formula="|{p} − y|",
    slope_formula="sign({p} − y)",
    value=lambda p, y: _size(p - y),
    slope=lambda p, y, at: np.sign(at - y.real),
    sizes=lambda p, y: np.abs(p - y),
    rounds=_difference_rounds,
    kinks=lambda y: (y,),
)


def huber(delta: float = 1.0) -> Elementwise:
    """½ e² where |e| ≤ δ, else δ |e| − ½ δ²: ℓ′ is e, clipped to ±δ."""

    def value(p: Array, y: Array) -> Array:
        e = _size(p - y)
        return np.where(e.real <= delta, e * e / 2, delta * e - delta * delta / 2)

    return Elementwise(
        name="huber",
        formula=f"(½ e² [|e| ≤ {delta:g}] + {delta:g} (|e| − {delta / 2:g}) [|e| > {delta:g}]), e = {{p}} − y",
        slope_formula=f"max(−{delta:g}, min({{p}} − y, {delta:g}))",
        value=value,
        slope=lambda p, y, at: np.clip(p - y, -delta, delta),
        sizes=lambda p, y: np.abs(p - y) * delta + delta * delta,
        rounds=lambda p, y: (np.minimum(np.abs(p - y), delta), 0.0),
        source="Huber, 1964; Keras",
    )


def _log_cosh(p: Array, y: Array) -> Array:
    """|e| + log(1 + exp(−2|e|)) − log 2; near 0, where that cancels, log(1 + 2 sinh²(e/2))."""
    e = _size(p - y)
    near = e.real < 1
    small, large = np.where(near, e, 0), np.where(near, 1, e)
    return np.where(near, np.log1p(2 * np.square(np.sinh(small / 2))), large + np.log1p(np.exp(-2 * large)) - LOG2)


LOG_COSH = Elementwise(
    name="log_cosh",
    formula="log cosh({p} − y)",
    slope_formula="tanh({p} − y)",
    value=_log_cosh,
    slope=lambda p, y, at: tanh(p - y),
    sizes=lambda p, y: 3 * np.abs(p - y) + 2 * LOG2,
    rounds=lambda p, y: (2.0, 2.0 / (1 + np.exp(2 * np.minimum(p - y, 300.0)))),  # 1 − 2 sigmoid(−2e), as Keras has it
)


def signs(y: Array) -> Array:
    """Labels of −1 and 1; Keras turns those of 0 and 1 into them where there are no others in the batch."""
    return np.asarray(2 * y - 1 if np.isin(y.real, (0, 1)).all() else y)


def _over(y: Array) -> Edges:
    return (np.divide(1, y, out=np.full_like(y, np.nan), where=y != 0),)  # where y = 0 there is no slope, and no kink


HINGE = Elementwise(
    name="hinge",
    formula="max(1 − y {p}, 0)",
    slope_formula="(−y [y {p} ≤ 1])",
    value=lambda p, y: np.where((y * p).real <= 1, 1 - y * p, 0),
    slope=lambda p, y, at: np.where(y.real * at <= 1, -y, 0),
    sizes=lambda p, y: (1 + np.abs(y * p)) * (y * p <= 1),
    rounds=_difference_rounds,
    source="Rosasco, 2004; Keras",
    kinks=_over,
    prepared=signs,
    targets="signs",
)

SQUARED_HINGE = Elementwise(
    name="squared_hinge",
    formula="max(1 − y {p}, 0)²",
    slope_formula="(−2 y max(1 − y {p}, 0))",
    value=lambda p, y: np.square(np.where((y * p).real < 1, 1 - y * p, 0)),
    slope=lambda p, y, at: -2 * y * np.where((y * p).real < 1, 1 - y * p, 0),
    sizes=lambda p, y: np.square(1 + np.abs(y * p)) * (y * p < 1),
    rounds=lambda p, y: (2 * np.abs(y) * (1 + np.abs(y * p)) * (y * p < 1), 0.0),
    prepared=signs,
    targets="signs",
)

POISSON = Elementwise(
    name="poisson",
    formula=f"({{p}} − y log({{p}} + {EPSILON:g}))",
    slope_formula=f"(1 − y/({{p}} + {EPSILON:g}))",
    value=lambda p, y: p - y * np.log(p + p.real.dtype.type(EPSILON)),
    slope=lambda p, y, at: 1 - y / (p + p.real.dtype.type(EPSILON)),
    sizes=lambda p, y: np.abs(p) + np.abs(y) * (1 + np.abs(np.log(np.abs(p + EPSILON)))),
    rounds=lambda p, y: (np.hypot(1.0, 2 * y / (p + EPSILON)), 0.0),
    targets="positive",
)


def _share(y: Array) -> Array:
    return np.clip(y.real, y.real.dtype.type(EPSILON), y.real.dtype.type(1))


def _clipped(p: Array, at: Array) -> tuple[Array, Array]:
    """p clipped to [ε, 1], and where it is inside, the ends included."""
    low, high = at.dtype.type(EPSILON), at.dtype.type(1)
    return np.where(at < low, low, np.where(at > high, high, p)), (at >= low) & (at <= high)


def _divergence(p: Array, y: Array) -> Array:
    return y * (np.log(y) - np.log(_clipped(p, p.real)[0]))


def _divergence_slope(p: Array, y: Array, at: Array) -> Array:
    q, inside = _clipped(p, at)
    return -y / q * inside


KL = Elementwise(
    name="kl_divergence",
    formula="y log(y/{p})",
    slope_formula="(−y/{p})",
    value=_divergence,
    slope=_divergence_slope,
    sizes=lambda p, y: y * (2 + np.abs(np.log(y)) + np.abs(np.log(np.clip(p, EPSILON, 1)))),
    rounds=lambda p, y: (2 * y / np.clip(p, EPSILON, 1) * ((p >= EPSILON) & (p <= 1)), 0.0),
    source="Kullback and Leibler, 1951; Keras",
    kinks=lambda y: (np.full_like(y, EPSILON), np.ones_like(y)),
    prepared=_share,
    mean=False,
    targets="distributions",
)


def _logarithms(p: Array, y: Array, at: Array) -> tuple[Array, Array]:
    """log(1 + p) − log(1 + y) with both at least ε, and where p is."""
    low = at.dtype.type(EPSILON)
    first = np.log(1 + np.where(at < low, low, p))
    return first - np.log1p(np.maximum(y.real, low)), at >= low


def _logarithmic_slope(p: Array, y: Array, at: Array) -> Array:
    difference, inside = _logarithms(p, y, at)
    return 2 * difference / np.where(inside, 1 + p, 1) * inside


SQUARED_LOGARITHMIC = Elementwise(
    name="mean_squared_logarithmic_error",
    formula="(log(1 + {p}) − log(1 + y))²",
    slope_formula="2 (log(1 + {p}) − log(1 + y))/(1 + {p})",
    value=lambda p, y: np.square(_logarithms(p, y, p.real)[0]),
    slope=_logarithmic_slope,
    sizes=lambda p, y: np.square(_log_sizes(p, y)),
    rounds=lambda p, y: (
        2 * _log_sizes(p, y) / (1 + np.maximum(p, EPSILON)) * (p >= EPSILON),
        _log_sizes(p, y) / (1 + np.maximum(p, EPSILON)),
    ),
    kinks=lambda y: (np.full_like(y, EPSILON),),
    targets="positive",
)


def _log_sizes(p: Array, y: Array) -> Array:
    """Of two logarithms and their arguments."""
    return 2 + np.log1p(np.maximum(p, EPSILON)) + np.log1p(np.maximum(y, EPSILON))


@np.errstate(over="ignore")  # where float16 has no such number it is inf, as in Keras
def _percent(x: Array | float, y: Array) -> Array:
    """100 x/max(|y|, ε)."""
    return np.asarray(100 * (x / np.maximum(np.abs(y.real), y.real.dtype.type(EPSILON))))


PERCENTAGE = Elementwise(
    name="mean_absolute_percentage_error",
    formula="100 |{p} − y|/max(|y|, 1e-07)",
    slope_formula="100 sign({p} − y)/max(|y|, 1e-07)",
    value=lambda p, y: _percent(_size(p - y), y),
    slope=lambda p, y, at: _percent(np.sign(at - y.real), y),
    sizes=lambda p, y: _percent(np.abs(p - y), y),
    rounds=lambda p, y: (2 * _percent(1.0, y), 0.0),
    kinks=lambda y: (y,),
)

PLAIN = (ABSOLUTE, LOG_COSH, HINGE, SQUARED_HINGE, POISSON, KL, SQUARED_LOGARITHMIC, PERCENTAGE)
