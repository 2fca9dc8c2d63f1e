"""Article A's network as a class, in the article's manner: one method goes back and updates, layer by layer."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from manual_mlp import Array


class SineNetwork:
    """1-5-5-5-1, sigmoid, with the identity at the output."""

    def __init__(self, sizes: tuple[int, ...] = (1, 5, 5, 5, 1), learning_rate: float = 0.002, seed: int = 0) -> None:
        random = np.random.RandomState(seed)
        self.learning_rate = learning_rate
        self.weights, self.biases = [], []
        for n_in, n_out in pairwise(sizes):
            self.weights.append(random.normal(0, 0.5, (n_in, n_out)))
            self.biases.append(random.normal(0, 0.5, (1, n_out)))

    def sigmoid(self, x: Array) -> Array:
        """1 / (1 + e⁻ˣ)."""
        return 1 / (1 + np.power(np.e, -x))

    def inv_sig(self, x: Array) -> Array:
        """The derivative; its name in the article says inverse."""
        return self.sigmoid(x) * (1 - self.sigmoid(x))

    def forward(self, x: Array) -> Array:
        """The output; u and z of all layers stay behind."""
        self.U, self.Z = [], [x]
        for weight, bias in zip(self.weights, self.biases, strict=True):
            self.U.append(np.dot(self.Z[-1], weight) + bias)
            self.Z.append(self.sigmoid(self.U[-1]))
        self.Z[-1] = self.U[-1]
        return self.Z[-1]

    def back_propagate(self, x: Array, d: Array) -> None:
        """One step; δ of the output stands first in D."""
        delta = self.forward(x) - d
        self.D = [delta]
        for i in reversed(range(len(self.weights))):
            if i < len(self.weights) - 1:
                delta = self.inv_sig(self.U[i]) * np.dot(delta, self.weights[i + 1].T)
                self.D.append(delta)
            self.weights[i] = self.weights[i] - self.learning_rate * np.dot(self.Z[i].T, delta)
            self.biases[i] = self.biases[i] - self.learning_rate * np.sum(delta, axis=0, keepdims=True)
