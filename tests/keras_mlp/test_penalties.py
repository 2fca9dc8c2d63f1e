"""Penalties of weights and outputs: Keras's own number, there and back, and every node against the tape."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff import compare
from keras_mlp import backpropagate, from_keras, to_keras
from manual_mlp import MLP, Dense
from manual_mlp.layers import Activation, ActivityRegularization, BatchNormalization, Dropout, Identity

L = keras.layers


EVERY = {"kernel_l1": 0.1, "kernel_l2": 0.2, "bias_l1": 0.3, "bias_l2": 0.05, "activity_l1": 0.1, "activity_l2": 0.25}


@pytest.mark.parametrize("which", [*([name] for name in EVERY), ["kernel_l1", "kernel_l2"], list(EVERY)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_penalty_is_what_keras_adds_to_E(which: list[str], dtype: str) -> None:
    """Of 0.1 float64 has other digits than float32, through which Keras sends a plain λ."""
    mlp = MLP(3, [Dense(4, "tanh", **{name: EVERY[name] for name in which}), Dense(2)])
    w = mlp.initialize(0, bias_initializer="normal(1)", dtype=dtype)
    model = to_keras(mlp, w, dtype)
    assert from_keras(model)[0] == mlp
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(dtype)
    bare = MLP(3, [Dense(4, "tanh"), Dense(2)])
    for training in (True, False):
        e, plain = (one.backpropagate(w, x, x[:, :2], "mse", training=training).loss for one in (mlp, bare))
        model(x, training=training)
        added = sum(float(loss) for loss in model.losses)
        assert added > 0
        assert e - plain == pytest.approx(added, rel=1e-14 if dtype == "float64" else 1e-5)


def test_keras_adds_no_penalty_of_what_is_frozen_or_not_there() -> None:
    names = ("kernel_regularizer", "bias_regularizer", "activity_regularizer")
    told: dict[str, Any] = dict.fromkeys(names, keras.regularizers.L1L2(0.1, 0.2))
    for frozen, has_bias in ((True, True), (False, False), (True, False), (False, True)):
        layer = L.Dense(2, use_bias=has_bias, **told)
        model = keras.Sequential([keras.Input((3,)), layer])
        layer.trainable = not frozen
        (found,) = (set(z.penalties) for z in from_keras(model)[0].layers)
        kinds = {name.rpartition("/")[2] for name in found}
        assert kinds == {"z"} | ({"kernel"} | ({"bias"} if has_bias else set()) if not frozen else set())


def test_a_penalty_of_another_layer_s_output_is_refused_and_not_overlooked() -> None:
    for layer in (L.Activation("tanh", activity_regularizer="l2"), L.Dropout(0.1, activity_regularizer="l2")):
        with pytest.raises(TypeError, match="has a activity_regularizer, L2, which is not understood so far of a"):
            from_keras(keras.Sequential([keras.Input((3,)), L.Dense(2), layer]))


CHARGE = ActivityRegularization(0.3)
HANDED_ON: list[tuple[str, list[Any]]] = [
    ("categorical_crossentropy", [Dense(3, "softmax", **EVERY)]),
    ("categorical_crossentropy", [Dense(3, "softmax"), Identity(), ActivityRegularization(0.1, 0.2), Identity()]),
    ("binary_crossentropy", [Dense(3, **EVERY), Activation("sigmoid"), ActivityRegularization(0.1)]),
    ("mean_squared_error", [Identity(), ActivityRegularization(0.1, 0.2), Dense(3, "relu", **EVERY), Identity()]),
    (
        "mean_squared_error",
        [Dense(3, "tanh", **EVERY), Dropout(0.4), BatchNormalization(), ActivityRegularization(0.3)],
    ),
]


@pytest.mark.matrix(most=8)
@pytest.mark.parametrize(("loss", "layers"), HANDED_ON, ids=range(len(HANDED_ON)))
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_penalised_has_a_gradient_of_its_own_though_layers_hand_on_one_tensor(
    loss: str, layers: list[Any], training: bool, mode: Any, dtype: str
) -> None:
    """Where the loss reads logits, the output's dE/dz is that of its penalties alone."""
    mlp = MLP(4, [Dense(4, "tanh", activity_l2=0.3), *layers])
    w = mlp.initialize(1, bias_initializer="normal(1)", dtype=dtype)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)).astype(dtype), np.eye(3, dtype=dtype)[rng.integers(0, 3, 6)]
    tape = backpropagate(to_keras(mlp, w, dtype, seed=1), x, y, loss, mode, training=training)
    hand = mlp.backpropagate(w, x, y, loss, draws=tape.problem.draws, training=training)
    assert tape.problem.fused == mlp.fuses(loss)
    assert {e.node for e in mlp.equations(loss, training=training) if not e.internal} == tape.nodes.keys()
    diff = compare(hand, tape)
    assert (diff.verdict.name, diff.unproved) == ("MATCH", ()), diff
