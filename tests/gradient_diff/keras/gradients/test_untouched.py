"""A check leaves a model, and Keras itself, bit for bit as they were: also where something inside it raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.backend.tensorflow import random as drawing

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from manual_mlp import Array

pytestmark = pytest.mark.matrix

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 2, 3)).astype("f4"), RNG.normal(size=(6, 2)).astype("f4")
LAYERS = keras.layers
DRAWING = ("normal", "uniform", "truncated_normal", "gamma", "binomial", "beta", "categorical", "dropout")
ORIGINALS = {name: getattr(drawing, name) for name in DRAWING}


def _of_all_kinds(*last: keras.layers.Layer) -> keras.Model:
    """Seeds, moving statistics, states of a recurrent layer, metrics, an optimizer that has made a step."""
    keras.utils.set_random_seed(1)
    layers = [LAYERS.SimpleRNN(3, stateful=True), LAYERS.BatchNormalization(), LAYERS.Dropout(0.4, seed=3)]
    model = keras.Sequential([keras.Input(batch_shape=(6, 2, 3)), *layers, *last, LAYERS.Dense(2)])
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(X, Y)
    return model


def _described() -> keras.Model:
    layers = [LAYERS.Flatten(), LAYERS.Dense(3, "tanh"), LAYERS.Dropout(0.4, seed=3), LAYERS.Dense(2)]
    model = keras.Sequential([keras.Input((2, 3)), *layers])
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(X, Y)
    return model


def _held(model: keras.Model) -> tuple[list[bytes], list[Any]]:
    """All numbers of a model, and what else a check takes into its hands."""
    states = [state for layer in model.layers for state in getattr(layer, "states", None) or ()]  # Keras tracks none
    variables = [*model.variables, *states, *model.metrics_variables, *model.optimizer.variables]
    things = [*variables, model.optimizer, model.loss, model._compile_loss]  # noqa: SLF001  (is replaced by nobody)
    for layer in model.layers:
        things += [layer, layer.dtype_policy, layer.call, type(layer.call), vars(layer).get("activation")]
    things += [v.value for v in variables] + [v.dtype for v in variables]
    things += [keras.config.floatx(), *(getattr(drawing, name) for name in DRAWING), tf.cast, tf.nn.leaky_relu]
    return [v.numpy().tobytes() for v in variables], things


def _same(before: tuple[list[bytes], list[Any]], after: tuple[list[bytes], list[Any]]) -> bool:
    bits, things = zip(before, after, strict=True)
    return bits[0] == bits[1] and all(a is b or a == b for a, b in zip(*things, strict=True))


def _zeros(model: keras.Model, dtype: str) -> list[Array]:
    return [np.zeros(w.shape, dtype) for w in model.trainable_weights]


def _raising(y_true: Any, y_pred: Any) -> Any:
    raise RuntimeError("no such loss today")


def _python(y_true: Any, y_pred: Any) -> Any:
    """As long as nobody builds a graph."""
    assert tf.executing_eagerly()
    return tf.reduce_mean(tf.square(y_true - y_pred))


CHECKS: dict[str, dict[str, Any]] = {
    "as fit": {},
    "float64": {"dtype": "float64"},
    "in inference": {"training": False},
    "in graph mode": {"mode": "graph"},
    "weights of samples": {"sample_weight": np.arange(6.0)},
    "no graph": {"loss": _python},
}


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize("make", [_of_all_kinds, _described])
@pytest.mark.parametrize("what", CHECKS)
def test_a_check_leaves_everything_as_it_was(what: str, make: Callable[[], keras.Model]) -> None:
    model, options = make(), dict(CHECKS[what])
    before = _held(model)
    check_gradients(model, X, Y, _zeros(model, options.pop("dtype", "float32")), **options)
    assert _same(before, _held(model))


def test_the_tester_sees_a_seed_that_moved_and_a_state() -> None:
    model = _of_all_kinds()
    before = _held(model)
    model(X)  # in inference: but for the state of the recurrent layer nothing moves
    assert not _same(before, _held(model))
    model = _described()
    before = _held(model)
    model(X)
    assert _same(before, _held(model))
    model(X, training=True)
    assert not _same(before, _held(model))


class _Refusing(keras.layers.Layer):
    """Computes in float32 only."""

    def call(self, z: Any) -> Any:
        if z.dtype != tf.float32:
            raise RuntimeError("float32 or nothing")
        return z


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_loss_that_raises_leaves_everything_as_it_was(dtype: str) -> None:
    model = _of_all_kinds()
    before = _held(model)
    with pytest.raises(ValueError, match=r"in its own code: \w+, no such loss today, in _raising, .*\.py:\d+\."):
        check_gradients(model, X, Y, _zeros(model, dtype), loss=_raising)
    assert _same(before, _held(model))


def test_a_layer_that_refuses_float64_leaves_everything_as_it_was() -> None:
    model = _of_all_kinds(_Refusing())
    before = _held(model)
    check_gradients(model, X, Y, _zeros(model, "float64"), loss="mse")
    assert _same(before, _held(model))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_function_of_the_caller_that_raises_leaves_everything_as_it_was(place: int) -> None:
    """The first time, or a later one, when the function is called on smaller cases."""
    model, calls = _described(), [0]

    def mine(*_: Any) -> Any:
        calls[0] += 1
        if calls[0] > place:
            raise RuntimeError("not today")
        return _zeros(model, "float32")

    before = _held(model)
    if place == 0:
        with pytest.raises(RuntimeError, match=r"^not today"):
            check_gradients(model, X, Y, mine)
    else:
        check_gradients(model, X, Y, mine)
    assert _same(before, _held(model))


STATEFUL: dict[str, Callable[[], keras.layers.Layer]] = {
    "SimpleRNN": lambda: LAYERS.SimpleRNN(2, stateful=True),
    "stacked cells": lambda: LAYERS.RNN([LAYERS.SimpleRNNCell(2), LAYERS.SimpleRNNCell(2)], stateful=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["SimpleRNN", pytest.param("stacked cells", marks=pytest.mark.slow)])
def test_states_start_where_they_stand_each_time(kind: str) -> None:
    keras.utils.set_random_seed(1)
    recurrent = STATEFUL[kind]()
    model = keras.Sequential([keras.Input(batch_shape=(6, 2, 3)), recurrent, LAYERS.Dense(2)])
    model(X)
    states = keras.tree.flatten(recurrent.states)
    before = [state.numpy() for state in states]
    assert all(map(np.any, before))
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(tf.square(model(X) - Y))
    for state, array in zip(states, before, strict=True):
        state.assign(array)
    mine = [g.numpy() for g in tape.gradient(value, [w.value for w in model.trainable_weights])]
    for _ in range(2):
        assert check_gradients(model, X, Y, mine, loss="mse").ok
        assert all(np.array_equal(s.numpy(), a) for s, a in zip(states, before, strict=True))
    states[0].assign(0 * before[0])
    diff = check_gradients(model, X, Y, mine, loss="mse")
    if len(states) == 1:  # all as reset_states() leaves them
        assert diff.verdict is Status.MISMATCH
    else:  # another one has moved, and so may have this one
        assert diff.verdict is Status.INCONCLUSIVE


@pytest.mark.slow
def test_the_functions_that_draw_are_those_of_keras() -> None:
    model = _of_all_kinds()
    check_gradients(model, X, Y, _zeros(model, "float64"))
    assert {name: getattr(drawing, name) for name in DRAWING} == ORIGINALS
