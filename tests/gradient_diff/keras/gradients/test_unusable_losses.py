"""A loss that has no gradient, or another one each time, is told in a sentence; so is a model that cannot be run."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.backend.tensorflow import random as drawing

from gradient_diff import GradientDiff, Status
from gradient_diff.keras import check_gradients
from keras_mlp.extend import alone
from manual_mlp import Array

pytestmark = pytest.mark.matrix

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)).astype("f4"), RNG.normal(size=(6, 2)).astype("f4")


def _model(kind: str = "functional", decay: str | None = None) -> keras.Model:
    inputs, layer = keras.Input((4,)), keras.layers.Dense(2, kernel_regularizer=decay)
    return keras.Sequential([inputs, layer]) if kind == "Sequential" else keras.Model(inputs, layer(inputs))


def _zeros(model: keras.Model) -> list[Array]:
    return [np.zeros(w.shape, "f4") for w in model.trainable_weights]


def _checked(model: keras.Model, loss: Any, compiled: bool) -> GradientDiff:
    if compiled:
        model.compile("sgd", loss)
    return check_gradients(model, X, Y, _zeros(model), loss=None if compiled else loss)


def _squares(y_true: Any, y_pred: Any) -> Any:
    return tf.reduce_mean(tf.square(y_true - y_pred))


def _python_draws(y_true: Any, y_pred: Any) -> Any:
    return _squares(y_true, y_pred) + 0.1 * tf.reduce_sum(y_pred) * float(RNG.normal())


def _tensorflow_draws(y_true: Any, y_pred: Any) -> Any:
    return _squares(y_true, y_pred) + 0.1 * tf.reduce_sum(y_pred) * tf.random.normal(())


def _keras_draws(y_true: Any, y_pred: Any) -> Any:
    return _squares(y_true, y_pred) + 0.1 * tf.reduce_sum(y_pred) * keras.random.normal(())


KINDS = pytest.mark.parametrize("kind", ["Sequential", "functional"])
DECAYS = pytest.mark.parametrize("decay", [None, "l2"])


@KINDS
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("loss", [_tensorflow_draws, _keras_draws, _python_draws])
def test_a_loss_that_draws_proves_nothing(loss: Any, compiled: bool, kind: str) -> None:
    diff = _checked(_model(kind), loss, compiled)
    assert diff.verdict is Status.INCONCLUSIVE
    assert not diff.causes
    assert "something draws from a seed that is not the model's own, the loss perhaps" in " ".join(str(diff).split())


UNREACHED = (
    "The loss does not depend on the outputs of the model: every gradient would be zero, or that of a penalty alone. "
    "Compute it from y_pred, with tf or keras.ops."
)
LEAVES = (
    "The loss leaves TensorFlow: it returned {}, which no tape can differentiate. Write it with tf or keras.ops, and "
    "without .numpy()."
)
NOTHING = "The loss returned None: expected E, a tensor. Does it end without a return?"
UNUSABLE: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "ignores y_pred": (lambda y, _: tf.reduce_mean(tf.square(y)), UNREACHED),
    "a constant": (lambda _, __: tf.constant(1.0, tf.float64), UNREACHED),
    "NumPy within": (lambda y, p: tf.constant(np.mean(np.square(y.numpy() - p.numpy()))), UNREACHED),
    "a stopped gradient": (lambda y, p: _squares(y, tf.stop_gradient(p)), UNREACHED),
    "NumPy": (lambda y, p: np.mean(np.square(y.numpy() - p.numpy())), LEAVES.format("float32")),
    "np.mean": (lambda y, p: np.mean(np.asarray(y) - np.asarray(p)), LEAVES.format("float32")),
    "a number": (lambda _, __: 1.0, LEAVES.format("float")),
    "None": (lambda _, __: None, NOTHING),
}


@KINDS
@DECAYS
@pytest.mark.parametrize("what", UNUSABLE)
def test_a_loss_without_a_gradient_is_told(what: str, decay: str | None, kind: str) -> None:
    loss, text = UNUSABLE[what]
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        _checked(_model(kind, decay), loss, compiled=False)


@DECAYS
@pytest.mark.parametrize("what", [what for what in UNUSABLE if what != "None"])
def test_a_compiled_loss_without_a_gradient_is_told(what: str, decay: str | None) -> None:
    """Keras makes a tensor of a number."""
    with pytest.raises(ValueError, match=f"^{re.escape(UNREACHED)}$"):
        _checked(_model("functional", decay), UNUSABLE[what][0], compiled=True)


def test_a_compiled_loss_without_a_return_is_told() -> None:
    with pytest.raises(ValueError, match=r"^Keras itself cannot compute E of .*None"):
        _checked(_model(), UNUSABLE["None"][0], compiled=True)


MISFITS: dict[str, dict[str, Any]] = {
    "weights": {"loss": "mse", "loss_weights": [1, 2]},
    "name of no output": {"loss": {"nobody": "mse"}},
    "no losses": {"loss": []},
}


@KINDS
@pytest.mark.parametrize("what", MISFITS)
def test_a_compiled_loss_that_keras_cannot_build_is_told(what: str, kind: str) -> None:
    model = _model(kind)
    model.compile("sgd", **MISFITS[what])
    with pytest.raises(ValueError, match=r"^Keras itself cannot compute E of .*\. The data are x float32 \(6, 4\)"):
        check_gradients(model, X, Y, _zeros(model))


@KINDS
def test_a_model_that_was_compiled_with_nothing_to_train_is_told(kind: str) -> None:
    model = _model(kind)
    model.compile("sgd")
    with pytest.raises(ValueError, match=r"^The model was not compiled with a loss\. Pass loss='mse', or compile it"):
        check_gradients(model, X, Y, _zeros(model))


def test_a_loss_that_has_a_gradient_is_taken() -> None:
    assert _checked(_model(decay="l2"), _squares, compiled=False).verdict is Status.MISMATCH


# what cannot be run


@tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow has no types
def _no_way_back(z: Any) -> Any:
    def back(_: Any) -> Any:
        raise RuntimeError("nobody derived this.")

    return z, back


def test_a_gradient_that_tensorflow_has_not_is_told() -> None:
    model = _model()
    text = rf"^TensorFlow cannot compute the gradients of {model.name} in mode 'eager': nobody derived this\.$"
    with pytest.raises(ValueError, match=text):
        check_gradients(model, X, Y, _zeros(model), loss=lambda y, p: _squares(y, _no_way_back(p)))


@pytest.mark.slow  # the compiler takes its time to refuse
def test_what_xla_cannot_compile_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    layers = [keras.layers.Conv2D(3, 3), keras.layers.RandomRotation(0.2), keras.layers.Flatten()]
    model = keras.Sequential([keras.Input((6, 6, 2)), *layers, keras.layers.Dense(2)])
    with pytest.raises(
        ValueError, match=r"^TensorFlow cannot .* in mode 'xla': .* Pass mode='eager', where nothing is"
    ):
        check_gradients(model, RNG.normal(size=(6, 6, 6, 2)), Y, _zeros(model), loss="mse", mode="xla")
    capfd.readouterr()  # TensorFlow tells it, too


# threads


def test_a_model_that_another_thread_checks_is_refused() -> None:
    model, raised = _model(), list[BaseException]()

    def check() -> None:
        try:
            check_gradients(model, X, Y, _zeros(model), loss="mse")
        except ValueError as error:
            raised.append(error)

    with alone(model):
        thread = threading.Thread(target=check)
        thread.start()
        thread.join()
    (error,) = raised
    assert str(error).startswith(f"{model.name} is being checked by another thread. One model can be checked by one")
    assert check_gradients(model, X, Y, _zeros(model), loss="mse").verdict is Status.MISMATCH


def test_models_in_several_threads_wait_for_each_other() -> None:
    """They share the functions that draw, and floatx()."""
    originals, together = (drawing.normal, drawing.dropout), threading.Barrier(3)
    found: list[Any] = []

    def check(model: keras.Model) -> None:
        together.wait()
        found.append(check_gradients(model, X, Y, [g.astype("f8") for g in _zeros(model)], loss="mse").verdict)

    threads = [threading.Thread(target=check, args=(_model(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Status.MISMATCH] * 3
    assert (drawing.normal, drawing.dropout) == originals
    assert keras.config.floatx() == "float32"


def test_a_check_within_a_check_is_no_other_thread() -> None:
    inner = _model()

    def mine(*_: Any) -> list[Array]:
        assert check_gradients(inner, X, Y, _zeros(inner), loss="mse").verdict is Status.MISMATCH
        return _zeros(inner)

    assert check_gradients(_model(), X, Y, mine, loss="mse").verdict is Status.MISMATCH
