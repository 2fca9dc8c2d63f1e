"""The rectifiers, leaky, capped and shifted, and the clipped lines that stand in for sigmoid, tanh and silu."""

from __future__ import annotations

import numpy as np

from manual_mlp.equations.functions.classic import RECORDS
from manual_mlp.equations.functions.pieces import Pieces, Polynomial, in_pieces
from manual_mlp.equations.functions.record import ActivationFunction

PLAIN_RELU = next(r for r in RECORDS if r.name == "relu")
NOTHING: Polynomial = (0.0,)
LINE: Polynomial = (0.0, 1.0)


def relu(negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> ActivationFunction:
    """z = a (u − θ) below the threshold θ, u above it, and at most M.

    The slope at a knot is what TensorFlow's tape takes: M passes, θ passes a only as leaky_relu, and 6 does not.
    """
    if max_value is not None and max_value < 0:
        raise ValueError(f"relu(max_value={max_value:g}): expected 0 or more.")
    if negative_slope == threshold == 0 and max_value is None:
        return PLAIN_RELU
    a, top = negative_slope, max_value
    if top is not None and top <= max(threshold, 0.0):
        raise ValueError(f"relu(max_value={top:g}, threshold={threshold:g}): expected a threshold below max_value.")
    leaky = a if threshold == 0 and top is None else 0.0
    knots: tuple[float, ...] = (threshold,)
    left: tuple[bool, ...] = (True,)
    slopes: tuple[float, ...] = (leaky,)
    values: tuple[Polynomial, ...] = ((0.0 - a * threshold, a), LINE)
    if top is not None:
        sharp = top == 6 and threshold == 0  # relu6, an operation of its own
        knots, left, slopes, values = (*knots, top), (True, False), (leaky, 0.0 if sharp else 1.0), (*values, (top,))
    low = f"{a:g} ({{u}} − {threshold:g})" if threshold else f"{a:g} {{u}}"
    formula = f"{{u}} [{{u}} > {threshold:g}]" + (f" + {low} [{{u}} ≤ {threshold:g}]" if a else "")
    inside = f"{threshold:g} < {{read}} < {top:g}" if top is not None else f"{{read}} > {threshold:g}"
    return in_pieces(
        "relu",
        Pieces(knots, values, left, slopes),
        formula if top is None else f"min({formula}, {top:g})",
        f"{{g}} ⊙ ([{inside}]" + (f" + {a:g} [{{read}} ≤ {threshold:g}])" if a else ")"),
        "Nair and Hinton, 2010",
        _stepped(knots, (a, 1.0, 0.0)),
        lambda u, z: np.where(
            u > threshold,
            0.0 if top is None else np.minimum(top, np.abs(z) * (u >= top)),
            np.hypot(2 * z, a * threshold),
        ),
        lambda u: np.where(u > threshold, 0.0, abs(a)),
    )


def _stepped(knots: tuple[float, ...], slopes: tuple[float, ...]) -> str:
    if len(knots) == 1:
        return f"np.where({{t}} > {knots[0]!r}, {slopes[1]!r}, {slopes[0]!r})"
    inner = f"np.where({{t}} < {knots[1]!r}, {slopes[1]!r}, {slopes[2]!r})"
    return f"np.where({{t}} > {knots[0]!r}, {inner}, {slopes[0]!r})"


def leaky_relu(negative_slope: float = 0.2) -> ActivationFunction:
    """z = u above 0, a u below: f′ = 1 or a; a at 0."""
    a = negative_slope
    return in_pieces(
        "leaky_relu",
        Pieces((0.0,), ((0.0, a), LINE), (True,), (a,)),
        f"{{u}} [{{u}} > 0] + {a:g} {{u}} [{{u}} ≤ 0]",
        f"{{g}} ⊙ ([{{read}} > 0] + {a:g} [{{read}} ≤ 0])",
        "Maas, 2013",
        _stepped((0.0,), (a, 1.0)),
        lambda u, z: np.where(u > 0, 0.0, 2 * np.abs(z)),
        lambda u: np.where(u > 0, 0.0, abs(a)),
    )


def relu6() -> ActivationFunction:
    """z = min(max(u, 0), 6): f′ = [0 < u < 6]."""
    return in_pieces(
        "relu6",
        Pieces((0.0, 6.0), (NOTHING, LINE, (6.0,)), (True, False), (0.0, 0.0)),
        "min(max({u}, 0), 6)",
        "{g} ⊙ [0 < {read} < 6]",
        "Krizhevsky, 2010",
        "(({t} > 0) & ({t} < 6))",
        lambda u, z: 0.0,
    )


def hard_tanh() -> ActivationFunction:
    """z = u between −1 and 1, which clip it: f′ = [−1 ≤ u ≤ 1]."""
    return in_pieces(
        "hard_tanh",
        Pieces((-1.0, 1.0), ((-1.0,), LINE, (1.0,)), (False, True), (1.0, 1.0)),
        "max(−1, min({u}, 1))",
        "{g} ⊙ [−1 ≤ {read} ≤ 1]",
        "Collobert, 2004",
        "(np.abs({t}) <= 1)",
        lambda u, z: 0.0,
    )


def hard_sigmoid() -> ActivationFunction:
    """z = (u + 3)/6 between 0 and 1, which clip it: f′ = 1/6 where −3 < u < 3."""
    return in_pieces(
        "hard_sigmoid",
        Pieces((-3.0, 3.0), (NOTHING, (0.5, 1 / 6), (1.0,)), (True, False), (0.0, 0.0)),
        "max(0, min({u} + 3, 6))/6",
        "{g} ⊙ [−3 < {read} < 3]/6",
        "Keras's hard_sigmoid",
        "((np.abs({t}) < 3) / 6)",
        lambda u, z: np.where(np.abs(u) < 3, np.sqrt(3 * z * z + u * u / 12 + 0.25), 0.0),
        blur=6.0,
    )


def hard_silu() -> ActivationFunction:
    """z = u (u + 3)/6 where −3 < u < 3, 0 below, u above: f′ = (2u + 3)/6 between, else 0 or 1."""
    return in_pieces(
        "hard_silu",
        Pieces((-3.0, 3.0), (NOTHING, (0.0, 0.5, 1 / 6), LINE), (True, False), (0.0, 1.0)),
        "{u} max(0, min({u} + 3, 6))/6",
        "{g} ⊙ ((2 {read} + 3)/6 [−3 < {read} < 3] + [{read} ≥ 3])",
        "Howard, 2019",
        "np.where(np.abs({t}) < 3, (2 * {t} + 3) / 6, {t} >= 3)",
        lambda u, z: np.where(np.abs(u) < 3, np.sqrt(4 * z * z + u * u * (u * u / 12 + 0.25)), 0.0),
        lambda u: np.where(np.abs(u) < 3, np.abs(u) / 2 + 0.5, 0.0),
        blur=6.0,
    )


def sparse_sigmoid() -> ActivationFunction:
    """z = (u + 1)/2 between 0 and 1, which clip it: f′ = ½ where −1 < u < 1."""
    return in_pieces(
        "sparse_sigmoid",
        Pieces((-1.0, 1.0), (NOTHING, (0.5, 0.5), (1.0,)), (True, False), (0.0, 0.0)),
        "max(0, min(({u} + 1)/2, 1))",
        "{g} ⊙ ½ [−1 < {read} < 1]",
        "Blondel, 2019",
        "((np.abs({t}) < 1) / 2)",
        lambda u, z: np.where(np.abs(u) < 1, np.hypot(z, 0.5), 0.0),
    )


def sparse_plus() -> ActivationFunction:
    """z = (u + 1)²/4 where −1 < u < 1, 0 below, u above: f′ = (u + 1)/2 between, else 0 or 1; no kink."""
    return in_pieces(
        "sparse_plus",
        Pieces((-1.0, 1.0), (NOTHING, (0.25, 0.5, 0.25), LINE), (True, False), (0.0, 1.0)),
        "({u} + 1)²/4 [−1 < {u} < 1] + {u} [{u} ≥ 1]",
        "{g} ⊙ (½ ({read} + 1) [−1 < {read} < 1] + [{read} ≥ 1])",
        "Keras's sparse_plus",
        "np.where(np.abs({t}) < 1, ({t} + 1) / 2, {t} >= 1)",
        lambda u, z: np.where(np.abs(u) < 1, np.sqrt(9 * z * z + 0.25), 0.0),
        lambda u: np.where(np.abs(u) < 1, 1.0, 0.0),
    )


def soft_shrink(threshold: float = 0.5) -> ActivationFunction:
    """z = u − θ above θ, u + θ below −θ, 0 between: f′ = [|u| > θ]."""
    t = _positive("soft_shrink", threshold)
    return in_pieces(
        "soft_shrink",
        Pieces((-t, t), ((t, 1.0), NOTHING, (-t, 1.0)), (False, True), (0.0, 0.0)),
        f"{{u}} − sign({{u}}) min(|{{u}}|, {t:g})",
        f"{{g}} ⊙ [|{{read}}| > {t:g}]",
        "Donoho and Johnstone, 1994",
        f"(np.abs({{t}}) > {t!r})",
        lambda u, z: np.where(np.abs(u) > t, np.hypot(z, 2 * t), 0.0),
    )


def hard_shrink(threshold: float = 0.5) -> ActivationFunction:
    """z = u where |u| > θ, else 0, with a jump at ±θ: f′ = [|u| > θ]."""
    t = _positive("hard_shrink", threshold)
    return in_pieces(
        "hard_shrink",
        Pieces((-t, t), (LINE, NOTHING, LINE), (False, True), (0.0, 0.0)),
        f"{{u}} [|{{u}}| > {t:g}]",
        f"{{g}} ⊙ [|{{read}}| > {t:g}]",
        "Donoho and Johnstone, 1994",
        f"(np.abs({{t}}) > {t!r})",
        lambda u, z: 0.0,
    )


def threshold(threshold: float, default_value: float) -> ActivationFunction:
    """z = u above θ, else a value of its own, with a jump at θ: f′ = [u > θ]."""
    return in_pieces(
        "threshold",
        Pieces((threshold,), ((default_value,), LINE), (True,), (0.0,)),
        f"{{u}} [{{u}} > {threshold:g}] + {default_value:g} [{{u}} ≤ {threshold:g}]",
        f"{{g}} ⊙ [{{read}} > {threshold:g}]",
        "Keras's threshold",
        f"({{t}} > {threshold!r})",
        lambda u, z: np.where(u > threshold, 0.0, 2 * abs(default_value)),
    )


def _positive(name: str, threshold: float) -> float:
    if not threshold > 0:
        raise ValueError(f"{name}(threshold={threshold:g}): expected a number above 0, such as 0.5.")
    return threshold
