"""Models with frozen layers: their weights take part, and only the trainable ones' gradients are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status, compare
from gradient_diff.keras import check_gradients
from keras_mlp import backpropagate, from_keras, named_weights, parameters_of, prove_same_weights
from keras_mlp.modes import Mode
from keras_mlp.twin import layer_weights
from manual_mlp import Array

pytestmark = pytest.mark.matrix

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(5, 3)).astype(np.float32), RNG.normal(size=(5, 2)).astype(np.float32)
NAMES = ["a/kernel", "a/bias", "b/kernel", "b/bias"]


def _model(frozen: int | None = 0, dtype: str = "float32", decay: float = 0.0, **options: Any) -> keras.Sequential:
    keras.utils.set_random_seed(1)
    l2 = keras.regularizers.L2(decay) if decay else None
    first = keras.layers.Dense(4, "tanh", kernel_regularizer=l2, name="a", dtype=dtype, **options)
    model = keras.Sequential([keras.Input((3,), dtype=dtype), first, keras.layers.Dense(2, name="b", dtype=dtype)])
    if frozen is not None:
        model.layers[frozen].trainable = False
    return model


def _frozen_when_made() -> keras.Sequential:
    return _model(None, trainable=False)


def _of_the_tape(model: keras.Model, weights: list[Any], x: Array = X, y: Array = Y) -> list[Array]:
    with tf.GradientTape() as tape:
        tape.watch([w.value for w in weights])
        value = tf.reduce_mean((model(x) - y) ** 2)
        for decay in model.losses:
            value = value + decay
    return [g.numpy() for g in tape.gradient(value, [w.value for w in weights])]


def _unknown(frozen: int) -> keras.Model:
    """With an activation that the house does not know: a clone of it measures the rounding."""
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(4, "softsign", name="a"), keras.layers.Dense(2, name="b")]
    model = keras.Sequential([keras.Input((3,)), *layers])
    layers[frozen].trainable = False
    return model


MADE: dict[str, Callable[[], keras.Model]] = {
    "first": lambda: _model(0),
    "last": lambda: _model(1),
    "made so": _frozen_when_made,
    "float64": lambda: _model(0, "float64"),
    "clone first": lambda: _unknown(0),
    "clone last": lambda: _unknown(1),
}


@pytest.mark.parametrize("made", MADE)
def test_gradients_of_the_trainable_weights_are_enough(made: str) -> None:
    model = MADE[made]()
    dtype = model.layers[0].dtype
    mine = _of_the_tape(model, model.trainable_weights, X.astype(dtype), Y.astype(dtype))
    diff = check_gradients(model, X.astype(dtype), Y.astype(dtype), mine, loss="mse")
    assert diff.ok
    assert len(diff.rows) == 2
    wrong = check_gradients(model, X.astype(dtype), Y.astype(dtype), [5 * g for g in mine], loss="mse")
    assert {row.status for row in wrong.rows} == {Status.MISMATCH}
    assert "5" in wrong.causes[0].message


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("made", ["first", "made so"])
def test_the_tape_gives_gradients_of_frozen_weights_as_the_hand_does(made: str, mode: Mode) -> None:
    model = MADE[made]()
    tape = backpropagate(model, X, Y, "mse", mode)
    hand = tape.problem.mlp.backpropagate(tape.problem.parameters, X, Y, "mse")
    diff = compare(hand, tape)
    assert diff.ok
    assert list(tape.gradients) == NAMES
    assert "a/dE_dkernel" in [row.name for row in diff.rows]


def test_the_model_itself_is_checked_with_frozen_weights() -> None:
    assert check_gradients(_model(0), X, Y, loss="mse").ok


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("made", ["first", "clone first"])
def test_gradients_of_frozen_weights_are_checked_where_they_are_brought(made: str) -> None:
    model = MADE[made]()
    every = dict(zip(NAMES, _of_the_tape(model, model.weights), strict=True))
    for form in (every, list(every.values())):
        diff = check_gradients(model, X, Y, form, loss="mse")
        assert diff.ok
        assert len(diff.rows) == 4
    diff = check_gradients(model, X, Y, every | {"a/bias": every["a/bias"] + 1}, loss="mse")
    off = [row.name for row in diff.rows if row.status.bad]
    assert off in (["a/bias"], ["a/dE_dbias"])


def test_none_may_stand_for_a_frozen_weight() -> None:
    model = _model(0)
    mine = _of_the_tape(model, model.trainable_weights)
    assert check_gradients(model, X, Y, [None, None, *mine], loss="mse").ok
    assert check_gradients(model, X, Y, {"a/bias": None, "b/kernel": mine[0], "b/bias": mine[1]}, loss="mse").ok


def test_a_trainable_gradient_that_is_left_out_is_still_missing() -> None:
    model = _model(0)
    diff = check_gradients(model, X, Y, {"b/kernel": _of_the_tape(model, model.trainable_weights)[0]}, loss="mse")
    assert [row.name for row in diff.rows if row.status is Status.MISSING] == ["b/dE_dbias"]


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("made", ["first", "clone first"])
def test_a_function_is_given_frozen_weights_too(made: str) -> None:
    model = MADE[made]()
    mine = _of_the_tape(model, model.trainable_weights)
    seen: list[list[str]] = []

    def derivation(parameters: dict[str, Array], x: Array, y: Array) -> list[Array]:
        seen.append(list(parameters))
        return [mine[0] + np.float32(0.125) * x[0, 0], mine[1]]

    diff = check_gradients(model, X, Y, derivation, loss="mse", trace=False)
    assert seen == [NAMES]  # no smaller case is looked for
    assert [row.status.bad for row in diff.rows].count(True) == 1


@pytest.mark.parametrize("made", ["first", "clone first"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_step_is_told_by_all_weights_or_by_the_trainable_ones(made: str, whole: bool) -> None:
    model = MADE[made]()
    start, weights = model.get_weights(), model.weights if whole else model.trainable_weights
    before = [w.numpy().copy() for w in weights]
    for weight, g in zip(model.trainable_weights, _of_the_tape(model, model.trainable_weights), strict=True):
        weight.assign_sub(0.5 * g)
    after = [w.numpy().copy() for w in weights]
    model.layers[0].set_weights([w + 1 for w in start[:2]] if whole else start[:2])  # before= puts them back
    diff = check_gradients(model, X, Y, loss="mse", before=before, after=after, learning_rate=0.5)
    assert diff.ok
    assert len(diff.rows) == 2


def test_a_step_that_moved_a_frozen_weight_is_refused() -> None:
    model = _model(0)
    after = [w - 0.1 for w in model.get_weights()]
    text = (
        "after=: the step changed a/kernel, a/bias, which the model has frozen. "
        "Leave frozen weights out of the update, or set layer.trainable = True."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        check_gradients(model, X, Y, loss="mse", after=after, learning_rate=0.1)


def test_nothing_trainable_is_said() -> None:
    model = _model(0)
    model.layers[1].trainable = False
    with pytest.raises(ValueError, match=r"^Every weight of sequential\w* is frozen, so no gradient is asked for\."):
        check_gradients(model, X, Y, [], loss="mse")
    assert check_gradients(model, X, Y, loss="mse").ok


def test_keras_leaves_the_decay_of_a_frozen_kernel_out_of_E_and_so_does_the_description() -> None:
    free, frozen = _model(None, decay=0.5), _model(0, decay=0.5)
    assert [from_keras(m)[0].layers[0].kernel_l2 for m in (free, frozen)] == [0.5, 0.0]  # type: ignore[union-attr]
    assert check_gradients(frozen, X, Y, loss="mse").ok
    assert check_gradients(frozen, X, Y, _of_the_tape(frozen, frozen.trainable_weights), loss="mse").ok


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["tanh", "softsign"])
def test_a_single_frozen_weight(activation: str, dtype: str) -> None:
    model, x, y = _model(None, dtype, decay=0.5), X.astype(dtype), Y.astype(dtype)
    model.layers[0].activation = keras.activations.get(activation)
    model.layers[0].kernel.trainable = False
    mine = _of_the_tape(model, model.trainable_weights, x, y)
    diff = check_gradients(model, x, y, mine, loss="mse", before=model.get_weights())
    assert diff.ok
    assert len(diff.rows) == 3
    every = _of_the_tape(model, model.weights, x, y)  # E has no decay of the frozen kernel
    assert check_gradients(model, x, y, every, loss="mse").ok


def test_weights_within_a_frozen_inner_model_share_no_name() -> None:
    layers = keras.layers.Dense(4, "tanh", name="a"), keras.layers.Dense(3, name="b")
    inner = keras.Sequential([keras.Input((3,)), *layers], name="inner")
    inner.trainable = False
    model = keras.Sequential([keras.Input((3,)), inner, keras.layers.Dense(2, name="b")])
    assert list(layer_weights(model)) == [
        "inner/a/kernel", "inner/a/bias", "inner/b/kernel", "inner/b/bias", "b/kernel", "b/bias",
    ]  # fmt: skip
    assert all(a is b for a, b in zip(layer_weights(model).values(), model.weights, strict=True))
    assert check_gradients(model, X, Y, _of_the_tape(model, model.trainable_weights), loss="mse").ok


def test_weights_that_are_never_trained_take_part() -> None:
    norm = keras.layers.BatchNormalization(name="n")
    model = keras.Sequential([keras.Input((3,)), norm, keras.layers.Dense(2, name="b")])
    norm.moving_mean.assign([0.5, -1.0, 2.0])
    mine = _of_the_tape(model, model.trainable_weights)
    diff = check_gradients(model, X, Y, mine, loss="mse", training=False, before=model.get_weights())
    assert diff.ok
    assert [row.name for row in diff.rows] == ["b/dE_dkernel", "b/dE_dbias", "n/dE_dgamma", "n/dE_dbeta"]
    every = dict(zip(layer_weights(model), _of_the_tape(model, model.weights), strict=True))
    assert np.any(every["n/moving_mean"])
    assert check_gradients(model, X, Y, every, loss="mse", training=False).ok


def test_frozen_weights_are_proved_the_same() -> None:
    model = _model(0)
    before = parameters_of(model)
    assert list(before) == NAMES
    assert list(named_weights(model)) == NAMES[2:]
    prove_same_weights(model, before)
    model.layers[0].bias.assign_add(np.ones(4))
    with pytest.raises(ValueError, match="do not share their weights: a/bias differ"):
        prove_same_weights(model, before)
