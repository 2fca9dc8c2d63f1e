"""Activations and their derivatives as a student writes them, and what has been taken for the derivative."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from manual_mlp import Array


def f(name: str, u: Array) -> Array:
    """The activation."""
    if name == "sigmoid":
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-u)))
    if name == "tanh":
        return np.asarray(np.tanh(u))
    if name == "relu":
        return np.asarray(np.maximum(u, 0))
    if name == "softmax":
        e = np.exp(u - u.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum(axis=1, keepdims=True))
    return newer(name)[0](u) if name != "linear" else u


def df(name: str, u: Array) -> Array:
    """Its derivative, elementwise, at u."""
    z = f(name, u)
    if name == "sigmoid":
        return np.asarray(z * (1 - z))
    if name == "tanh":
        return np.asarray(1 - z**2)
    if name == "relu":
        return (u > 0).astype(u.dtype)
    return np.ones_like(u) if name in ("linear", "softmax") else newer(name)[1](u)


def df_of_z(name: str, z: Array) -> Array:
    """The derivative as it is written with z, which whoever keeps only z computes."""
    return np.asarray({"sigmoid": z * (1 - z), "tanh": 1 - z**2}[name])


def _sigmoid(u: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-u)))


def _phi(u: Array) -> Array:
    """The normal distribution function."""
    return np.asarray(np.vectorize(math.erf)(u / math.sqrt(2)) / 2 + 0.5, u.dtype)


def _inner(u: Array) -> Array:
    return math.sqrt(2 / math.pi) * (u + 0.044715 * u**3)


def _gelu_by_tanh(u: Array) -> Array:
    t = np.tanh(_inner(u))
    return np.asarray(0.5 * (1 + t) + 0.5 * u * (1 - t**2) * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * u**2))


def newer(name: str) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """f and f′ of an activation as Keras names it, with one argument where it is told one."""
    base, _, told = name.partition("(")
    a = float(told.rstrip(")").rpartition("=")[2]) if base in ("leaky_relu", "elu") and told else None
    slope, alpha = (0.2, 1.0) if a is None else (a, a)
    return {
        "leaky_relu": (lambda u: np.where(u > 0, u, slope * u), lambda u: np.where(u > 0, 1, slope)),
        "elu": (lambda u: np.where(u > 0, u, alpha * np.expm1(u)), lambda u: np.where(u > 0, 1, alpha * np.exp(u))),
        "gelu": (lambda u: u * _phi(u), lambda u: _phi(u) + u * np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)),
        "gelu(approximate=True)": (lambda u: 0.5 * u * (1 + np.tanh(_inner(u))), _gelu_by_tanh),
        "silu": (lambda u: u * _sigmoid(u), lambda u: _sigmoid(u) * (1 + u * (1 - _sigmoid(u)))),
        "softplus": (lambda u: np.log(1 + np.exp(u)), _sigmoid),
        "softsign": (lambda u: u / (1 + np.abs(u)), lambda u: 1 / (1 + np.abs(u)) ** 2),
        "hard_tanh": (lambda u: np.clip(u, -1, 1), lambda u: (np.abs(u) <= 1) * 1.0),
        "mish": (lambda u: u * np.tanh(np.log(1 + np.exp(u))), _mish_slope),
    }[name if name.startswith("gelu") else base]


def _mish_slope(u: Array) -> Array:
    t = np.tanh(np.log(1 + np.exp(u)))
    return np.asarray(t + u * (1 - t**2) * _sigmoid(u))


NEWER = (
    *("leaky_relu", "leaky_relu(negative_slope=0.3)", "elu", "elu(alpha=0.5)", "gelu", "gelu(approximate=True)"),
    *("silu", "softplus", "softsign", "hard_tanh", "mish"),
)


def wrong_derivatives(name: str) -> dict[str, Callable[[Array, Array], Array]]:
    """What has been taken for f′ of an activation."""
    if name in WRONG_DERIVATIVES:
        return WRONG_DERIVATIVES[name]
    found: dict[str, Callable[[Array, Array], Array]] = {
        "of sigmoid": lambda u, z: _sigmoid(u) * (1 - _sigmoid(u)),
        "of relu": lambda u, z: np.where(u > 0, 1, 0),
        "of tanh": lambda u, z: 1 - np.tanh(u) ** 2,
    }
    if name.startswith("gelu"):
        found["other form"] = lambda u, z: df("gelu" if "True" in name else "gelu(approximate=True)", u)
    if name.startswith("elu("):
        found["alpha forgotten"] = lambda u, z: np.where(u > 0, 1, np.exp(u))
    if name.startswith(("gelu", "silu", "mish")):
        found["gate alone"] = lambda u, z: z / u
    return found


WRONG_DERIVATIVES: dict[str, dict[str, Callable[[Array, Array], Array]]] = {
    "sigmoid": {
        "z": lambda u, z: z,
        "1 - z": lambda u, z: 1 - z,
        "u(1 - u)": lambda u, z: u * (1 - u),
        "e^-u/(1 + e^-u)": lambda u, z: np.exp(-u) / (1 + np.exp(-u)),
        "1 - z²": lambda u, z: 1 - z**2,
    },
    "tanh": {
        "1 - z": lambda u, z: 1 - z,
        "tanh": lambda u, z: np.tanh(u),
        "1 - u²": lambda u, z: 1 - u**2,
        "1/cosh u": lambda u, z: 1 / np.cosh(u),
        "z(1 - z)": lambda u, z: z * (1 - z),
    },
    "relu": {
        "u": lambda u, z: u,
        "z": lambda u, z: z,
        "leaky": lambda u, z: np.where(u > 0, 1, 0.01).astype(u.dtype),
    },
}
"""What has been taken for f′."""


def jacobian(p: Array, g: Array) -> Array:
    """Softmax's pullback, sample by sample."""
    return np.stack([(np.diag(a) - np.outer(a, a)) @ b for a, b in zip(p, g, strict=True)])
