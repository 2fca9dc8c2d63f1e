"""What a dropout keeps is divided by 1 − rate: a float64 hand may do that in float64, or as the mask holds it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from manual_mlp import Array

pytestmark = pytest.mark.usefixtures("unnamed")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 2))
RATE = 0.4
HELD = float(np.float32(1 / 0.6))


def _model(kind: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(3, "tanh"), keras.layers.Dropout(RATE, seed=3), keras.layers.Dense(2)]
    if kind == "described":
        return keras.Sequential([keras.Input((4,)), *layers])
    inputs = z = keras.Input((4,))
    for layer in layers:
        z = layer(z)
    return keras.Model(inputs, z)


def _by_hand(weights: Iterable[Array], scale: float) -> list[Array]:
    w1, b1, w2, b2 = (w.astype(float) for w in weights)
    kept = keras.layers.Dropout(RATE, seed=3)(np.ones((5, 3), "f4"), training=True).numpy() > 0
    z = np.tanh(X @ w1 + b1)
    d2 = 2 * (z * kept * scale @ w2 + b2 - Y) / Y.size
    d1 = d2 @ w2.T * kept * scale * (1 - z * z)
    return [X.T @ d1, d1.sum(0), (z * kept * scale).T @ d2, d2.sum(0)]


@pytest.mark.parametrize("kind", ["described", "functional"])
def test_a_mask_counts_as_written_or_as_held_and_in_no_other_way(kind: str) -> None:
    model: Any = _model(kind)
    for scale in (1 / (1 - RATE), HELD):
        diff = check_gradients(model, X, Y, _by_hand(model.get_weights(), scale), loss="mse")
        assert diff.verdict is Status.MATCH, scale
        assert any(f"Keras holds this constant as {HELD!r}" in row.reason for row in diff.rows)
    between = (1 / (1 - RATE)) * (1 + 3e-9)

    def derivation(parameters: dict[str, Array], x: Array, y: Array) -> list[Array]:
        return _by_hand(parameters.values(), between)

    assert check_gradients(model, X, Y, derivation, loss="mse", trace=False).verdict is Status.MISMATCH
    arrays = check_gradients(model, X, Y, _by_hand(model.get_weights(), between), loss="mse")
    assert arrays.verdict is Status.INCONCLUSIVE  # at which weights they were taken nobody says
