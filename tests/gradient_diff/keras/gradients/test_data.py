"""Data in every form that fit takes: several inputs and outputs, columns, whole numbers, tensors and tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from manual_mlp import Array

pytestmark = [pytest.mark.usefixtures("unnamed"), pytest.mark.matrix]

RNG = np.random.default_rng(0)
X, X2, Y, Y2 = (RNG.normal(size=(6, n)).astype("f4") for n in (4, 5, 2, 3))
MSE, MAE = keras.losses.MeanSquaredError, "mae"
DENSE = keras.layers.Dense


def _of_errors(x: Array, weights: list[Array], y: Array, loss: str = "mse", times: float = 1.0) -> list[Array]:
    """dE/dW, dE/db of one dense layer, E the mean of squared or absolute errors."""
    x, (w, b) = x.astype(float), (a.astype(float) for a in weights)
    error = x @ w + b - y
    d = times * (2 * error if loss == "mse" else np.sign(error)) / y.size
    return [x.T @ d, d.sum(0)]


def _judged(model: keras.Model, x: Any, y: Any, right: list[Array], loss: Any = "mse") -> None:
    """The right gradients match; with any one of them off by a thousandth they do not."""
    assert check_gradients(model, x, y, right, loss=loss).ok
    off = [*right[:-1], 1.001 * right[-1]]
    diff = check_gradients(model, x, y, off, loss=loss)
    assert [row.status for row in diff.rows].count(Status.MISMATCH) == 1


# several outputs


OUTPUTS: dict[str, Callable[[Any, Any], Any]] = {
    "list": lambda a, b: [a, b],
    "dict": lambda a, b: {"a": a, "b": b},
    "keys of their own": lambda a, b: {"second": a, "first": b},
}
TARGETS = {"list": [Y, Y2], "dict": {"b": Y2, "a": Y}, "keys of their own": {"first": Y2, "second": Y}}


def _two_outputs(kind: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    return keras.Model(inputs, OUTPUTS[kind](DENSE(2, name="a")(inputs), DENSE(3, name="b")(inputs)))


def _by_hand(model: keras.Model, losses: tuple[str, str], scales: tuple[float, float] = (1, 1)) -> list[Array]:
    """In the order of model.trainable_weights."""
    found = dict[str, list[Array]]()
    for name, y, loss, times in zip("ab", (Y, Y2), losses, scales, strict=True):
        found[name] = _of_errors(X, model.get_layer(name).get_weights(), y, loss, times)
    return [g for layer in model.layers if layer.name in found for g in found[layer.name]]


def _named(kind: str, first: Any, second: Any) -> dict[str, Any]:
    """By what fit knows the outputs by."""
    return {"second": first, "first": second} if kind == "keys of their own" else {"a": first, "b": second}


@pytest.mark.parametrize(
    "loss", ["mse", MSE(), MSE, keras.losses.mean_squared_error], ids=["name", "object", "class", "function"]
)
@pytest.mark.parametrize("kind", OUTPUTS)
def test_one_loss_for_all_outputs(kind: str, loss: Any) -> None:
    model = _two_outputs(kind)
    _judged(model, X, TARGETS[kind], _by_hand(model, ("mse", "mse")), loss)


@pytest.mark.parametrize(("kind", "targets"), [("list", "dict"), ("list", "tuple"), ("dict", "list")])
def test_targets_in_another_form_than_the_outputs(kind: str, targets: str) -> None:
    model = _two_outputs(kind)
    y: Any = (Y, Y2) if targets == "tuple" else TARGETS[targets]
    _judged(model, X, y, _by_hand(model, ("mse", "mse")))


@pytest.mark.parametrize("form", ["list", "dict"])
@pytest.mark.parametrize("kind", OUTPUTS)
def test_a_loss_for_each_output(kind: str, form: str) -> None:
    model = _two_outputs(kind)
    order = reversed if kind == "keys of their own" else list  # a dict of outputs has its keys sorted
    losses = _named(kind, "mse", MAE) if form == "dict" else list(order(["mse", MAE]))
    _judged(model, X, TARGETS[kind], _by_hand(model, ("mse", "mae")), losses)


@pytest.mark.parametrize(
    "kind", ["keys of their own", *(pytest.param(k, marks=pytest.mark.slow) for k in ("list", "dict"))]
)
def test_compiled_losses_with_their_weights(kind: str) -> None:
    model = _two_outputs(kind)
    model.compile("sgd", _named(kind, "mse", MAE), loss_weights=_named(kind, 2.0, 3.0))
    _judged(model, X, TARGETS[kind], _by_hand(model, ("mse", "mae"), (2, 3)), None)
    unweighted = _by_hand(model, ("mse", "mae"))
    assert check_gradients(model, X, TARGETS[kind], unweighted).verdict is Status.MISMATCH


INNER: dict[str, Callable[[Any, Any], Any]] = {
    "list in dict": lambda a, b: {"u": [a], "v": {"w": b}},
    "dict in list": lambda a, b: [{"u": a}, (b,)],
    "list of lists": lambda a, b: [[a], [b]],
}


@pytest.mark.parametrize("loss", ["one", "one for each", "compiled", "compiled for each"])
@pytest.mark.parametrize("kind", INNER)
def test_outputs_within_outputs(kind: str, loss: str) -> None:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, INNER[kind](DENSE(2, name="a")(inputs), DENSE(3, name="b")(inputs)))
    losses = INNER[kind]("mse", "mae") if "each" in loss else "mse"
    right = _by_hand(model, ("mse", "mae" if "each" in loss else "mse"))
    if "compiled" in loss:
        model.compile("sgd", losses)
    _judged(model, X, INNER[kind](Y, Y2), right, None if "compiled" in loss else losses)


class _Inner(keras.Model):
    """It takes its inputs in a structure that nothing tells beforehand."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.dense = kind, DENSE(2)

    def call(self, inputs: Any) -> Any:
        keras.tree.assert_same_structure(inputs, INNER[self.kind](0, 0))
        return self.dense(keras.ops.concatenate(keras.tree.flatten(inputs), axis=1))


@pytest.mark.parametrize("kind", INNER)
def test_inputs_within_inputs(kind: str) -> None:
    keras.utils.set_random_seed(1)
    model = _Inner(kind)
    x = INNER[kind](X, X2)
    model(x)
    _judged(model, x, Y, _of_errors(np.concatenate([X, X2], axis=1), model.get_weights(), Y))


def test_too_few_targets_are_told() -> None:
    model = _two_outputs("list")
    with pytest.raises(ValueError, match=r"^y holds 1 arrays, for 2 outputs\. Give one for each\.$"):
        check_gradients(model, X, [Y], _by_hand(model, ("mse", "mse")), loss="mse")


# several inputs


def _joined(p: Any, q: Any) -> Any:
    return DENSE(2)(keras.layers.Concatenate()([p, q]))


@pytest.mark.parametrize(
    ("inputs", "form"),  # of a list for a dict Keras itself warns
    [
        *itertools.product(["list"], ["list", "tuple", "dict", "another order"]),
        ("dict", "dict"),
        ("dict", "another order"),
    ],
)
def test_two_inputs(inputs: str, form: str) -> None:
    keras.utils.set_random_seed(1)
    p, q = keras.Input((4,), name="p"), keras.Input((5,), name="q")
    model = keras.Model([p, q] if inputs == "list" else {"p": p, "q": q}, _joined(p, q))
    x = {"list": [X, X2], "tuple": (X, X2), "dict": {"p": X, "q": X2}, "another order": {"q": X2, "p": X}}[form]
    right = _of_errors(np.concatenate([X, X2], axis=1), model.get_weights(), Y)
    _judged(model, x, Y, right)


def test_an_input_that_is_missing_is_told() -> None:
    p, q = keras.Input((4,), name="p"), keras.Input((5,), name="q")
    model = keras.Model([p, q], _joined(p, q))
    with pytest.raises(ValueError, match=r'^Keras itself cannot compute E of .*: Missing data for input "p"\.'):
        check_gradients(model, {"q": X2}, Y, [np.zeros((9, 2)), np.zeros(2)], loss="mse")


# columns


def _per_sample(y_true: Any, y_pred: Any) -> Any:
    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)


def _one_number(y_true: Any, y_pred: Any) -> Any:
    return tf.reduce_mean(tf.square(y_true - y_pred))


NAMED = {
    "name": "mse",
    "object": MSE(),
    "function": _per_sample,
    "one number": _one_number,
    "function of Keras": keras.losses.mean_squared_error,
    "name of Keras alone": MAE,
    "compiled": None,
}


COLUMNS = list(itertools.product(("Sequential", "functional", "subclassed"), NAMED))


@pytest.mark.parametrize(("kind", "how"), COLUMNS)
def test_targets_without_a_second_axis_are_a_column(kind: str, how: str) -> None:
    keras.utils.set_random_seed(1)
    model = _model(kind, 1)
    if how == "compiled":
        model.compile("sgd", "mse")
    right = _of_errors(X, model.get_weights(), Y[:, :1], "mae" if NAMED[how] == MAE else "mse")
    _judged(model, X, Y[:, 0], right, NAMED[how])


class _Subclassed(keras.Model):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.last = DENSE(units)

    def call(self, z: Any) -> Any:
        return self.last(z)


def _model(kind: str, units: int = 2) -> keras.Model:
    if kind == "subclassed":
        model = _Subclassed(units)
        model(X)
        return model
    inputs, layer = keras.Input((4,)), DENSE(units)
    return keras.Sequential([inputs, layer]) if kind == "Sequential" else keras.Model(inputs, layer(inputs))


# kinds of arrays


WHOLE = np.round(10 * np.abs(X))
FORMS: dict[str, Callable[[Array], Any]] = {
    "uint8": lambda a: a.astype("uint8"),
    "int32": lambda a: a.astype("int32"),
    "int64": lambda a: a.astype("int64"),
    "bool": lambda a: a > 4,
    "float16": lambda a: a.astype("float16"),
    "float64": lambda a: a.astype("float64"),
    "tensor": tf.constant,
    "table": lambda a: pd.DataFrame(a, columns=list("abcd")),
    "lists": lambda a: a.tolist(),
}


@pytest.mark.parametrize("kind", ["Sequential", "functional"])
@pytest.mark.parametrize("form", FORMS)
def test_x_of_every_kind(form: str, kind: str) -> None:
    model, x = _model(kind), FORMS[form](WHOLE)
    right = _of_errors(np.asarray(x), model.get_weights(), Y)
    assert check_gradients(model, x, Y, right, loss="mse").ok
    other = _of_errors(np.asarray(x).astype(float) + 1e-3, model.get_weights(), Y)
    assert kind == "functional" or check_gradients(model, x, Y, other, loss="mse").verdict is Status.MISMATCH


@pytest.mark.parametrize("kind", ["Sequential", "functional", "subclassed"])
def test_y_as_a_tensor_or_a_table(kind: str) -> None:
    model = _model(kind)
    for y in (tf.constant(Y), pd.DataFrame(Y)):
        assert check_gradients(model, X, y, _of_errors(X, model.get_weights(), Y), loss="mse").ok
    single = _model(kind, 1)
    _judged(single, X, pd.Series(Y[:, 0]), _of_errors(X, single.get_weights(), Y[:, :1]))
