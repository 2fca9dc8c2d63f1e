"""Each layer in Keras and as a description: there and back, and the same numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff import compare
from keras_mlp import backpropagate, from_keras, parameters_of, to_keras
from manual_mlp import MLP, Dense, train
from manual_mlp.extend import Layer
from manual_mlp.layers import (
    Activation,
    ActivityRegularization,
    BatchNormalization,
    Dropout,
    Flatten,
    Identity,
    LayerNormalization,
    Normalization,
    Permute,
    Rescaling,
    Reshape,
    RMSNormalization,
)

ALL: dict[str, list[Layer]] = {
    "batch": [Dense(5, "tanh"), BatchNormalization()],
    "batch without γ": [BatchNormalization(momentum=0.5, epsilon=1e-5, scale=False)],
    "batch without β": [Dense(5), BatchNormalization(center=False), Activation("relu")],
    "batch, frozen": [Dense(5), BatchNormalization(trainable=False)],
    "units": [Dense(5, "tanh"), LayerNormalization(), Dropout(0.3)],
    "units, bare": [LayerNormalization(center=False, scale=False, epsilon=0.01)],
    "root mean square": [Dense(5, "tanh"), RMSNormalization()],
    "moved about": [Permute((2, 1)), Dense(2), Flatten(), Reshape((4, 2)), BatchNormalization(), Flatten()],
    "penalised": [
        Dense(5, "relu", kernel_l1=0.1, bias_l2=0.2, activity_l1=0.1, activity_l2=0.3),
        ActivityRegularization(0.1, 0.2),
    ],
    "standardised": [
        Normalization((0.1, -0.7, 2.0, 0.3), (0.1, 4.0, 0.3, 0.0)),
        Dense(4, "tanh"),
        Normalization(0.1, 0.3),
    ],
    "scaled": [Rescaling(0.5, 0.25), Identity(), Dense(4, "tanh"), LayerNormalization()],
}


def network(what: str) -> MLP:
    layers = ALL[what]
    inputs = (3, 4) if any(isinstance(z, Permute) for z in layers) else 4
    return MLP(inputs, [*layers, Dense(3, "softmax")])


def weights(mlp: MLP, dtype: str) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    drawn = {n: a + 0.3 * rng.normal(size=a.shape) for n, a in mlp.initialize(1).items()}
    return {n: (np.abs(a) if n.endswith(("gamma", "variance")) else a).astype(dtype) for n, a in drawn.items()}


@pytest.mark.parametrize("what", ALL)
def test_there_and_back_is_the_identity(what: str) -> None:
    mlp = network(what)
    assert from_keras(to_keras(mlp, weights(mlp, "float64")))[0] == mlp
    assert MLP.from_dict(mlp.to_dict()) == mlp


@pytest.mark.matrix(most=22)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("dtype", "mode"), [("float64", "eager"), ("float32", "eager"), ("float32", "graph")])
@pytest.mark.parametrize("what", ALL)
def test_every_node_is_that_of_the_tape(what: str, dtype: str, mode: Any, training: bool) -> None:
    mlp, rng = network(what), np.random.default_rng(2)
    w = weights(mlp, dtype)
    x, y = rng.normal(size=(7, *mlp.input_shape)) + 2, np.eye(3)[rng.integers(0, 3, 7)]
    tape = backpropagate(to_keras(mlp, w, dtype), x, y, "categorical_crossentropy", mode, training=training)
    options: dict[str, Any] = {"draws": tape.problem.draws, "training": training}
    hand = mlp.backpropagate(w, x, y, "categorical_crossentropy", **options)
    diff = compare(hand, tape)
    assert diff.ok, str(diff)
    seen = {row.name for row in diff.rows}
    assert seen == {e.node for e in tape.problem.equations if not e.internal}
    doubled = {n: 2 * a for n, a in hand.gradients.items()}
    assert not compare(doubled, tape).ok


def test_training_moves_the_statistics_as_fit_does() -> None:
    mlp = MLP(3, [Dense(6, "tanh"), BatchNormalization(momentum=0.8), Dense(2)])
    w, rng = mlp.initialize(0), np.random.default_rng(0)
    x, y = rng.normal(size=(32, 3)), rng.normal(size=(32, 2))
    model = to_keras(mlp, w)
    for _ in range(4):
        tape = backpropagate(model, x, y, "mse")
        hand = mlp.backpropagate(parameters_of(model), x, y, "mse")
        assert hand.updates.keys() == tape.updates.keys() == mlp.untrained
        for name, array in tape.updates.items():
            np.testing.assert_allclose(hand.updates[name], array, rtol=1e-13, atol=1e-15, err_msg=name)
        for name, variable in zip(parameters_of(model), model.weights, strict=True):
            step = hand.updates.get(name)
            variable.assign(variable - 0.1 * tape.gradients[name] if step is None else step)
    after, _ = train(mlp, w, x, y, "mse", learning_rate=0.1, epochs=4)
    for name, array in parameters_of(model).items():
        np.testing.assert_allclose(after[name], array, rtol=1e-13, atol=1e-15, err_msg=name)


def _built(*layers: keras.layers.Layer, shape: tuple[int, ...] = (4,)) -> keras.Sequential:
    return keras.Sequential([keras.Input(shape), *layers, keras.layers.Dense(1)])


L = keras.layers
REFUSED: dict[str, tuple[Callable[[], keras.Sequential], str]] = {
    "renorm": (lambda: _built(L.BatchNormalization(renorm=True, name="n")), "Layer 'n' has renorm=True"),
    "another axis": (lambda: _built(L.LayerNormalization(axis=1, name="n"), shape=(3, 4)), "normalises axis"),
    "two axes": (lambda: _built(L.LayerNormalization(axis=[1, 2], name="n"), shape=(3, 4)), "normalises axis"),
    "a regularizer": (
        lambda: _built(L.BatchNormalization(gamma_regularizer="l2", name="n")),
        "has a gamma_regularizer",
    ),
    "channels first": (lambda: _built(L.Flatten("channels_first", name="f"), shape=(3, 4)), "data_format="),
    "a scale per channel": (lambda: _built(L.Rescaling([1.0, 2.0, 1.0, 1.0], name="r")), "a scale per channel"),
    "inverted": (lambda: _built(L.Normalization(mean=0.0, variance=1.0, invert=True, name="n")), "invert=True"),
    "of another axis": (
        lambda: _built(L.Normalization(1, [0.0] * 3, [1.0] * 3, name="n"), shape=(3, 4)),
        "normalises axis",
    ),
    "adapted along another axis": (lambda: _built(L.Normalization(1, name="n"), shape=(3, 4)), "normalises axis"),
    "an open length": (lambda: keras.Sequential([keras.Input((None, 4)), L.Dense(1)]), "samples of shape (None, 4)"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_description_has_is_named(what: str) -> None:
    build, text = REFUSED[what]
    with pytest.raises(TypeError, match=re.escape(text)):
        from_keras(build())


@pytest.mark.parametrize("axis", [-1, None])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_a_normalization_was_adapted_to_is_a_constant_of_its_description(axis: int | None, dtype: str) -> None:
    x = np.random.default_rng(0).normal(3, 2, (8, 4)).astype(dtype)
    layer = L.Normalization(axis, dtype=dtype)
    layer.adapt(x)
    model = keras.Sequential([keras.Input((4,), dtype=dtype), layer, L.Dense(2, dtype=dtype)])
    mlp, w = from_keras(model)
    assert list(w) == list(parameters_of(model)) == [f"{model.layers[1].name}/kernel", f"{model.layers[1].name}/bias"]
    described = mlp.layers[0]
    assert isinstance(described, Normalization)
    assert np.shape(described.mean) == np.shape(described.variance) == ((4,) if axis else ())
    np.testing.assert_allclose(described.mean, x.mean(axis=0 if axis else None), rtol=1e-6)
    tape = backpropagate(model, x, np.ones((8, 2), dtype), "mse")
    assert compare(mlp.backpropagate(w, x, np.ones((8, 2), dtype), "mse"), tape).ok
    assert from_keras(to_keras(mlp, w, dtype))[0] == mlp
