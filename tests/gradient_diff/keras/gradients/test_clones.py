"""Models whose layers the house does not know: judged by a float64 clone of theirs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from keras_mlp import named_weights, parameters_of, to_keras
from manual_mlp import MLP, Array, Dense

pytestmark = pytest.mark.matrix

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
CLONE = "a float64 run of the model"


def _functional(dtype: str = "float32", activation: str = "gelu") -> keras.Model:
    inputs = keras.Input((3,), dtype=dtype)
    first = keras.layers.Dense(4, activation, name="first", dtype=dtype)(inputs)
    second = keras.layers.Dense(4, "tanh", name="second", dtype=dtype)(first)
    outputs = keras.layers.Dense(2, name="out", dtype=dtype)(first + second)
    model = keras.Model(inputs, outputs)
    rng = np.random.default_rng(3)
    for weight in model.trainable_weights:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    return model


def _tape_in_another_order(model: keras.Model) -> dict[str, Array]:
    order, dtype = np.random.default_rng(1).permutation(7), model.layers[-1].compute_dtype
    x, y = tf.cast(X[order], dtype), tf.cast(Y[order], dtype)
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(tf.square(model(x) - y))
    gradients = tape.gradient(value, [v.value for v in named_weights(model).values()])
    return {n: g.numpy() for n, g in zip(named_weights(model), gradients, strict=True)}


@pytest.mark.matrix(most=1)
@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_functional_model_is_judged_by_its_float64_clone(dtype: str) -> None:
    model = _functional(dtype)
    mine = _tape_in_another_order(model)
    diff = check_gradients(model, X, Y, mine, loss="mse")
    assert diff.verdict is Status.MATCH
    assert {row.judge for row in diff.rows if row.reason != "bit-equal"} == {CLONE}
    assert max(row.distance or 0 for row in diff.rows) > 0
    assert [row.name for row in diff.rows][:2] == ["out/kernel", "out/bias"]  # as backpropagation comes to them
    for name in mine:
        off = {**mine, name: mine[name] * mine[name].dtype.type(1.001)}
        found = check_gradients(model, X, Y, off, loss="mse")
        assert (found.verdict, found.culprit) == (Status.MISMATCH, name)


def _mixed(policy: str, last: str) -> keras.Model:
    layers = [keras.layers.Dense(4, "tanh", name="first", dtype=policy), keras.layers.Dense(2, name="out", dtype=last)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    rng = np.random.default_rng(3)
    for weight in model.trainable_weights:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    return model


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("last", ["float32", "mixed_float16"])
def test_mixed_precision_is_judged_by_its_own_rounding(policy: str, last: str) -> None:
    model = _mixed(policy, last)
    w = parameters_of(model)
    fine = MLP(3, [Dense(4, "tanh", name="first"), Dense(2, name="out")])
    mine = {n: g.astype("float32") for n, g in fine.backpropagate(w, X, Y, "mean_squared_error").gradients.items()}
    diff = check_gradients(model, X, Y, mine, loss="mse")
    assert diff.verdict is Status.MATCH
    assert {row.judge for row in diff.rows} == {CLONE}
    assert all(
        row.metrics is not None and row.metrics.relative_l2 > 1e-5 for row in diff.rows
    )  # half precision, indeed
    off = {**mine, "out/kernel": 2 * mine["out/kernel"]}
    found = check_gradients(model, X, Y, off, loss="mse")
    assert (found.verdict, found.culprit) == (Status.MISMATCH, "out/kernel")


def test_rounding_the_weights_for_the_computation_counts() -> None:
    """A sum that cancels: what storing its weights in half precision leaves of it is more than adding them does."""
    n = 2000
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((n,)), keras.layers.Dense(1, use_bias=False, dtype="mixed_float16")])
    w, x = np.float32(1 / 3 + 1e-3 * rng.normal(size=(n, 1))), np.resize([1.0, -1.0], (1, n))
    model.trainable_weights[0].assign(w)
    mine = np.float32(2 * x.T @ (x @ w.astype("float64")))
    diff = check_gradients(model, x, np.zeros((1, 1)), [mine], loss="mse")
    assert diff.verdict is Status.VACUOUS  # and no mistake
    assert diff.rows[0].metrics is not None
    assert diff.rows[0].metrics.relative_l2 > 2.0**-10


@pytest.mark.usefixtures("unnamed")
def test_any_loss_of_keras_goes_with_any_model() -> None:
    mlp = MLP(3, [Dense(4, "tanh"), Dense(2)])
    w = mlp.initialize(0, dtype="float32")
    zeros = [np.zeros(a.shape, np.float32) for a in w.values()]
    diff = check_gradients(to_keras(mlp, w, "float32"), X, Y, zeros, loss="dice")
    assert diff.verdict is Status.MISMATCH
    assert {row.judge for row in diff.rows} == {CLONE}


@pytest.mark.usefixtures("unnamed")
def test_float64_arrays_meet_a_float32_functional_model_in_float64() -> None:
    model = _functional()
    fine = _functional("float64")
    for a, b in zip(fine.weights, model.weights, strict=True):
        a.assign(tf.cast(b.value, "float64"))
    mine = _tape_in_another_order(fine)
    diff = check_gradients(model, X, Y, mine, loss="mse")
    assert diff.verdict is Status.MATCH
    nearly = {n: g * (1 + 1e-9) for n, g in mine.items()}
    assert check_gradients(model, X, Y, nearly, loss="mse").verdict is Status.MISMATCH


def test_the_house_has_no_derivation_for_a_functional_model() -> None:
    text = (
        "The house has no derivation of its own for this model and loss. Pass gradients=, or a Sequential of one dtype "
        "whose layers and loss have equations (docs/reference/equations.md has the table)."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        check_gradients(_functional(), X, Y, loss="mse")


@pytest.mark.parametrize("mode", ["graph", "xla"])
def test_a_functional_model_in_every_mode(mode: Any) -> None:
    model = _functional()
    assert check_gradients(model, X, Y, _tape_in_another_order(model), loss="mse", mode=mode).verdict is Status.MATCH


@pytest.mark.usefixtures("unnamed")
def test_an_update_of_a_float32_functional_model() -> None:
    model = _functional()
    before, gradients = parameters_of(model), _tape_in_another_order(model)
    after = {n: a - np.float32(1e-3) * gradients[n] for n, a in before.items()}
    diff = check_gradients(model, X, Y, after=after, learning_rate=1e-3, loss="mse")
    assert diff.verdict is Status.MATCH
    assert {row.judge for row in diff.rows} == {f"{CLONE}, and what storing the weights hides"}
    after["out/bias"] = before["out/bias"] - np.float32(2e-3) * gradients["out/bias"]
    assert check_gradients(model, X, Y, after=after, learning_rate=1e-3, loss="mse").culprit == "out/bias"


@pytest.mark.usefixtures("unnamed")
def test_an_update_of_a_functional_model() -> None:
    model = _functional("float64")
    before, gradients = parameters_of(model), _tape_in_another_order(model)
    after = {n: a - 0.1 * gradients[n] for n, a in before.items()}
    assert check_gradients(model, X, Y, after=after, learning_rate=0.1, loss="mse").verdict is Status.MATCH
    after["first/bias"] = before["first/bias"] - 0.1001 * gradients["first/bias"]
    assert check_gradients(model, X, Y, after=after, learning_rate=0.1, loss="mse").culprit == "first/bias"


@pytest.mark.parametrize(("factor", "named"), [(7, "missing_batch_mean"), (3.5, "missing_output_mean"), (5, None)])
def test_a_factor_is_named_by_the_sizes_of_the_data(factor: float, named: str | None) -> None:
    model = _functional("float64")
    mine = {n: factor * g for n, g in _tape_in_another_order(model).items()}
    causes = check_gradients(model, X, Y, mine, loss="mse").causes
    assert [c.id for c in causes[:1]] == ([named] if named else [])
    assert not any("?" in c.message for c in causes)


@pytest.mark.parametrize("factor", [-1, 0.5])
def test_float32_that_is_stored_in_float64_is_named(factor: float) -> None:
    model = _functional("float32")
    mine = {n: factor * g.astype(np.float64) for n, g in _tape_in_another_order(model).items()}
    causes = check_gradients(model, X, Y, mine, loss="mse").causes
    assert causes[0].id == ("sign" if factor < 0 else "factor_two")


def _below_dense(layer: keras.layers.Layer, *shape: int, dtype: str = "float32") -> keras.Model:
    layers = [layer, keras.layers.Flatten(), keras.layers.Dense(2)]
    return keras.Sequential([keras.Input(shape, dtype=dtype), *layers])


def _attending() -> keras.Model:
    inputs = keras.Input((4, 3))
    attended = keras.layers.MultiHeadAttention(2, 2, use_bias=False)(inputs, inputs)
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(attended)))


@keras.saving.register_keras_serializable(package="test_clones")
class _Unnamed(keras.layers.Layer):
    """Keras gives its inner layers other names in a copy."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.first, self.second = keras.layers.Dense(3, "tanh"), keras.layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.second(self.first(x))


def _deep() -> keras.Model:
    inner = keras.Sequential([keras.layers.Dense(3, "tanh"), keras.Sequential([keras.layers.Dense(3)])])
    return _below_dense(inner, 3)


INSIDE: dict[str, Callable[[], keras.Model]] = {
    "attention": _attending,
    "bidirectional": lambda: _below_dense(keras.layers.Bidirectional(keras.layers.LSTM(2)), 4, 3),
    "stacked cells": lambda: _below_dense(keras.layers.RNN([keras.layers.GRUCell(2) for _ in range(2)]), 4, 3),
    "a model within a model within": _deep,
    "inner layers without names": lambda: _below_dense(_Unnamed(), 3),
    "embedding": lambda: _below_dense(keras.layers.Embedding(5, 2), 6, dtype="int32"),
}


@pytest.mark.matrix(most=2)
@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize(
    "kind", [k if k != "stacked cells" else pytest.param(k, marks=pytest.mark.slow) for k in INSIDE]
)
def test_weights_within_layers_are_checked_by_names_of_their_own(kind: str) -> None:
    model, rng = INSIDE[kind](), np.random.default_rng(0)
    shape = (5, *model.inputs[0].shape[1:])
    x: Array = rng.integers(0, 4, shape) if kind == "embedding" else rng.normal(size=shape).astype("float32")
    y = rng.normal(size=(5, 2)).astype("float32")
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(tf.square(model(x) - y))
    names, given = list(named_weights(model)), tape.gradient(value, [v.value for v in model.trainable_weights])
    assert check_gradients(model, x, y, given, loss="mse").ok  # an Embedding's as the tape gives them
    for name in {names[0], names[-3]}:  # the first and the last within
        mine = dict(zip(names, (tf.convert_to_tensor(g).numpy() for g in given), strict=True))
        mine[name] = mine[name] * np.float32(1.01)
        found = check_gradients(model, x, y, mine, loss="mse")
        assert (found.verdict, found.culprit) == (Status.MISMATCH, name)
