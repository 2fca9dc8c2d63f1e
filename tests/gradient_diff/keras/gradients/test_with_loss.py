"""A function or dict that brings E and outputs beside gradients, against any model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from keras_mlp import named_weights

pytestmark = [pytest.mark.usefixtures("unnamed"), pytest.mark.matrix]

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)).astype("f4"), RNG.normal(size=(6, 2)).astype("f4")


def _model(activation: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(3, activation, name="first"), keras.layers.Dense(2, name="last")]
    return keras.Sequential([keras.Input((4,)), *layers])


def _taped(model: keras.Model, x: Any) -> tuple[Any, list[Any]]:
    with tf.GradientTape() as tape:
        e = tf.reduce_mean(tf.square(model(x) - Y))
    return e.numpy(), tape.gradient(e, model.trainable_variables)


@pytest.mark.parametrize("activation", ["tanh", "gelu"])  # by equations, by draws
@pytest.mark.parametrize("way", ["function", "pair", "turned", "dict"])
def test_e_beside_gradients(activation: str, way: str) -> None:
    model = _model(activation)

    def hand(x: Any, times: float = 1.0) -> Any:
        e, gradients = _taped(model, x)
        gradients = [times * g for g in gradients]
        ways = {
            "function": lambda w, x, y: (e, gradients),
            "pair": (e, gradients),
            "turned": (gradients, e),
            "dict": {"loss": e, **dict(zip(named_weights(model), gradients, strict=True))},
        }
        return ways[way]

    right = check_gradients(model, X, Y, hand(X), loss="mse")
    assert right.verdict is Status.MATCH
    assert "loss" in [row.name for row in right.rows]
    other = check_gradients(model, X, Y, hand(X / 2), loss="mse")
    assert other.verdict is Status.DIFFERENT
    assert other.headline().startswith("DIFFERENT: your E is ")
    wrong = check_gradients(model, X, Y, hand(X, 2.0), loss="mse")
    assert wrong.verdict is Status.MISMATCH
    assert wrong["loss"].status is Status.MATCH


def test_an_output_beside_gradients_of_a_described_model() -> None:
    model = _model("tanh")
    e, gradients = _taped(model, X)
    named = dict(zip(named_weights(model), gradients, strict=True))
    z = np.tanh(X @ model.get_weights()[0])
    assert check_gradients(model, X, Y, {**named, "loss": e, "first/z": z}, loss="mse").ok
    diff = check_gradients(model, X, Y, {**named, "loss": e, "first/z": z + 0.1}, loss="mse")
    assert (diff.verdict, diff.culprit) == (Status.DIFFERENT, "first/z")
