"""Activations and their derivatives as a student writes them, and what has been taken for the derivative."""

from __future__ import annotations

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
    return u


def df(name: str, u: Array) -> Array:
    """Its derivative, elementwise, at u."""
    z = f(name, u)
    if name == "sigmoid":
        return np.asarray(z * (1 - z))
    if name == "tanh":
        return np.asarray(1 - z**2)
    if name == "relu":
        return (u > 0).astype(u.dtype)
    return np.ones_like(u)


def df_of_z(name: str, z: Array) -> Array:
    """The derivative as it is written with z, which whoever keeps only z computes."""
    return np.asarray({"sigmoid": z * (1 - z), "tanh": 1 - z**2}[name])


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
