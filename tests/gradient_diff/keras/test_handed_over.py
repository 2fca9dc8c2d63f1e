"""Whichever door an array comes in by, what is masked is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import keras_mlp
from gradient_diff import assert_gradients_match, compare, explain_shapes, measure
from gradient_diff.keras import check_function, check_gradients, check_layer, fit_keras, train_together
from manual_mlp import MLP, SGD, Array, Dense, Dropout, train

pytestmark = pytest.mark.matrix

NET = MLP(3, [Dense(2, "tanh")])
DROPPING = MLP(3, [Dropout(0.5), Dense(2)])
RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 2)), NET.initialize(0)
GRADIENTS = dict(NET.backpropagate(W, X, Y, "mse").gradients)
BEFORE = list(W.values())
TRAINING: Any = {"optimizer": SGD(0.1), "epochs": 1}

Door = Callable[[Callable[[Array], Any]], object]
"""Hands over one array as the argument makes it of a good one."""


def _model() -> keras.Sequential:
    return keras_mlp.to_keras(NET, W)


def _functional() -> keras.Model:
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2, "gelu")(inputs))


def _first(arrays: dict[str, Array], made: Callable[[Array], Any]) -> dict[str, Any]:
    name = next(iter(arrays))
    return {**arrays, name: made(arrays[name])}


DATA: dict[str, Door] = {
    "MLP.backpropagate x": lambda m: NET.backpropagate(W, m(X), Y, "mse"),
    "MLP.backpropagate y": lambda m: NET.backpropagate(W, X, m(Y), "mse"),
    "MLP.problem x": lambda m: NET.problem(W, m(X), Y, "mse"),
    "MLP.problem y": lambda m: NET.problem(W, X, m(Y), "mse"),
    "MLP.forward x": lambda m: NET.forward(W, m(X)),
    "MLP.predict x": lambda m: NET.predict(W, m(X)),
    "train x": lambda m: train(NET, W, m(X), Y, "mse", **TRAINING),
    "train y": lambda m: train(NET, W, X, m(Y), "mse", **TRAINING),
    "keras_mlp.backpropagate x": lambda m: keras_mlp.backpropagate(_model(), m(X), Y, "mse"),
    "keras_mlp.backpropagate y": lambda m: keras_mlp.backpropagate(_model(), X, m(Y), "mse"),
    "check_gradients x": lambda m: check_gradients(_model(), m(X), Y, GRADIENTS, loss="mse"),
    "check_gradients y": lambda m: check_gradients(_model(), X, m(Y), GRADIENTS, loss="mse"),
    "functional x": lambda m: check_gradients(_functional(), m(X), Y, list(GRADIENTS.values()), loss="mse"),
    "functional y": lambda m: check_gradients(_functional(), X, m(Y), list(GRADIENTS.values()), loss="mse"),
    "train_together x": lambda m: train_together(NET, W, m(X), Y, "mse", **TRAINING),
    "train_together y": lambda m: train_together(NET, W, X, m(Y), "mse", **TRAINING),
    "train_together validation": lambda m: train_together(NET, W, X, Y, "mse", validation_data=(X, m(Y)), **TRAINING),
    "fit_keras x": lambda m: fit_keras(NET, W, m(X), Y, "mse", **TRAINING),
}
PARAMETERS: dict[str, Door] = {
    "MLP.backpropagate parameters": lambda m: NET.backpropagate(_first(W, m), X, Y, "mse"),
    "to_keras parameters": lambda m: keras_mlp.to_keras(NET, _first(W, m)),
    "train_together parameters": lambda m: train_together(NET, _first(W, m), X, Y, "mse", **TRAINING),
}
OTHERS: dict[str, Door] = {
    "draws": lambda m: DROPPING.backpropagate(W, X, Y, "mse", _first(DROPPING.draws(0, 4), m)),
    "check_function": lambda m: check_function(lambda t: t * t, m(X)),
    "check_function, a list": lambda m: check_function(lambda s, t: s * t, [X, m(X)]),
    "check_layer": lambda m: check_layer(keras.layers.Dense(2), m(X)),
    "measure": lambda m: measure(m(X), X),
    "explain_shapes": lambda m: explain_shapes({"x": m(X), "w": W["dense_1/kernel"]}, (4, 2)),
}
GRADIENT: dict[str, Door] = {
    "compare hand": lambda m: compare(_first(GRADIENTS, m), GRADIENTS),
    "compare reference": lambda m: compare(GRADIENTS, _first(GRADIENTS, m)),
    "compare noise": lambda m: compare(GRADIENTS, GRADIENTS, noise=_first(GRADIENTS, m)),
    "compare a function": lambda m: compare(
        lambda *_: _first(GRADIENTS, m), NET.backpropagate(W, X, Y, "mse")
    ),
    "assert_gradients_match": lambda m: assert_gradients_match(_first(GRADIENTS, m), GRADIENTS),
    "check_gradients": lambda m: check_gradients(_model(), X, Y, _first(GRADIENTS, m), loss="mse"),
    "check_gradients, a list": lambda m: check_gradients(
        _model(), X, Y, list(_first(GRADIENTS, m).values()), loss="mse"
    ),
    "check_gradients, a function": lambda m: check_gradients(
        _model(), X, Y, lambda *_: _first(GRADIENTS, m), loss="mse"
    ),
    "check_gradients before": lambda m: check_gradients(
        _model(), X, Y, before=[m(BEFORE[0]), BEFORE[1]], after=BEFORE, learning_rate=0.1, loss="mse"
    ),
    "check_gradients after": lambda m: check_gradients(
        _model(), X, Y, after=[m(BEFORE[0]), BEFORE[1]], learning_rate=0.1, loss="mse"
    ),
}  # fmt: skip


@pytest.mark.parametrize("door", [*DATA, *PARAMETERS, *OTHERS, *GRADIENT])
def test_what_is_masked_is_refused_at_every_door(door: str) -> None:
    hand_over = {**DATA, **PARAMETERS, **OTHERS, **GRADIENT}[door]
    with pytest.raises(
        TypeError, match=r" is a masked array: what is masked is no number\. Pass array\.filled\(0\)\.$"
    ):
        hand_over(lambda a: np.ma.array(a, mask=a > 0))


@pytest.mark.parametrize("door", DATA)
def test_rows_of_several_lengths_are_a_sentence(door: str) -> None:
    with pytest.raises(ValueError, match=r"^[xy] cannot be read as an array: "):
        DATA[door](lambda a: [*a.tolist()[1:], [1.0]])


BAD: dict[str, Callable[[Array], Any]] = {
    "object": lambda a: a.astype(object),
    "<U": lambda a: a.astype(str),
    "complex128": lambda a: a + 0j,
    "bool": lambda a: a > 0,
    "set": lambda a: set(a.ravel()),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("door", GRADIENT)
def test_what_is_no_number_is_no_gradient(door: str, kind: str) -> None:
    place = "(dense_1/kernel|0)"  # in a list, until names are told by its layout
    with pytest.raises(TypeError, match=rf"\['{place}'\] is {kind}\d*: expected an array of numbers\."):
        GRADIENT[door](BAD[kind])


@pytest.mark.matrix(most=11)
@pytest.mark.parametrize("door", [*DATA, *OTHERS, *GRADIENT])
def test_good_ones_go_through(door: str) -> None:
    """Each door is one that opens."""
    {**DATA, **OTHERS, **GRADIENT}[door](lambda a: a)
