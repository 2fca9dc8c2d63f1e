"""Zeros of a Keras model: proved where no data make them other than zero; those of these data are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import GradientDiff, Status
from gradient_diff.judging import zeros
from gradient_diff.judging.zeros import BY_STRUCTURE
from gradient_diff.keras import check_gradients, check_layer
from gradient_diff.keras.gradients.runs import Runs
from keras_mlp.extend import layer_weights
from manual_mlp import Array

Layers = keras.layers


def _normalised() -> keras.Model:
    layers = [Layers.Dense(3), Layers.BatchNormalization(), Layers.Dense(1)]
    return keras.Sequential([keras.Input((4,)), *layers])


def _attention() -> keras.Model:
    x = keras.Input((3, 4))
    attended = Layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    return keras.Model(x, Layers.Dense(1)(Layers.Flatten()(attended)))


def _dropped() -> keras.Model:
    layers = [Layers.Dense(3), Layers.LayerNormalization(), Layers.Dropout(0.4), Layers.Dense(1, use_bias=False)]
    model = keras.Sequential([keras.Input((4,)), *layers, Layers.BatchNormalization(center=False)])
    model.layers[-2].trainable = False
    return model


MODELS: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "a bias below a normalisation over its batch": (_normalised, "dense/bias"),
    "a key bias": (_attention, "attention/key/bias"),
}


def _check(model: keras.Model, change: dict[str, float] | None = None, batch: int = 8) -> GradientDiff:
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, *model.input_shape[1:])).astype("float32")
    y = rng.normal(size=(batch, 1)).astype("float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(y - model(x, training=True)))
    found = tape.gradient(loss, model.trainable_variables)
    names = {id(v): n for n, v in layer_weights(model).items()}
    mine: dict[str, Array] = {
        names[id(v)]: np.zeros(v.shape) if g is None else np.asarray(g)
        for v, g in zip(model.trainable_variables, found, strict=True)
    }
    return check_gradients(model, x, y, {n: g + (change or {}).get(n, 0.0) for n, g in mine.items()})


@pytest.fixture(autouse=True)
def _names_from_one() -> None:
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)


@pytest.mark.parametrize("title", MODELS)
def test_a_zero_by_structure_is_proved(title: str) -> None:
    make, name = MODELS[title]
    diff = _check(make())
    assert diff[name].reason == BY_STRUCTURE
    assert {row.status for row in diff} == {Status.MATCH}
    assert diff.ok


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("title", MODELS)
def test_beyond_rounding_such_a_zero_is_wrong(title: str) -> None:
    make, name = MODELS[title]
    diff = _check(make(), {name: 1e-4})
    assert diff[name].status is Status.MISMATCH


def test_nothing_of_the_model_is_changed_by_looking_at_others() -> None:
    model = _dropped()
    model.compile("sgd", "mse")
    before = [np.array(v.numpy()) for v in model.variables]
    diff = _check(model)
    assert diff["dense/bias"].status is not Status.MISMATCH
    after = [np.array(v.numpy()) for v in model.variables if "seed" not in v.name]
    kept = [a for a, v in zip(before, model.variables, strict=True) if "seed" not in v.name]
    held = [np.array_equal(a, b) for a, b in zip(kept, after, strict=True)]
    assert all(held[: len(model.trainable_variables)])


@pytest.mark.parametrize("batch", [1, 8])
def test_units_that_are_off_prove_nothing(batch: int) -> None:
    x = keras.Input((4,))
    model = keras.Model(x, Layers.Dense(1)(Layers.LeakyReLU(0.0)(Layers.Dense(3)(x))))
    model.layers[1].bias.assign([-100.0] * 3)
    diff = _check(model, batch=batch)
    assert diff.verdict is Status.MATCH
    assert len(diff.unproved) == 3
    words = "zero on these data, so that zeros would pass: all outputs of leaky_re_lu are 0 in every sample"
    assert all(words in diff[n].reason for n in diff.unproved)
    assert not diff.ok


def test_without_a_look_at_other_problems_units_that_are_off_would_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradient_diff.keras.gradients.zeros.FEWER", 0)
    x = keras.Input((4,))
    model = keras.Model(x, Layers.Dense(1)(Layers.LeakyReLU(0.0)(Layers.Dense(3)(x))))
    model.layers[1].bias.assign([-100.0] * 3)
    assert _check(model).ok


class _Idle(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = Layers.Dense(1, name="used")
        self.idle = self.add_weight(shape=(2,), name="idle")

    def call(self, x: object) -> object:
        return self.dense(x)


class _Read(keras.layers.Layer):
    """Reads its weight by .numpy()."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.w = self.add_weight(shape=(shape[-1], 2), name="w")
        self.start = tf.constant(self.w.numpy())

    def call(self, x: object) -> object:
        return tf.matmul(x, self.start)


class _Within(keras.Model):
    """Its layer is built within a tf.function."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = Layers.Dense(4, "tanh")

    @tf.function
    def call(self, x: object) -> object:
        return self.dense(x)


def test_a_trainable_weight_without_effect_is_not_ok() -> None:
    model = _Idle()
    model(np.zeros((1, 4)))
    model.compile("sgd", "mse")
    x, y = np.ones((3, 4), "float32"), np.zeros((3, 1), "float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(y - model(x)))
    mine = [
        np.zeros(v.shape) if g is None else np.asarray(g)
        for g, v in zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
    ]
    diff = check_gradients(model, x, y, mine)
    assert (diff.verdict, diff.unproved, diff.ok) == (Status.MATCH, ("idle",), False)
    assert [cause.id for cause in diff.causes] == ["without_effect"]


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("kind", [_Read, _Within])
def test_a_layer_whose_weight_has_no_effect_is_not_ok(kind: Callable[[], keras.layers.Layer]) -> None:
    x = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    layer = kind()
    layer(x)
    diff = check_layer(layer, x)
    assert not diff.ok
    assert [cause.id for cause in diff.causes] == ["without_effect"]
    assert all(name.startswith("weights/") for name in diff.unproved)


@pytest.mark.slow
def test_of_a_layer_a_key_bias_is_proved_and_a_dead_relu_is_not() -> None:
    x = np.random.default_rng(0).normal(size=(2, 4, 6)).astype("float32")
    attention = check_layer(Layers.MultiHeadAttention(2, 3), (x, x))
    assert attention["weights/key/bias"].reason == BY_STRUCTURE
    assert attention.ok
    assert check_layer(Layers.ReLU(), -np.abs(x)).verdict is Status.VACUOUS


def test_always_zero_stops_when_nothing_is_left() -> None:
    seen: list[int] = []

    def problems() -> object:
        for found in ({"a", "b"}, {"a"}, set(), {"a"}):
            seen.append(len(found))
            yield found

    assert zeros.always_zero({"a", "b"}, problems()) == set()  # type: ignore[arg-type]
    assert seen == [2, 1, 0]


RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 4)).astype("float32"), RNG.normal(size=(8, 1)).astype("float32")


def _ignoring() -> tuple[keras.Model, Array, Array, object]:
    model = keras.Sequential([keras.Input((4,)), Layers.Dense(3, "softmax")])
    return model, X, np.full(8, 2), keras.losses.SparseCategoricalCrossentropy(ignore_class=2)


def _padded() -> tuple[keras.Model, Array, Array, object]:
    layers = [Layers.Embedding(6, 3, mask_zero=True), Layers.LSTM(2), Layers.Dense(1)]
    return keras.Sequential([keras.Input((5,), dtype="int32"), *layers]), np.zeros((8, 5), int), Y, "mse"


def _far_threshold() -> tuple[keras.Model, Array, Array, object]:
    layers = [Layers.Dense(4), Layers.ReLU(threshold=10.0), Layers.Dense(1)]
    return keras.Sequential([keras.Input((4,)), *layers]), X, Y, "mse"


def _dark() -> tuple[keras.Model, Array, Array, object]:
    layers = [Layers.Rescaling(1 / 255), Layers.Dense(4), Layers.ReLU(threshold=0.5), Layers.Dense(1)]
    return keras.Sequential([keras.Input((4,)), *layers]), X, Y, "mse"


def _no_slope() -> tuple[keras.Model, Array, Array, object]:
    model = keras.Sequential([keras.Input((4,)), Layers.Dense(1)])
    return model, X, Y, lambda y, p: tf.reduce_mean(tf.nn.relu(tf.abs(p - y) - 50.0))


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("make", [_ignoring, _padded, _far_threshold, _dark, _no_slope], ids=lambda f: f.__name__)
def test_a_zero_that_other_data_would_not_give_is_not_proved(
    make: Callable[[], tuple[keras.Model, Array, Array, object]],
) -> None:
    """Labels that are ignored, padding alone, units and losses that are off until numbers are large."""
    model, x, y, loss = make()
    zeros_of_all = [np.zeros(w.shape, "float32") for w in model.trainable_weights]
    diff = check_gradients(model, x, y, zeros_of_all, loss=loss)
    assert diff.unproved
    assert not diff.ok
    assert not any(row.reason == BY_STRUCTURE for row in diff)


@pytest.mark.slow
def test_a_proof_runs_each_problem_twice_where_that_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A draw of rounding more, or a pass for draws that nobody makes, would double the cost of a slow layer."""
    passes: list[str | None] = []
    run = Runs.differentiated

    def counted(self: Runs, *arguments: Any) -> Any:
        passes.append(self.dtype)
        return run(self, *arguments)

    monkeypatch.setattr(Runs, "differentiated", counted)
    beside = []
    for proving in (False, True):
        passes.clear()
        with monkeypatch.context() as patched:
            if not proving:
                patched.setattr("gradient_diff.keras.gradients.measured.zeros_of", lambda *_, **__: set())
            assert _check(_attention(), batch=4).ok is proving
        beside.append(len(passes))
    without, all_of_them = beside
    assert 0 < all_of_them - without <= 2 * (zeros.OTHERS + 1)


@pytest.mark.slow
def test_zeros_for_frozen_weights_are_what_fit_makes_of_them() -> None:
    model = keras.Sequential([keras.Input((4,)), Layers.Dense(3, "tanh", trainable=False), Layers.Dense(1)])
    model.compile("sgd", "mse")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(Y - model(X)))
    kernel, bias = map(np.asarray, tape.gradient(loss, model.trainable_variables))
    mine = {"dense/kernel": np.zeros((4, 3)), "dense/bias": np.zeros(3), "dense_1/kernel": kernel, "dense_1/bias": bias}
    diff = check_gradients(model, X, Y, mine)
    assert diff.ok
    assert len(diff) == 4
    assert check_gradients(model, X, Y, {**mine, "dense_1/bias": 0 * bias}).verdict is Status.MISMATCH
    assert check_gradients(model, X, Y, {**mine, "dense/bias": np.ones(3)}).verdict is Status.MISMATCH


def test_a_nan_in_every_gradient_is_no_crash() -> None:
    model = keras.Sequential([keras.Input((4,)), Layers.Dense(3), Layers.Lambda(tf.math.log), Layers.Dense(1)])
    mine = [np.full(w.shape, np.nan, "float32") for w in model.trainable_weights]
    assert check_gradients(model, X, Y, mine, loss="mse").verdict is Status.NONFINITE
    with pytest.raises(TypeError, match="a model: it holds weights"):
        check_gradients(model, X, Y, model, loss="mse")


def test_a_loss_that_refuses_other_data_leaves_a_zero_unproved_and_no_error() -> None:
    """What is drawn to look further is nothing of the user's: no error of it may reach him."""

    def choosy(y: Any, p: Any) -> Any:
        tf.debugging.assert_near(tf.reduce_sum(tf.cast(y, "float64")), np.float64(Y.sum()), 1e-3, 1e-3)
        return tf.reduce_mean(tf.square(tf.cast(y, p.dtype) - p))

    dense = Layers.Dense(3)
    model = keras.Sequential([keras.Input((4,)), dense, Layers.LeakyReLU(0.0), Layers.Dense(1)])
    dense.bias.assign([-100.0] * 3)
    before = [np.array(w) for w in model.get_weights()]
    mine = [np.zeros(w.shape, "float32") for w in model.trainable_weights]
    mine[-1] = 2 * (model.predict(X, verbose=0) - Y).mean(0)
    diff = check_gradients(model, X, Y, mine, loss=choosy)
    assert diff.verdict is Status.MATCH
    assert len(diff.unproved) == 3
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
