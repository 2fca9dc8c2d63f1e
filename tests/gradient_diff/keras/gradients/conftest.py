"""A described network as Keras models of two kinds: one that is understood, and one that a float64 clone judges."""

from __future__ import annotations

from collections.abc import Callable

import keras
import pytest

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
