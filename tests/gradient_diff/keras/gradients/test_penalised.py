"""Penalties of a user's own Sequential, whose equations name the mistake and the layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_gradients, train_together
from keras_mlp import from_keras
from manual_mlp import Array

L, R = keras.layers, keras.regularizers
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)).astype("float32"), RNG.normal(size=(6, 3)).astype("float32")


def _model(dtype: str = "float32") -> keras.Sequential:
    keras.utils.set_random_seed(5)
    options: dict[str, Any] = {"dtype": dtype, "bias_initializer": "glorot_normal"}
    hidden = L.Dense(5, "tanh", kernel_regularizer=R.L1(0.1), activity_regularizer=R.L2(0.3), name="a", **options)
    output = L.Dense(3, kernel_regularizer=R.L2(0.2), bias_regularizer=R.L1L2(0.1, 0.2), name="b", **options)
    return keras.Sequential([keras.Input((4,), dtype=dtype), hidden, output])


def _hand(model: keras.Model, times: Sequence[float] = (1, 1, 1, 1)) -> dict[str, Array]:
    """By the tape, each of model.losses so many times: of the activity, of W of a, of W of b, of b of b."""
    with tf.GradientTape() as tape:
        p = model(tf.constant(X, model.layers[0].dtype), training=True)
        value = tf.reduce_mean((p - tf.constant(Y, p.dtype)) ** 2)
        value += sum(f * loss for f, loss in zip(times, model.losses, strict=True))
    found = tape.gradient(value, [v.value for v in model.trainable_weights])
    return dict(zip(("a/kernel", "a/bias", "b/kernel", "b/bias"), (g.numpy() for g in found), strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("training", [True, False])
def test_the_right_hand_is_right(dtype: str, training: bool) -> None:
    model = _model(dtype)
    diff = check_gradients(model, X, Y, _hand(model), loss="mse", training=training)
    assert diff.ok, str(diff)
    assert any("sign W" in row.formula for row in diff), "by equations"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("times", "name", "layer"),
    [
        ((0, 1, 1, 1), "activity_missing", "a"),
        ((6, 1, 1, 1), "activity_not_averaged", "a"),
        ((2, 1, 1, 1), "activity_factor", "a"),
        ((1, 0, 1, 1), "l1_missing", "a"),
        ((1, 2, 1, 1), "l1_factor", "a"),
        ((1, -1, 1, 1), "l1_sign", "a"),
        ((1, 1, 0, 1), "l2_missing", "b"),
        ((1, 1, 0.5, 1), "l2_factor", "b"),
        ((1, 1, 1, 0), "l2_missing", "b"),
        ((0, 0, 0, 0), "l2_missing", ""),
    ],
)
def test_a_penalty_that_counts_otherwise_is_named(times: Sequence[float], name: str, layer: str, dtype: str) -> None:
    model = _model(dtype)
    diff = check_gradients(model, X, Y, _hand(model, times), loss="mse")
    assert diff.verdict is Status.MISMATCH
    assert (diff.causes[0].id, diff.causes[0].layer) == (name, layer), diff.causes


def test_both_train_alike() -> None:
    mlp, w = from_keras(_model("float64"))
    ran = train_together(mlp, w, X, Y, "mse", optimizer=keras.optimizers.SGD(0.1), epochs=5, batch_size=4)
    for name, array in ran.hand.parameters.items():
        np.testing.assert_allclose(array, ran.keras.parameters[name], rtol=1e-12, atol=1e-14)
    assert not np.allclose(ran.hand.parameters["a/kernel"], w["a/kernel"])
