"""share_weights: weights in any layout that is recognised, put into a model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from experiments.students.layouts import LAYOUTS
from experiments.students.steps import STEPS, Lists
from gradient_diff.keras import share_weights
from keras_mlp import to_keras
from manual_mlp import MLP, Array, Dense, ShapeError

pytestmark = pytest.mark.matrix

MLP_SMALL = MLP(3, [Dense(4, "sigmoid"), Dense(2)])
RNG = np.random.default_rng(2)
MINE = {n: RNG.normal(size=a.shape) for n, a in MLP_SMALL.initialize(0).items()}
PAIRS = [(MINE["dense_1/kernel"], MINE["dense_1/bias"]), (MINE["dense_2/kernel"], MINE["dense_2/bias"])]


@pytest.fixture
def model() -> keras.Model:
    return to_keras(MLP_SMALL, MLP_SMALL.initialize(0))


def holds(model: keras.Model, shared: dict[str, Array]) -> None:
    for (name, wanted), held in zip(MINE.items(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(held, wanted)
        np.testing.assert_array_equal(shared[name], wanted)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_arrays_is_taken_or_refused(layout: str, model: keras.Model) -> None:
    before = model.get_weights()
    if layout not in OPEN:
        holds(model, share_weights(model, LAYOUTS[layout](PAIRS)))
        return
    with pytest.raises(ValueError, match=r"shapes do not tell|sets of arrays may be"):
        share_weights(model, LAYOUTS[layout](PAIRS))
    for held, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(held, wanted)


OPEN = {n for n in LAYOUTS if "vector" in n or "Θ" in n or "row by row" in n or "column by column" in n}
"""Of gradients these are told by their values, which new weights have not."""


@pytest.mark.parametrize("kind", STEPS)
def test_the_object_that_holds_them_is_taken(kind: str, model: keras.Model) -> None:
    step = STEPS[kind]([*MINE.values()])
    held = getattr(step, "__self__", step)
    if kind == "thetas":
        with pytest.raises(
            ValueError, match=r"thetas.Theta1, thetas.Theta2 may be Θ .* first column, or .* last column"
        ):
            share_weights(model, held)
    else:
        holds(model, share_weights(model, held))


def test_two_nets_in_one_object_are_not_guessed(model: keras.Model) -> None:
    both = SimpleNamespace(a=Lists([*MINE.values()]), b=Lists([*MINE.values()]))
    with pytest.raises(ValueError, match=r"sets of arrays.*share_weights\(model, \[simplenamespace.a.weights\[0\]"):
        share_weights(model, both)


def test_rows_of_biases_in_the_order_of_the_model_are_no_kernels() -> None:
    mlp = MLP(1, [Dense(5, "sigmoid"), Dense(1)])
    model, (W1, b1, W2, b2) = (
        to_keras(mlp, mlp.initialize(0)),
        (RNG.normal(size=s) for s in ((1, 5), (1, 5), (5, 1), (1, 1))),
    )
    shared = share_weights(model, [W1, b1, W2, b2])
    np.testing.assert_array_equal(shared["dense_1/kernel"], W1)
    np.testing.assert_array_equal(shared["dense_1/bias"], b1[0])


def test_a_model_of_float32_is_given_what_it_can_hold() -> None:
    model = to_keras(MLP_SMALL, MLP_SMALL.initialize(0, dtype="float32"), "float32")
    shared = share_weights(model, MINE)
    assert shared["dense_1/kernel"].dtype == np.float32
    np.testing.assert_array_equal(shared["dense_1/kernel"], MINE["dense_1/kernel"].astype(np.float32))


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (
            {**MINE, "dense_1/kernel": np.ones((5, 5))},
            ShapeError,
            r"\['dense_1/kernel'\] \(5, 5\).*expected dense_1/kernel \(3, 4\)",
        ),
        ({n: a for n, a in MINE.items() if n != "dense_2/bias"}, ShapeError, r"\['dense_1/bias'\] \(4,\).*expected"),
        ([np.ones(3)], ShapeError, r"arrays\[0\] \(3,\): expected dense_1/kernel \(3, 4\)"),
        ([], ShapeError, "arrays is empty: expected dense_1/kernel"),
        (SimpleNamespace(a=1), TypeError, "arrays is SimpleNamespace, which holds no arrays"),
        (None, TypeError, "arrays is NoneType"),
    ],
)
def test_what_does_not_fit_is_refused(given: Any, error: type[Exception], words: str, model: keras.Model) -> None:
    with pytest.raises(error, match=words):
        share_weights(model, given)
