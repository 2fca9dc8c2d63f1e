"""check_layer: Keras's own layers are right, wrong ones are named, and no layer is changed by being checked."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_layer
from gradient_diff.keras.functions.layer import named_trainable

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))
STEPS = RNG.normal(size=(2, 3, 2))
L = keras.layers

LAYERS: dict[str, tuple[Any, Any, bool | None]] = {
    "Dense": (lambda: L.Dense(2, "tanh"), X, None),
    "Dense float64": (lambda: L.Dense(2, "tanh", dtype="float64"), X, None),
    "Dense mixed_float16": (lambda: L.Dense(2, "tanh", dtype="mixed_float16"), X, None),
    "Conv1D": (lambda: L.Conv1D(2, 2, activation="gelu"), STEPS, None),
    "LayerNormalization": (L.LayerNormalization, X, None),
    "BatchNormalization, training": (L.BatchNormalization, X, True),
    "BatchNormalization": (L.BatchNormalization, X, False),
    "Dropout": (lambda: L.Dropout(0.5, seed=1), X, True),
    "Embedding": (lambda: L.Embedding(4, 3), np.array([[0, 1], [2, 1]]), None),
    "LSTM": (lambda: L.LSTM(1), STEPS[:1], None),
    "GRU": (lambda: L.GRU(1), STEPS[:1], None),
    "MultiHeadAttention": (lambda: L.MultiHeadAttention(1, 1), (STEPS[:1, :, :1], STEPS[:1, :2, :1]), None),
    "Add": (L.Add, [X, 2 * X], None),
}

OF_MANY_STEPS = ("LSTM", "GRU", "MultiHeadAttention")  # eager, op by op: seconds each


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in OF_MANY_STEPS)) for n in LAYERS])
def test_keras_own_layers_are_right(name: str) -> None:
    make, inputs, training = LAYERS[name]
    diff = check_layer(make(), inputs, training=training)
    assert diff.verdict is Status.MATCH, str(diff)
    open_rows = {row.name for row in diff.rows if row.status is not Status.MATCH}
    # Whole numbers have no derivative; softmax does not see what is added to every key.
    assert open_rows <= {"inputs/inputs", "weights/key/bias"}
    assert all("in float64" in row.reason for row in diff.rows if row.status is Status.MATCH and row.dtype == "float32")


@keras.saving.register_keras_serializable("test_layer_checks")
class Scaled(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """y = x W with a gradient of its own, right up to a map of dE/dW."""

    def __init__(self, mistake: str = "", **more: Any) -> None:
        super().__init__(**more)
        self.mistake = mistake

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], shape[-1]), name="kernel")
        self.steps = self.add_weight(shape=(), name="steps", trainable=False, initializer="zeros")

    def call(self, x: Any) -> Any:
        self.steps.assign_add(1.0)
        changes = {"transposed": tf.transpose, "sign": tf.negative}

        @tf.custom_gradient
        def product(x: Any, w: Any) -> Any:
            def grad(u: Any) -> Any:
                return u @ tf.transpose(w), changes.get(self.mistake, tf.identity)(tf.transpose(x) @ u)

            return x @ w, grad

        return product(x, tf.convert_to_tensor(self.kernel))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mistake": self.mistake}


@pytest.mark.parametrize("mistake", ["transposed", "sign"])
def test_a_mistake_in_a_layer_is_named(mistake: str) -> None:
    diff = check_layer(Scaled(mistake), X)
    assert (diff.verdict, diff.culprit) == (Status.MISMATCH, "weights/kernel")
    assert diff.causes[0].id == mistake
    assert check_layer(Scaled(), X).ok


@pytest.mark.parametrize("make", [Scaled, L.BatchNormalization, lambda: L.Dropout(0.5, seed=3)])
def test_a_built_layer_is_left_as_it_was(make: Any) -> None:
    layer = make()
    layer(X, training=True) if not isinstance(layer, Scaled) else layer(X)
    before = [np.array(v.numpy()) for v in layer.variables]
    assert check_layer(layer, X, training=True).ok
    assert all(np.array_equal(v.numpy(), a) for v, a in zip(layer.variables, before, strict=True))


def test_a_layer_that_was_not_built_stays_so_and_the_check_repeats() -> None:
    layer = L.Dense(2)
    first, second = (check_layer(layer, X) for _ in range(2))
    assert not layer.built
    assert keras.config.dtype_policy().name == "float32"
    assert np.array_equal(first.hand["weights/kernel"], second.hand["weights/kernel"])


def test_a_layer_without_config_is_judged_as_it_is() -> None:
    class Odd(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def __init__(self, function: Any) -> None:
            super().__init__()
            self.function = function

        def call(self, x: Any) -> Any:
            return self.function(x)

        def get_config(self) -> dict[str, Any]:
            raise NotImplementedError("no config")

    with pytest.raises(TypeError, match="or build the layer before the check"):
        check_layer(Odd(tf.sin), X)
    layer = Odd(tf.sin)
    layer(X)
    diff = check_layer(layer, X)
    assert diff.verdict is Status.MATCH
    assert diff.reference_origin.endswith("in float32")


def test_what_is_no_layer() -> None:
    with pytest.raises(TypeError, match="For a function: check_function"):
        check_layer(tf.sin, X)


def test_nan_is_said_and_nobody_is_blamed() -> None:
    for shape in ((4, 3), (8, 4)):
        with pytest.raises(ValueError, match=r"inputs/inputs holds NaN: .* give dense"):
            check_layer(L.Dense(3), np.full(shape, np.nan))
    layer = L.Dense(2)
    layer.build((None, 3))
    layer.kernel.assign(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="weights/kernel holds NaN"):
        check_layer(layer, X)


def test_equal_weight_names_are_counted() -> None:
    class Two(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def build(self, _: Any) -> None:
            self.a, self.b = self.add_weight(shape=(2,), name="w"), self.add_weight(shape=(2,), name="w")

    layer = Two()
    layer.build((None, 2))
    assert list(named_trainable(layer)) == ["weights/w", "weights/w_1"]
