"""A small network with its data, and its Keras twin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest

from keras_mlp import to_keras
from manual_mlp import MLP, Array, Dense, Evaluation, Loss


@dataclass(frozen=True, eq=False)
class Case:
    """What both sides need for one evaluation."""

    mlp: MLP
    parameters: dict[str, Array]
    x: Array
    y: Array
    loss: Loss

    @property
    def dtype(self) -> str:
        return self.x.dtype.name

    @property
    def model(self) -> keras.Sequential:
        """A fresh twin."""
        return to_keras(self.mlp, self.parameters, self.dtype)

    @property
    def weights(self) -> Array:
        """One per sample, a zero among them and no 1, and they do not sum to N."""
        return np.array([0.3, 2.5, 0.0, 1.25, 0.7], self.dtype)

    def hand(self, sample_weight: Array | None = None) -> Evaluation:
        return self.mlp.backpropagate(self.parameters, self.x, self.y, self.loss, sample_weight=sample_weight)


def _case(
    loss: str = "mean_squared_error",
    activation: str = "linear",
    *,
    from_logits: bool = False,
    scale: float = 1.0,
    dtype: str = "float64",
) -> Case:
    """3-4-3 on 5 samples; targets are labels, or rows that sum to 1 in any dtype: TensorFlow leaves the sum out."""
    rng = np.random.default_rng(2)
    mlp = MLP(3, [Dense(4, "tanh"), Dense(3, activation)])
    described = Loss(loss, from_logits, scale)
    labels = rng.integers(0, 3, 5)
    y = labels if described.function.class_indices else (0.25 * np.eye(3)[labels] + 0.25).astype(dtype)
    w, x = mlp.initialize(1, "normal(0.5)", "normal(0.5)", dtype), rng.normal(size=(5, 3)).astype(dtype)
    return Case(mlp, w, x, y, described)


@pytest.fixture(scope="session")
def case() -> Any:
    """(loss, last activation, …) → `Case`."""
    return _case
