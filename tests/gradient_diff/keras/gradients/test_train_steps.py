"""A train_step of a model's own is what fit trains by: the gradients that it hands to its optimizer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff.keras import check_gradients
from manual_mlp import Array

pytestmark = [pytest.mark.usefixtures("unnamed"), pytest.mark.matrix]

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)).astype("f4"), RNG.normal(size=(6, 2)).astype("f4")


class _Tripled(keras.Model):
    """Trains three times the loss that it was compiled with."""

    times, steps = 3.0, 1

    def train_step(self, data: Any) -> Any:
        x, y = data
        for _ in range(self.steps):
            with tf.GradientTape() as tape:
                value = self.times * tf.reduce_mean(tf.square(self(x, training=True) - y))
            pairs = zip(tape.gradient(value, self.trainable_variables), self.trainable_variables, strict=True)
            self.optimizer.apply_gradients(pairs)
        return {"loss": value}


class _Silent(_Tripled):
    steps = 0

    def train_step(self, data: Any) -> Any:
        return {}


class _Twice(_Tripled):
    steps = 2


def _model(kind: type[keras.Model], decay: str | None = None) -> tuple[keras.Model, list[Array]]:
    """And three times the gradients of the mean squared error."""
    inputs = keras.Input((4,))
    model = kind(inputs, keras.layers.Dense(2, kernel_regularizer=decay)(inputs))
    model.compile("sgd", "mse")
    w, b = (v.numpy().astype(float) for v in model.trainable_weights)
    d = 3 * 2 * (X.astype(float) @ w + b - Y) / Y.size
    return model, [X.T.astype(float) @ d, d.sum(0)]


@pytest.mark.parametrize("decay", [None, "l2"])
@pytest.mark.parametrize("hand", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_what_its_optimizer_is_given_is_the_gradient(mode: Any, hand: str, decay: str | None) -> None:
    """It adds no decay, so fit trains none."""
    model, right = _model(_Tripled, decay)
    state, optimizer = model.get_weights(), model.optimizer
    mine = [g.astype(hand) for g in right]
    assert check_gradients(model, X, Y, mine, mode=mode).ok
    for off in (1 / 3, 1.001):
        assert check_gradients(model, X, Y, [g * g.dtype.type(off) for g in mine], mode=mode).verdict.bad
    assert model.optimizer is optimizer
    assert optimizer.iterations.numpy() == 0
    assert all(np.array_equal(a, b) for a, b in zip(state, model.get_weights(), strict=True))


def test_a_loss_that_is_named_goes_before_the_train_step() -> None:
    model, right = _model(_Tripled)
    assert check_gradients(model, X, Y, [g / 3 for g in right], loss="mse").ok


@pytest.mark.parametrize(
    ("kind", "text"),
    [(_Silent, "its own train_step gives model.optimizer no gradients"), (_Twice, "takes several steps at once")],
)
def test_a_train_step_that_has_no_one_gradient_is_told(kind: type[keras.Model], text: str) -> None:
    model, right = _model(kind)
    optimizer = model.optimizer
    with pytest.raises(ValueError, match=rf"{text}: pass loss=, the E that it trains"):
        check_gradients(model, X, Y, right)
    assert model.optimizer is optimizer
