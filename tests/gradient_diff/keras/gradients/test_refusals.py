"""What check_gradients refuses: models that cannot be checked, and arguments that do not go together."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff.keras import check_gradients
from keras_mlp import to_keras
from manual_mlp import MLP, Dense, ShapeError

MLP_SMALL = MLP(3, [Dense(4, "tanh"), Dense(4, "sigmoid"), Dense(2)])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
W = MLP_SMALL.initialize(0, "normal(0.5)", "normal(0.5)")
MINE = dict(MLP_SMALL.backpropagate(W, X, Y, "mse").gradients)
FLAT = list(MINE.values())

# models that cannot be checked


class _Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="mine")
        self.inner = keras.layers.Dense(2)

    def call(self, x: Any) -> Any:
        return self.inner(x)


def test_models_that_cannot_be_checked_say_why() -> None:
    subclassed = _Subclassed()
    text = "The model has no weights yet: give it a keras.Input, or call it once on data."
    for unbuilt in (keras.Sequential([keras.layers.Dense(2)]), subclassed):
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            check_gradients(unbuilt, X, Y, [X], loss="mse")
    with pytest.raises(TypeError, match=r"^model is MLP: expected a keras\.Model, Sequential or functional\."):
        check_gradients(MLP_SMALL, X, Y, MINE, loss="mse")


# bad input


def _refused(kind: type[Exception], text: str, *args: Any, **options: Any) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        check_gradients(to_keras(MLP_SMALL, W), X, Y, *args, **{"loss": "mse", **options})


def test_gradients_are_given_once() -> None:
    text = "Both gradients= and after= were given. Pass the gradients, or the weights around one update."
    _refused(ValueError, text, MINE, after=list(W.values()), learning_rate=0.1)


def test_an_optimizer_needs_its_update() -> None:
    text = "optimizer= without after=: it is who took the step that led to after=, and no gradient depends on it."
    _refused(ValueError, text, MINE, optimizer="sgd")


def test_an_optimizer_object_has_its_rate() -> None:
    text = (
        "learning_rate= beside an optimizer object, which has its rate: leave learning_rate= out, or name the "
        "optimizer, optimizer='adam'."
    )
    _refused(ValueError, text, after=list(W.values()), learning_rate=0.1, optimizer=keras.optimizers.Adam(0.1))


@pytest.mark.parametrize("name", ["sgdd", "lossscaleoptimizer", ""])
def test_a_name_of_no_optimizer_is_refused(name: str) -> None:
    text = f"optimizer={name!r} is no name that Keras makes an optimizer of. It has adadelta, adafactor, adagrad, adam,"
    _refused(ValueError, text, after=list(W.values()), optimizer=name)


@pytest.mark.parametrize("thing", [keras.optimizers.Adam, 0.1, {"class_name": "adam"}])
def test_what_is_no_optimizer_is_refused(thing: object) -> None:
    text = f"optimizer is {type(thing).__name__}: expected a Keras optimizer as it was before the step, or a name"
    _refused(TypeError, text, after=list(W.values()), optimizer=thing)


def test_an_optimizer_of_other_weights_is_refused() -> None:
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build([keras.Variable(np.ones(3))])
    text = "optimizer= was built for other weights than this model's"
    _refused(ValueError, text, after=list(W.values()), optimizer=optimizer)


@pytest.mark.parametrize("gradients", [None, MINE, lambda w, x, y: MINE])
@pytest.mark.parametrize("before", [None, list(W.values())])
def test_a_learning_rate_needs_its_update(gradients: object, before: object) -> None:
    text = (
        "learning_rate= without after=: it is the lr of the step that led to after=, and no gradient is divided by it. "
        "Pass the weights after the step, too, or leave it out."
    )
    _refused(ValueError, text, gradients, before=before, learning_rate=0.3)


def test_weights_before_a_step_need_those_after_it() -> None:
    text = (
        "before= without after=: nothing of yours would be checked. Pass the weights after the step and its "
        "learning_rate=, or gradients= at these weights."
    )
    _refused(ValueError, text, before=list(W.values()))


def test_each_bad_argument_has_a_text_of_its_own() -> None:
    _refused(ValueError, "gradients: unknown names dense_9/kernel. The model has dense_1/kernel", {"dense_9/kernel": X})
    _refused(ValueError, "gradients holds 5 arrays, but the model has 6 weights", FLAT[:-1])
    _refused(ValueError, "after holds 5 arrays, but the model has 6 weights", after=FLAT[:-1], learning_rate=0.1)
    _refused(ValueError, "before holds 1 arrays, but the model has 6 weights", MINE, before=[X])
    _refused(TypeError, "learning_rate='0.1' is str: expected a number", after=FLAT, learning_rate="0.1")
    _refused(ValueError, "learning_rate=0: expected the lr of that step", after=FLAT, learning_rate=0)
    _refused(ValueError, "Unknown mode 'tpu': expected eager, graph, xla.", MINE, mode="tpu")
    _refused(TypeError, "gradients is int: expected a dict by name", 3)
    _refused(TypeError, "loss is int: expected a name", MINE, loss=3)
    _refused(ValueError, "The model was not compiled with a loss.", MINE, loss=None)
    _refused(ShapeError, "dense_1/kernel: W_after = W_before − lr dE/dW", after=[X, *FLAT[1:]], learning_rate=0.1)
