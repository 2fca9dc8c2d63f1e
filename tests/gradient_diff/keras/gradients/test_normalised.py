"""Models with a normalisation, a Flatten, a Rescaling, by their equations: right hands pass, wrong ones are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from experiments.students.normalised import Over, normalised_gradients
from gradient_diff import Status
from gradient_diff.keras import check_gradients, train_together
from keras_mlp import from_keras, parameters_of
from manual_mlp import MLP, SGD, Array, Dense
from manual_mlp.layers import BatchNormalization, LayerNormalization

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(7, 4)), np.eye(3)[RNG.integers(0, 3, 7)]
KINDS: dict[Over, Callable[..., Any]] = {
    "batch": keras.layers.BatchNormalization,
    "row": keras.layers.LayerNormalization,
}


def model(over: Over, dtype: str = "float64") -> keras.Sequential:
    layers = [
        keras.layers.Dense(5, "tanh", dtype=dtype, name="dense_1"),
        KINDS[over](dtype=dtype, name="normalization_1"),
        keras.layers.Dense(3, "softmax", dtype=dtype, name="dense_2"),
    ]
    built = keras.Sequential([keras.Input((4,), dtype=dtype), *layers])
    rng = np.random.default_rng(1)
    drawn = [w + 0.3 * rng.normal(size=w.shape) for w in built.get_weights()]
    names = list(parameters_of(built))
    built.set_weights(
        [np.abs(w) if n.endswith(("gamma", "variance")) else w for n, w in zip(names, drawn, strict=True)]
    )
    return built


def hand(built: keras.Sequential, over: Over, wrong: str = "", training: bool = True) -> dict[str, Array]:
    return normalised_gradients(parameters_of(built), X, Y, over, wrong, training)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("over", KINDS)
def test_a_right_hand_passes_and_is_judged_by_equations(over: Over, dtype: str) -> None:
    built = model(over, dtype)
    before = built.get_weights()
    x = X.astype(dtype).astype(float)
    mine = normalised_gradients({n: a.astype(float) for n, a in parameters_of(built).items()}, x, Y, over)
    diff = check_gradients(built, x, Y, mine, loss="categorical_crossentropy")
    assert diff.ok, str(diff)
    assert diff.problem is not None
    assert all(np.array_equal(a, b) for a, b in zip(before, built.get_weights(), strict=True))


@pytest.mark.parametrize("training", [None, True])
@pytest.mark.parametrize("over", KINDS)
def test_a_wrong_one_is_named(over: Over, training: bool | None) -> None:
    built = model(over)
    mine = hand(built, over, "statistics constant")
    diff = check_gradients(built, X, Y, mine, loss="categorical_crossentropy", training=training)
    assert (diff.verdict, diff.causes[0].id) == (Status.MISMATCH, "statistics_constant")


def test_training_or_inference_is_the_callers_to_say() -> None:
    built = model("batch")
    mine = hand(built, "batch", training=False)
    loss = "categorical_crossentropy"
    left_open = check_gradients(built, X, Y, mine, loss=loss)
    assert left_open.verdict is Status.INCONCLUSIVE
    assert "training=" in str(left_open)
    assert check_gradients(built, X, Y, mine, loss=loss, training=False).ok
    assert check_gradients(built, X, Y, mine, loss=loss, training=True).verdict is Status.MISMATCH


def _pixels(scale: float) -> tuple[keras.Sequential, Callable[[float], list[Array]], Array, Array]:
    """A float64 model of images, which Keras scales by float32's 1/255."""
    rng = np.random.default_rng(2)
    images, y = rng.integers(0, 256, (6, 2, 2)).astype(float), rng.normal(size=(6, 1))
    layers = [keras.layers.Rescaling(scale, dtype="float64"), keras.layers.Flatten(dtype="float64")]
    built = keras.Sequential(
        [keras.Input((2, 2), dtype="float64"), *layers, keras.layers.Dense(1, dtype="float64", use_bias=False)]
    )
    kernel = built.get_weights()[0]

    def derived(factor: float) -> list[Array]:
        z = images.reshape(6, 4) * factor
        return [z.T @ (2 * (z @ kernel - y) / y.size)]

    return built, derived, images, y


def test_a_constant_that_keras_holds_in_float32_convicts_nobody() -> None:
    built, derived, images, y = _pixels(1 / 255)
    for factor, ok in ((1 / 255, True), (float(np.float32(1 / 255)), True), ((1 + 3e-9) / 255, False)):
        diff = check_gradients(built, images, y, derived(factor), loss="mse")
        assert diff.problem is not None
        assert diff.ok is ok, str(diff)


def test_both_sides_train_with_moving_statistics() -> None:
    mlp = MLP(4, [Dense(5, "tanh"), BatchNormalization(momentum=0.7), Dense(3), LayerNormalization(), Dense(3)])
    trained = train_together(mlp, mlp.initialize(0), X, Y, "mse", optimizer=SGD(0.1), epochs=3, batch_size=4)
    for name, array in trained.hand.parameters.items():
        np.testing.assert_allclose(array, trained.keras.parameters[name], rtol=1e-11, atol=1e-13, err_msg=name)
    assert not np.array_equal(trained.hand.parameters["batch_normalization_1/moving_mean"], np.zeros(5))


def test_what_is_described_is_what_the_model_is() -> None:
    built = model("batch")
    assert [type(layer).__name__ for layer in from_keras(built)[0].layers] == ["Dense", "BatchNormalization", "Dense"]
