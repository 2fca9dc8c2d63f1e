"""Training or inference, and on which draws: what was left open accuses nobody, what was said is E."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import GradientDiff, Status
from gradient_diff.keras import check_gradients
from manual_mlp import Array

pytestmark = pytest.mark.matrix

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)).astype("f4"), RNG.normal(size=(6, 2)).astype("f4")
WAYS = {True: "training", False: "inference"}
BEFORE = "; on what the layers drew in the pass before the next one"


class Doubled(keras.layers.Layer):
    """Twice its input in training, which it takes for granted."""

    def call(self, z: Any, training: bool = True) -> Any:
        return 2 * z if training else z


class Untold(keras.Model):
    """Its call takes no training: in fit its layers run by their own defaults, BatchNormalization as in inference."""

    def __init__(self, *parts: keras.layers.Layer) -> None:
        super().__init__()
        self.parts = list(parts)

    def call(self, z: Any) -> Any:
        for part in self.parts:
            z = part(z)
        return z


BETWEEN: dict[str, Callable[[], keras.layers.Layer]] = {
    "batch": keras.layers.BatchNormalization,
    "dropout": lambda: keras.layers.Dropout(0.4, seed=3),
    "noise": lambda: keras.layers.GaussianNoise(0.4, seed=3),
    "doubled": Doubled,
}


def _model(kind: str, between: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(3, "tanh"), BETWEEN[between](), keras.layers.Dense(2)]
    if kind == "Sequential":
        return keras.Sequential([keras.Input((4,)), *layers])
    if kind == "untold":
        model = Untold(*layers)
        model(X)
        return model
    inputs = z = keras.Input((4,))
    for layer in layers:
        z = layer(z)
    return keras.Model(inputs, z)


def _tape(model: keras.Model, training: bool, times: float = 1.0) -> list[Array]:
    """The caller's own pass; it moves seeds and moving statistics on, as any does."""
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(tf.square(model(X, training=training) - Y))
    return [np.float32(times) * g.numpy() for g in tape.gradient(value, [w.value for w in model.trainable_weights])]


def _next(model: keras.Model, training: bool, times: float = 1.0) -> list[Array]:
    """The gradients of the pass that comes next, which still comes next afterwards."""
    before = [v.numpy() for v in model.variables]
    found = _tape(model, training, times)
    for variable, array in zip(model.variables, before, strict=True):
        variable.assign(array)
    return found


def _words(diff: GradientDiff) -> str:
    """As printed, without its line ends."""
    return " ".join(str(diff).split()).replace("These are", "these are")


def _causes(diff: GradientDiff) -> list[str]:
    return [cause.id for cause in diff.causes]


MODELS = [("functional", "batch"), ("functional", "doubled"), ("functional", "dropout"), ("Sequential", "dropout")]
OPEN = [*((*model, False) for model in MODELS), ("untold", "batch", True)]


@pytest.mark.parametrize(("kind", "between", "derived"), OPEN)
def test_what_was_left_open_convicts_nobody_and_the_way_out_is_named(kind: str, between: str, derived: bool) -> None:
    model = _model(kind, between)
    diff = check_gradients(model, X, Y, _next(model, derived), loss="mse")
    assert diff.verdict is Status.INCONCLUSIVE
    assert not diff.ok
    text = _words(diff)
    assert f"these are the gradients in {WAYS[derived]}" in text
    assert f"training={derived}" in text


@pytest.mark.parametrize("derived", [True, False])
@pytest.mark.parametrize(("kind", "between"), [*MODELS, ("untold", "batch")])
def test_what_was_said_is_e(kind: str, between: str, derived: bool) -> None:
    model = _model(kind, between)
    mine = _next(model, derived)
    assert check_gradients(model, X, Y, mine, loss="mse", training=derived).ok
    diff = check_gradients(model, X, Y, mine, loss="mse", training=not derived)
    assert (diff.verdict, _causes(diff)) == (Status.MISMATCH, ["other_training"])
    assert f"these are the gradients in {WAYS[derived]}, and training={not derived} was asked for" in _words(diff)
    assert f"training={derived}" in diff.causes[0].message


@pytest.mark.parametrize(("kind", "between"), MODELS)
def test_as_fit_runs_it_is_in_training(kind: str, between: str) -> None:
    model = _model(kind, between)
    assert check_gradients(model, X, Y, _next(model, True), loss="mse").ok


TWICE = [("functional", "batch", True), ("functional", "dropout", False), ("Sequential", "dropout", True)]


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize(("kind", "between", "derived"), TWICE)
def test_twice_the_gradients_of_either_are_wrong_whatever_is_said(kind: str, between: str, derived: bool) -> None:
    model = _model(kind, between)
    mine = _next(model, derived, times=2)
    for training in (None, True, False):
        diff = check_gradients(model, X, Y, mine, loss="mse", training=training)
        assert diff.verdict is Status.MISMATCH, training
        assert "other_training" not in _causes(diff), training


DRAWING = [("functional", "dropout"), ("Sequential", "dropout"), ("Sequential", "noise"), ("functional", "noise")]


@pytest.mark.parametrize(("kind", "between"), DRAWING)
def test_a_pass_of_ones_own_just_before_drew_what_counts(kind: str, between: str) -> None:
    model = _model(kind, between)
    for _ in range(3):
        mine = _tape(model, True)
    for training in (None, True):
        diff = check_gradients(model, X, Y, mine, loss="mse", training=training)
        assert diff.ok
        assert all(row.reason.endswith(BEFORE) for row in diff.rows)
    diff = check_gradients(model, X, Y, mine, loss="mse", training=False)
    assert (diff.verdict, _causes(diff)) == (Status.MISMATCH, ["other_training"])
    assert "these are the gradients in training, on what the layers drew one pass before" in _words(diff)


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize(("kind", "between"), DRAWING)
def test_what_was_drawn_in_no_pass_near_by_is_wrong(kind: str, between: str) -> None:
    model = _model(kind, between)
    mine = _tape(model, True)
    assert check_gradients(model, X, Y, [np.float32(1.001) * g for g in mine], loss="mse").verdict is Status.MISMATCH
    _tape(model, True)
    assert check_gradients(model, X, Y, mine, loss="mse").verdict is Status.MISMATCH  # two passes before


RECURRENT = (
    keras.layers.SimpleRNN,
    *(pytest.param(kind, marks=pytest.mark.slow) for kind in (keras.layers.LSTM, keras.layers.GRU)),
)


def _stateful(kind: type[keras.layers.RNN]) -> tuple[keras.Model, Array, Array]:
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input(batch_shape=(3, 5, 4)), kind(2, stateful=True), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, y = rng.normal(size=(3, 5, 4)).astype("f"), rng.normal(size=(3, 2)).astype("f")
    return model, x, y


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("kind", RECURRENT)
def test_a_state_that_moved_on_since_accuses_nobody(kind: type[keras.layers.RNN]) -> None:
    model, x, y = _stateful(kind)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(x) - y) ** 2)
    mine = tape.gradient(loss, model.trainable_weights)
    stands = [state.numpy() for state in model.layers[0].states]
    diff = check_gradients(model, x, y, mine)
    assert diff.verdict is Status.MATCH
    assert "from states of 0" in diff.rows[0].reason
    assert check_gradients(model, x, y, [1.01 * g for g in mine]).verdict is Status.MISMATCH
    for state, before in zip(model.layers[0].states, stands, strict=True):
        np.testing.assert_array_equal(state.numpy(), before)


@pytest.mark.slow
@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("kind", RECURRENT)
def test_nor_does_one_that_a_step_moved_on(kind: type[keras.layers.RNN]) -> None:
    model, x, y = _stateful(kind)
    before = model.get_weights()
    model.train_on_batch(x, y)
    after = model.get_weights()
    options: dict[str, Any] = {"before": before, "learning_rate": 0.1}
    assert check_gradients(model, x, y, after=after, **options).verdict is Status.MATCH
    after[0] = before[0] + 1.01 * (after[0] - before[0])
    assert check_gradients(model, x, y, after=after, **options).verdict is Status.MISMATCH


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("kind", RECURRENT)
def test_states_that_nobody_knows_any_more_accuse_nobody(kind: type[keras.layers.RNN]) -> None:
    model, x, y = _stateful(kind)

    def gradients() -> list[Array]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - y) ** 2)
        return [g.numpy() for g in tape.gradient(loss, model.trainable_weights)]

    gradients()
    mine = gradients()
    diff = check_gradients(model, x, y, mine)
    assert diff.verdict is Status.INCONCLUSIVE
    assert "no longer hold" in diff.headline()
    model.layers[0].reset_states()
    wrong = gradients()
    wrong[0] = wrong[0][::-1]
    assert check_gradients(model, x, y, wrong).verdict is Status.MISMATCH
