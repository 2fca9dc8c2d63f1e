"""Penalties as a student writes them, right and wrong: plain NumPy, nothing of the engine.

Dense(tanh), Dense: mean squared error over N and K, beside it λ₁ Σ|·| + λ₂ Σ(·)² of kernels, biases, and of the hidden
layer's output over N.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from manual_mlp import Array


@dataclass(frozen=True)
class Lambdas:
    """λ₁ and λ₂ of what is penalised."""

    kernel: tuple[float, float] = (0.0, 0.0)
    bias: tuple[float, float] = (0.0, 0.0)
    activity: tuple[float, float] = (0.0, 0.0)


NAMED: dict[str, dict[str, str]] = {
    "l1": {
        "missing": "l1_missing",
        "twice": "l1_factor",
        "over N": "l1_factor",
        "subtracted": "l1_sign",
        "λ": "l1_without_sign",
        "λ|a|": "l1_without_sign",
        "2λa": "l1_as_l2",
        "λa": "l1_as_l2",
        "another λ": "l1_factor",
    },
    "l2": {
        "missing": "l2_missing",
        "λa": "l2_factor",
        "4λa": "l2_factor",
        "over N": "l2_factor",
        "subtracted": "l2_sign",
        "λ sign a": "l2_as_l1",
        "another λ": "l2_factor",
    },
    "activity": {
        "missing": "activity_missing",
        "no 1/N": "activity_not_averaged",
        "over the units": "activity_factor",
        "twice": "activity_factor",
        "another λ": "activity_factor",
    },
    "activity, l2": {"λa": "activity_factor", "λ sign a": "l2_as_l1"},
    "activity, l1": {"λ": "l1_without_sign", "2λa": "l1_as_l2"},
}
"""What is penalised → what may be done wrong there → the mistake that it is."""

OTHER = 3.3  # times the λ of E


def penalised_gradients(
    parameters: Mapping[str, Array],
    x: Array,
    y: Array,
    lambdas: Lambdas,
    wrong: str = "",
    at: tuple[str, ...] = (),
) -> dict[str, Array]:
    """Parameter name → gradient, with a mistake in the penalties of `at`: parameter names, or "dense_1/z"."""
    W1, b1, W2, b2 = (parameters[f"dense_{i}/{kind}"] for i in (1, 2) for kind in ("kernel", "bias"))
    n = len(x)

    def slope(name: str, a: Array, two: tuple[float, float], mean: bool = False) -> Array:
        own = wrong if name in at else ""
        over = n if mean and own != "no 1/N" else 1
        return np.asarray(_slope(a, *two, own, n) / a.dtype.type(over))

    z1 = np.tanh(x @ W1 + b1)
    d2 = 2 * (z1 @ W2 + b2 - y) / y.size
    d1 = (d2 @ W2.T + slope("dense_1/z", z1, lambdas.activity, mean=True)) * (1 - z1 * z1)
    found = {"dense_1/kernel": x.T @ d1, "dense_1/bias": d1.sum(0)}
    found |= {"dense_2/kernel": z1.T @ d2, "dense_2/bias": d2.sum(0)}
    weights = {"dense_1/kernel": W1, "dense_1/bias": b1, "dense_2/kernel": W2, "dense_2/bias": b2}
    for name, weight in weights.items():
        two = lambdas.kernel if name.endswith("kernel") else lambdas.bias
        found[name] = found[name] + slope(name, weight, two)
    return {name: g.astype(x.dtype) for name, g in found.items()}


def _slope(a: Array, l1: float, l2: float, wrong: str, n: int) -> Array:
    """Of λ₁ Σ|a| + λ₂ Σ a², entry by entry."""
    if wrong == "missing":
        return np.zeros_like(a)
    real = a.dtype.type
    one, two = real(l1) * np.sign(a), 2 * real(l2) * a
    first = {"λ": real(l1) * np.ones_like(a), "λ|a|": real(l1) * np.abs(a), "2λa": 2 * real(l1) * a, "λa": real(l1) * a}
    second = {"λa": real(l2) * a, "4λa": 4 * real(l2) * a, "λ sign a": real(l2) * np.sign(a)}
    if l1:
        one = first.get(wrong, one)
    if l2 and not (l1 and wrong in first):
        two = second.get(wrong, two)
    factor = {"subtracted": -1, "twice": 2, "over N": 1 / n, "another λ": OTHER, "over the units": 1 / a.shape[-1]}
    return np.asarray(real(factor.get(wrong, 1)) * (one + two))
