"""Moving averages that a pass in training moved on after the gradients were computed in inference."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import GradientDiff
from gradient_diff.keras import check_gradients
from gradient_diff.result.status import Status
from manual_mlp import Array

RNG = np.random.default_rng(0)
X, Y = (RNG.normal(size=s).astype(np.float32) for s in ((8, 4), (8, 3)))
OTHER = RNG.normal(size=(8, 4)).astype(np.float32)


def _model(dtype: str, passes: int = 0) -> keras.Model:
    keras.utils.set_random_seed(0)
    normed = [keras.layers.Dense(5, dtype=dtype), keras.layers.BatchNormalization(dtype=dtype)]
    second = [keras.layers.Activation("tanh", dtype=dtype), keras.layers.BatchNormalization(momentum=0.9, dtype=dtype)]
    model = keras.Sequential([keras.Input((4,), dtype=dtype), *normed, *second, keras.layers.Dense(3, dtype=dtype)])
    for _ in range(passes):
        model(X, training=True)
    return model


def _gradients(model: keras.Model, training: bool = False) -> list[Array]:
    with tf.GradientTape() as tape:
        outputs = model(X, training=training)
        value = tf.reduce_mean(tf.square(outputs - tf.cast(Y, outputs.dtype)))
    return [g.numpy() for g in tape.gradient(value, [v.value for v in model.trainable_variables])]


def _checked(model: keras.Model, mine: list[Array], **said: Any) -> GradientDiff:
    return check_gradients(model, X, Y, mine, loss="mse", **said)


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("passes", "then"), [(0, X), (3, X), (0, OTHER)])
def test_averages_that_a_pass_moved_on_accuse_nobody(dtype: str, passes: int, then: Array) -> None:
    model = _model(dtype, passes)
    mine = _gradients(model)
    model(then, training=True)
    diff = _checked(model, mine, training=False)
    assert diff.verdict is Status.INCONCLUSIVE, diff.headline()
    assert "at moving averages that a pass in training has moved on since" in diff.headline()
    assert "before it runs in training" in diff.meaning(Status.INCONCLUSIVE).advice
    assert _checked(model, mine).verdict is Status.INCONCLUSIVE
    assert _checked(model, _gradients(model), training=False).ok
    model_before = [w.numpy() for w in model.weights]
    _checked(model, mine)
    assert all(np.array_equal(a, w.numpy()) for a, w in zip(model_before, model.weights, strict=True))


@pytest.mark.slow
def test_a_mistake_is_one_at_any_of_them() -> None:
    model = _model("float32", 2)
    mine = _gradients(model)
    model(X, training=True)
    mine[0] = mine[0] * np.float32(1.001)
    assert _checked(model, mine, training=False).verdict is Status.MISMATCH
    assert _checked(model, mine).verdict is Status.MISMATCH


def test_averages_that_no_pass_on_these_data_left_are_another_model() -> None:
    model = _model("float32")
    model.layers[1].moving_mean.assign(RNG.normal(size=5))
    mine = _gradients(model)
    model.layers[1].moving_mean.assign(RNG.normal(size=5))
    assert _checked(model, mine, training=False).verdict is Status.MISMATCH


def test_training_that_was_said_is_e() -> None:
    model = _model("float32")
    mine = _gradients(model)
    model(X, training=True)
    diff = _checked(model, mine, training=True)
    assert (diff.verdict, [c.id for c in diff.causes]) == (Status.MISMATCH, ["other_training"])
    assert "moved on since" in diff.causes[0].message
