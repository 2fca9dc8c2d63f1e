"""A normalisation between two layers as a student writes it, right and wrong: plain NumPy, nothing of the engine.

Dense(tanh), a normalisation over the batch or over the units, Dense(softmax), cross-entropy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np

from manual_mlp import Array

Over: TypeAlias = Literal["batch", "row"]

NAMED: dict[str, str] = {
    "axis": "statistics_axis",
    "epsilon 1e-5": "other_epsilon",
    "epsilon 1e-8": "other_epsilon",
    "ddof=1": "unbiased_variance",
    "ddof=1, differentiated": "unbiased_variance",
    "dE/dγ from z": "gamma_without_normalising",
    "dE/dγ from z_prev": "gamma_without_normalising",
    "γ and β exchanged": "gamma_beta_exchanged",
    "γ not sent down": "gamma_not_sent_down",
    "statistics constant": "statistics_constant",
    "no path through the mean": "statistics_path_missing",
    "no path through the variance": "statistics_path_missing",
}
"""What may be done wrong → the mistake that it is."""

OF_THE_BATCH = dict.fromkeys(("moving in training", "of the batch in inference"), "moving_statistics")
"""The same of what only a normalisation over the batch has."""


def normalised_gradients(
    parameters: Mapping[str, Array], x: Array, y: Array, over: Over, wrong: str = "", training: bool = True
) -> dict[str, Array]:
    """Parameter name → gradient, with a mistake of `NAMED` or without one; ε is Keras's."""
    p = {name.partition("/")[2] if "normal" in name else name: a for name, a in parameters.items()}
    layer = next(name.partition("/")[0] for name in parameters if name.endswith("/gamma"))
    z1 = np.tanh(x @ p["dense_1/kernel"] + p["dense_1/bias"])
    axis = (0 if over == "batch" else 1) ^ (wrong == "axis")
    of_the_batch = (training and wrong != "moving in training") or wrong == "of the batch in inference"
    own = over == "row" or of_the_batch
    count = z1.shape[axis]
    less = count - 1 if wrong.startswith("ddof") else count
    mean = z1.mean(axis, keepdims=True) if own else p["moving_mean"][None]
    variance = ((z1 - mean) ** 2).sum(axis, keepdims=True) / less if own else p["moving_variance"][None]
    epsilon = float(wrong.removeprefix("epsilon ")) if wrong.startswith("epsilon") else 1e-3
    inverse = 1 / np.sqrt(variance + epsilon)
    normal = (z1 - mean) * inverse
    z2 = p["gamma"] * normal + p["beta"]
    delta = (_softmax(z2 @ p["dense_2/kernel"] + p["dense_2/bias"]) - y) / len(x)
    g = delta @ p["dense_2/kernel"].T
    read = {"dE/dγ from z": z2, "dE/dγ from z_prev": z1}.get(wrong, normal)
    gamma, beta = (g * read).sum(0), g.sum(0)
    if wrong == "γ and β exchanged":
        gamma, beta = beta, gamma
    scaled = g if wrong == "γ not sent down" else g * p["gamma"]
    below = _sent_down(scaled, normal, inverse, axis, wrong if own else "statistics constant", count) * (1 - z1**2)
    return {
        "dense_1/kernel": x.T @ below,
        "dense_1/bias": below.sum(0),
        f"{layer}/gamma": gamma,
        f"{layer}/beta": beta,
        "dense_2/kernel": z2.T @ delta,
        "dense_2/bias": delta.sum(0),
    }


def _softmax(u: Array) -> Array:
    e = np.exp(u - u.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def _sent_down(g: Array, normal: Array, inverse: Array, axis: int, wrong: str, count: int) -> Array:
    if wrong == "statistics constant":
        return g * inverse
    mean = 0.0 if wrong == "no path through the mean" else g.mean(axis, keepdims=True)
    spread = normal * (g * normal).mean(axis, keepdims=True)
    if wrong == "no path through the variance":
        spread = np.zeros_like(spread)
    if wrong == "ddof=1, differentiated":
        spread = spread * (count / (count - 1))
    return np.asarray((g - mean - spread) * inverse)
