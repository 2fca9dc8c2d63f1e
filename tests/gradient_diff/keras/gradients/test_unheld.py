"""Constants of a model of which Keras has only a float32: as tensors of its layers, in closures, as statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from manual_mlp import Array

RNG = np.random.default_rng(0)
X, Y = (5 + 3 * RNG.normal(size=(12, 4))).astype("f4"), RNG.normal(size=(12, 2)).astype("f4")
CLOSURE = tf.constant(0.3)


class _Holds(keras.layers.Layer):
    def build(self, _: Any) -> None:
        self.factor = keras.ops.convert_to_tensor(0.3)

    def call(self, inputs: Any) -> Any:
        return inputs * keras.ops.cast(self.factor, inputs.dtype)


class _HoldsNumPy(keras.layers.Layer):
    factor = np.float32(0.3)

    def call(self, inputs: Any) -> Any:
        return inputs * self.factor


def _adapted() -> keras.layers.Layer:
    layer = keras.layers.Normalization()
    layer.adapt(X)
    return layer


def _normalised(x: Array, mean: Any, variance: Any) -> Array:
    return np.asarray((x - mean) / np.sqrt(variance))


LAYERS: dict[str, tuple[Any, Any]] = {
    "Normalization": (
        lambda: keras.layers.Normalization(mean=0.3, variance=0.7),
        lambda x, c: _normalised(x, c(0.3), c(0.7)),
    ),
    "own layer": (_Holds, lambda x, c: c(0.3) * x),
    "closure": (
        lambda: keras.layers.Lambda(lambda t: t * tf.cast(CLOSURE, t.dtype)),
        lambda x, c: c(0.3) * x,
    ),
    "NumPy": (_HoldsNumPy, lambda x, c: c(0.3) * x),
    "statistics": (_adapted, lambda x, c: _normalised(x, x.mean(0), x.var(0))),
}
EXACT, LOST = ["Normalization", "own layer"], ["closure", "NumPy", "statistics"]


def _model(name: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = [LAYERS[name][0](), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile("sgd", "mse")
    return model


def _by_hand(model: keras.Model, inputs: Array) -> list[Array]:
    return _of_weights([v.numpy() for v in model.trainable_weights], inputs)


def _of_weights(weights: Sequence[Array], inputs: Array) -> list[Array]:
    w, b = (v.astype(float) for v in weights)
    d = 2 * (inputs @ w + b - Y.astype(float)) / Y.size
    return [inputs.T @ d, d.sum(0)]


def _rounded(constant: float) -> float:
    return float(np.float32(constant))


@pytest.mark.parametrize("constant", [float, _rounded], ids=["as written", "as held"])
@pytest.mark.parametrize("name", EXACT)
def test_a_tensor_of_a_layer_counts_as_written_or_as_float32_rounds_it(name: str, constant: Any) -> None:
    model = _model(name)
    right = _by_hand(model, LAYERS[name][1](X.astype(float), constant))
    diff = check_gradients(model, X, Y, right)
    assert diff.ok
    assert all("Keras holds this constant as 0.30000001192092896" in row.reason for row in diff)


@pytest.mark.parametrize("name", EXACT)
def test_between_the_two_it_is_wrong(name: str) -> None:
    model = _model(name)
    half = _by_hand(model, LAYERS[name][1](X.astype(float), lambda c: (c + _rounded(c)) / 2))
    assert not check_gradients(model, X, Y, half).ok


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("name", LOST)
def test_what_no_run_has_exactly_convicts_nobody(name: str) -> None:
    model = _model(name)
    inputs = LAYERS[name][1](X.astype(float), float)
    assert check_gradients(model, X, Y, _by_hand(model, inputs)).verdict is Status.INCONCLUSIVE

    def derivation(weights: dict[str, Array], _: Array, __: Array) -> list[Array]:
        return _of_weights([a for n, a in weights.items() if n.startswith("dense")], inputs)

    diff = check_gradients(model, X, Y, derivation)
    assert diff.verdict is Status.INCONCLUSIVE
    assert "these may be the gradients with constants of more digits than the model has" in diff.headline()


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("name", [*EXACT, *LOST])
def test_more_than_the_digits_of_a_constant_is_wrong(name: str) -> None:
    model = _model(name)
    inputs = LAYERS[name][1](X.astype(float), float)

    def derivation(weights: dict[str, Array], _: Array, __: Array) -> list[Array]:
        found = _of_weights([a for n, a in weights.items() if n.startswith("dense")], inputs)
        found[0][0, 0] *= 1 + 1e-4
        return found

    assert check_gradients(model, X, Y, derivation).verdict is Status.MISMATCH


def test_the_statistics_of_the_layer_itself_are_right() -> None:
    model = _model("statistics")
    mean, variance = (np.asarray(t).astype(float) for t in (model.layers[0].mean, model.layers[0].variance))
    assert check_gradients(model, X, Y, _by_hand(model, _normalised(X.astype(float), mean, variance))).ok


def test_a_function_is_given_the_statistics_that_a_layer_was_adapted_to() -> None:
    model = _model("statistics")
    name = model.layers[0].name

    def derivation(weights: dict[str, Array], x: Array, _: Array) -> list[Array]:
        mean, variance = (weights[f"{name}/{n}"].astype(float) for n in ("mean", "variance"))
        inputs = _normalised(x.astype(float), mean, variance)
        return _of_weights([a for n, a in weights.items() if n.startswith("dense")], inputs)

    assert check_gradients(model, X, Y, derivation).ok
