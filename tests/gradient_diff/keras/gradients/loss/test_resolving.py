"""What a user may call a loss, and what it then stands for."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff.keras.gradients.loss.resolving import resolve_loss
from manual_mlp import LOSSES, Loss
from manual_mlp.equations.loss import ALIASES

Y, P = tf.constant([[0.2, 0.8]], tf.float64), tf.constant([[0.5, 0.5]], tf.float64)


def _compiled(loss: object) -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile(loss=loss)
    return model


@pytest.mark.parametrize("name", [*LOSSES, *ALIASES])
def test_every_name_and_alias_of_the_house_is_known(name: str) -> None:
    resolved = resolve_loss(name, None)
    assert resolved.house == Loss(name)
    assert resolved.words == Loss(name).name


def test_a_loss_of_the_house_keeps_its_scale() -> None:
    loss = Loss("mse", scale=3.0)
    resolved = resolve_loss(loss, None)
    assert resolved.house is loss
    assert float(resolved.tensor(Y, P)) == pytest.approx(3 * 0.09)


SMOOTHED = Loss("CategoricalCrossentropy", label_smoothing=0.1)
OBJECTS = [
    (keras.losses.MeanSquaredError, {}, Loss("mean_squared_error")),
    (keras.losses.BinaryCrossentropy, {}, Loss("binary_crossentropy")),
    (keras.losses.BinaryCrossentropy, {"from_logits": True}, Loss("binary_crossentropy", from_logits=True)),
    (keras.losses.CategoricalCrossentropy, {}, Loss("categorical_crossentropy")),
    (keras.losses.CategoricalCrossentropy, {"from_logits": True}, Loss("categorical_crossentropy", from_logits=True)),
    (keras.losses.SparseCategoricalCrossentropy, {}, Loss("sparse_categorical_crossentropy")),
    (keras.losses.BinaryCrossentropy, {"label_smoothing": 0.1}, Loss("bce", label_smoothing=0.1)),
    (
        keras.losses.CategoricalCrossentropy,
        {"label_smoothing": 0.1},
        Loss("CategoricalCrossentropy", label_smoothing=0.1),
    ),
    (keras.losses.MeanSquaredError, {"reduction": "sum"}, Loss("mse", reduction="sum")),
    (keras.losses.MeanAbsoluteError, {}, Loss("mae")),
    (keras.losses.Huber, {}, Loss("huber")),
    (keras.losses.Huber, {"delta": 0.25}, Loss("huber", delta=0.25)),
    (keras.losses.KLDivergence, {}, Loss("kld")),
    (keras.losses.Hinge, {"reduction": "sum"}, Loss("hinge", reduction="sum")),
]


@pytest.mark.parametrize(("kind", "options", "house"), OBJECTS)
def test_a_keras_loss_object_with_plain_settings_has_a_name_in_the_house(kind: Any, options: Any, house: Loss) -> None:
    loss = kind(**options)
    resolved = resolve_loss(loss, None)
    assert resolved.house == house
    assert resolved.dtype == loss.dtype
    labels = tf.constant([1]) if kind is keras.losses.SparseCategoricalCrossentropy else Y
    assert float(resolved.tensor(labels, P)) == float(loss(labels, P))
    assert resolved.words == f"the Keras loss object {loss.name} (float32)"
    assert resolve_loss(None, _compiled(kind(**options))).house == house


@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
        keras.losses.CategoricalCrossentropy(axis=0),
        keras.losses.SparseCategoricalCrossentropy(ignore_class=1),
        keras.losses.CosineSimilarity(axis=0),
        keras.losses.Dice(),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_other_settings_and_other_losses_are_taken_as_they_are(loss: keras.losses.Loss) -> None:
    assert resolve_loss(loss, None).house is None


def test_a_loss_of_keras_that_the_house_does_not_know_by_name() -> None:
    resolved = resolve_loss("binary_focal_crossentropy", None)
    assert resolved.house is None
    assert float(resolved.tensor(Y, P)) == pytest.approx(float(keras.losses.binary_focal_crossentropy(Y, P)[0]))


def test_one_that_reduces_nothing_is_summed() -> None:
    assert resolve_loss(keras.losses.MeanSquaredError(reduction=None), None).house == Loss("mse", reduction="sum")


@pytest.mark.parametrize("name", ["Huber", "Poisson", "KLDivergence", "Tversky"])
@pytest.mark.parametrize("compiled", [False, True])
def test_the_name_of_a_class_of_keras_is_its_object(name: str, compiled: bool) -> None:
    y, p = tf.constant([[0.2, 0.8]]), tf.constant([[0.5, 1.5]])
    resolved = resolve_loss(None, _compiled(name)) if compiled else resolve_loss(name, None)
    assert float(resolved.tensor(y, p)) == pytest.approx(float(getattr(keras.losses, name)()(y, p)))


def test_a_function_is_averaged_over_the_samples() -> None:
    def per_sample(y_true: Any, y_pred: Any) -> Any:
        return tf.reduce_sum(tf.abs(y_true - y_pred), axis=-1)

    resolved = resolve_loss(per_sample, None)
    assert (resolved.house, resolved.words) == (None, "per_sample")
    assert float(resolved.tensor(tf.repeat(Y, 3, axis=0), tf.repeat(P, 3, axis=0))) == pytest.approx(0.6)


@pytest.mark.parametrize(
    "loss", ["mse", "mean_squared_error", keras.losses.MeanSquaredError(), keras.losses.mean_squared_error]
)
def test_none_is_the_compiled_loss(loss: object) -> None:
    model = _compiled(loss)
    resolved = resolve_loss(None, model)
    assert resolved.house == Loss("mse") or callable(loss)
    y, p = np.array([[0.0, 1.0]], np.float32), tf.constant([[1.0, 1.0]])
    assert float(resolved.tensor(tf.constant(y), p)) == pytest.approx(0.5)
    assert resolved.words.startswith("the compiled loss ")


@pytest.mark.parametrize("model", [None, keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])])
def test_none_without_a_compiled_loss_is_refused(model: Any) -> None:
    text = "The model was not compiled with a loss. Pass loss='mse', or compile it first."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        resolve_loss(None, model)


def test_a_name_that_nobody_knows_is_refused() -> None:
    known = f"Known are {', '.join(LOSSES)}, and by name every other loss of Keras."
    with pytest.raises(ValueError, match=f"^Unknown loss 'no_such_loss'. {re.escape(known)}$"):
        resolve_loss("no_such_loss", None)


def test_a_compiled_name_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Unknown loss 'no_such_loss'\. Known are "):
        resolve_loss(None, _compiled("no_such_loss"))


def test_a_name_that_is_nearly_one_is_answered_with_it() -> None:
    text = "Unknown loss 'crossentropy'. Did you mean binary_crossentropy or categorical_crossentropy? Known are half_"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        resolve_loss("crossentropy", None)


def test_what_is_no_loss_is_refused() -> None:
    text = "loss is int: expected a name, a Keras loss, a function of (y_true, y_pred), or None."
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        resolve_loss(3, None)
