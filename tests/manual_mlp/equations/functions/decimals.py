"""The activations in 500 digits, by `decimal` and series of our own: mpmath is not installed.

A derivative is a central difference with h = 1e-120, which at 500 digits is right to 200.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, getcontext, localcontext

from manual_mlp.equations.functions.exponential import SELU_ALPHA, SELU_SCALE

D = Decimal
DIGITS = 500
H = D("1e-120")
Function = Callable[[D], D]
ONE = D(1)


def _pi() -> D:
    """Machin: 16 arctan(1/5) − 4 arctan(1/239)."""

    def arctan(n: int) -> D:
        power, total, k = D(1) / n, D(0), 0
        while abs(power) > D(10) ** -DIGITS:
            total += power / (2 * k + 1) * (-1) ** k
            power /= n * n
            k += 1
        return total

    return 16 * arctan(5) - 4 * arctan(239)


getcontext().prec = DIGITS
PI = _pi()


def sigmoid(u: D) -> D:
    return 1 / (1 + (-u).exp()) if u >= 0 else u.exp() / (1 + u.exp())


def tanh(u: D) -> D:
    return 2 * sigmoid(2 * u) - 1


def softplus(u: D) -> D:
    return max(u, D(0)) + (1 + (-abs(u)).exp()).ln()


def erf(x: D) -> D:
    if abs(x) > 40:
        return D(1).copy_sign(x)
    term = total = x
    k = 1
    while abs(term) > D(10) ** -DIGITS:
        term = term * x * x * 2 / (2 * k + 1)
        total += term
        k += 1
    return 2 / PI.sqrt() * (-x * x).exp() * total


def _elu(alpha: D, inner: D = ONE, scale: D = ONE) -> Function:
    return lambda u: scale * (u if u > 0 else alpha * ((u / inner).exp() - 1))


def _relu(a: D, top: D | None, threshold: D) -> Function:
    return lambda u: a * (u - threshold) if u <= threshold else u if top is None else min(u, top)


def _clip(u: D, low: int, high: int) -> D:
    return min(max(u, D(low)), D(high))


def _hard_sigmoid(u: D) -> D:
    return _clip(u + 3, 0, 6) / 6


def _gelu_by_tanh(u: D) -> D:
    return u / 2 * (1 + tanh((2 / PI).sqrt() * (u + D(0.044715) * u**3)))


VALUES: dict[str, Function] = {
    "linear": lambda u: u,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": lambda u: max(u, D(0)),
    "leaky_relu": _relu(D(0.2), None, D(0)),
    "leaky_relu(0.3)": _relu(D(0.3), None, D(0)),
    "relu(max_value=6)": _relu(D(0), D(6), D(0)),
    "relu(negative_slope=0.1, max_value=2.5, threshold=0.75)": _relu(D(0.1), D(2.5), D(0.75)),
    "relu6": _relu(D(0), D(6), D(0)),
    "elu": _elu(D(1)),
    "elu(0.3)": _elu(D(0.3)),
    "selu": _elu(D(SELU_ALPHA), D(1), D(SELU_SCALE)),
    "celu": _elu(D(1)),
    "celu(0.3)": _elu(D(0.3), D(0.3)),
    "exponential": lambda u: u.exp(),
    "softplus": softplus,
    "log_sigmoid": lambda u: -softplus(-u),
    "silu": lambda u: u * sigmoid(u),
    "gelu": lambda u: u / 2 * (1 + erf(u / D(2).sqrt())),
    "gelu(approximate=True)": _gelu_by_tanh,
    "mish": lambda u: u * tanh(softplus(u)),
    "softsign": lambda u: u / (1 + abs(u)),
    "squareplus": lambda u: (u + (u * u + 4).sqrt()) / 2,
    "squareplus(0.3)": lambda u: (u + (u * u + D(0.3)).sqrt()) / 2,
    "tanh_shrink": lambda u: u - tanh(u),
    "hard_tanh": lambda u: _clip(u, -1, 1),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda u: u * _hard_sigmoid(u),
    "sparse_sigmoid": lambda u: _clip((u + 1) / 2, 0, 1),
    "sparse_plus": lambda u: D(0) if u <= -1 else u if u >= 1 else (u + 1) ** 2 / 4,
    "soft_shrink": lambda u: u - D(0.5) if u > D(0.5) else u + D(0.5) if u < -D(0.5) else D(0),
    "hard_shrink": lambda u: u if abs(u) > D(0.5) else D(0),
    "threshold(0.5, 0.25)": lambda u: u if u > D(0.5) else D(0.25),
}
"""Every activation of one number, with and without arguments → its value."""


def value(name: str, u: float) -> D:
    """f(u)."""
    with localcontext(prec=DIGITS):
        return VALUES[name](D(u))


def slope(name: str, u: float, side: int = 0) -> D:
    """f′(u); with `side` −1 or 1 that of a kink's left or right, right to 100 digits."""
    with localcontext(prec=DIGITS):
        ends = [D(u) + H * (2 * side + step) for step in (-1, 1)]
        low, high = (VALUES[name](end) for end in ends)
        return (high - low) / (ends[1] - ends[0])
