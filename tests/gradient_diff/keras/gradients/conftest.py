"""A described network as Keras models of two kinds, and checks that ask for a verdict alone."""

from __future__ import annotations

from collections.abc import Callable

import keras
import pytest

from gradient_diff.keras.gradients import deciding
from gradient_diff.keras.gradients.steps import of_weights
from keras_mlp import to_keras
from manual_mlp import MLP, Array, Dense

Build = Callable[[str, MLP, dict[str, Array]], keras.Model]


@pytest.fixture
def build() -> Build:
    """Of "known float32" or "functional float64" and the like, a network of Dense layers and its weights."""

    def built(kind: str, mlp: MLP, weights: dict[str, Array]) -> keras.Model:
        how, dtype = kind.split()
        weights = {n: a.astype(dtype) for n, a in weights.items()}
        if how == "known":
            return to_keras(mlp, weights, dtype)
        inputs = outputs = keras.Input((mlp.inputs,), dtype=dtype)
        for layer in mlp.layers:
            assert isinstance(layer, Dense)
            outputs = keras.layers.Dense(layer.units, layer.activation, name=layer.name, dtype=dtype)(outputs)
        model = keras.Model(inputs, outputs)
        model.set_weights(list(weights.values()))
        return model

    return built


@pytest.fixture
def unnamed(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Nobody asks of what other E a wrong hand is: no verdict hangs on it, and it is most of what a check costs.

    What a test itself marks as slow asks all the same, so that every model of a matrix is asked once.
    """
    if not any(not mark.kwargs for mark in request.node.iter_markers("slow")):
        for module in (deciding, of_weights):
            monkeypatch.setattr(module, "named_by_another", lambda asked, mine, diff, **_: diff)
