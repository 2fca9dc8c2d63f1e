"""Article A's network, data and training loop, in the article's manner: its step is not quite gradient descent.

NumPy alone. Nothing here is shared with `manual_mlp`, so that the two can be held against each other.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from manual_mlp import Array

SIZES = (1, 5, 5, 5, 1)
LEARNING_RATE = 0.002


def data(dtype: str = "float64") -> tuple[Array, Array]:
    """100 points of sin(x), x from −5 to 5."""
    x = np.linspace(-5, 5, 100)[:, None]
    return x.astype(dtype), np.sin(x).astype(dtype)


def draw(seed: int, dtype: str = "float64") -> tuple[list[Array], list[Array]]:
    """Weights and biases from N(0, 0.5²), weights then bias, layer by layer, from the legacy stream."""
    random = np.random.RandomState(seed)
    weights, biases = [], []
    for n_in, n_out in pairwise(SIZES):
        weights.append(random.normal(0, 0.5, (n_in, n_out)).astype(dtype))
        biases.append(random.normal(0, 0.5, (1, n_out)).astype(dtype))
    return weights, biases


def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ), written with a power, as in the article."""
    return 1 / (1 + np.power(np.e, -x))


def inv_sig(x: Array) -> Array:
    """The derivative of the sigmoid; its name in the article says inverse."""
    return sigmoid(x) * (1 - sigmoid(x))


def iterate(x: Array, d: Array, weights: list[Array], biases: list[Array]) -> Array:
    """One iteration, forward, backward and update, in the article's order; the lists are changed."""
    us, zs = [], [x]
    for weight, bias in zip(weights, biases, strict=True):
        us.append(np.dot(zs[-1], weight) + bias)
        zs.append(sigmoid(us[-1]))
    y = us[-1]  # the identity at the output
    delta = y - d
    for i in reversed(range(len(weights))):
        if i < len(weights) - 1:
            # weights[i + 1] was updated in the turn before: δ comes down through the weights of the next step
            delta = inv_sig(us[i]) * np.dot(delta, weights[i + 1].T)
        weights[i] = weights[i] - LEARNING_RATE * np.dot(zs[i].T, delta)
        biases[i] = biases[i] - LEARNING_RATE * np.sum(delta, axis=0, keepdims=True)
    return y


def as_parameters(weights: list[Array], biases: list[Array]) -> dict[str, Array]:
    """The lists as the house names them, copied."""
    layers = enumerate(zip(weights, biases, strict=True), 1)
    return {f"dense_{i}/{name}": a for i, (w, b) in layers for name, a in (("kernel", w.copy()), ("bias", b[0].copy()))}
