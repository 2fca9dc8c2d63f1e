"""Weights of samples and of classes in E, as fit takes them: c stays 1/N, however the loss is named."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from manual_mlp import Array

pytestmark = [pytest.mark.usefixtures("unnamed"), pytest.mark.matrix]

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)).astype("f4"), RNG.normal(size=(6, 2)).astype("f4")
WEIGHTS = np.array([0, 1, 2, 0.5, 3, 1])
CLASSES = {0: 3.0, 1: 0.5}
LABELS = np.eye(2, dtype="f4")[[0, 1, 1, 0, 1, 0]]


def _per_sample(y_true: Any, y_pred: Any) -> Any:
    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)


def _one_number(y_true: Any, y_pred: Any) -> Any:
    return tf.reduce_mean(tf.square(y_true - y_pred))


LOSSES = {
    "name": "mse",
    "object": keras.losses.MeanSquaredError(),
    "function": _per_sample,
    "function of Keras": keras.losses.mean_squared_error,
    "compiled": None,
}


def _model(kind: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs, layer = keras.Input((4,)), keras.layers.Dense(2)
    model = keras.Sequential([inputs, layer]) if kind == "Sequential" else keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(0.125), "mse")
    return model


def _by_hand(model: keras.layers.Layer, y: Array, weights: Array) -> list[Array]:
    """Of 1/N Σ_n w_n e_n, e_n a mean over outputs."""
    w, b = (v.numpy().astype(float) for v in model.trainable_weights)
    d = 2 * (X.astype(float) @ w + b - y) / y.size * weights[:, None]
    return [X.T.astype(float) @ d, d.sum(0)]


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("how", LOSSES)
@pytest.mark.parametrize("kind", ["Sequential", "functional"])
def test_weights_count_and_the_mean_is_over_samples(kind: str, how: str) -> None:
    model = _model(kind)
    right, bare = (_by_hand(model, Y, w) for w in (WEIGHTS, np.ones(6)))

    def verdict(mine: list[Array]) -> Status:
        return check_gradients(model, X, Y, mine, loss=LOSSES[how], sample_weight=WEIGHTS).verdict

    assert verdict(right) is Status.MATCH
    assert verdict([g.astype("f4") for g in right]) is Status.MATCH
    assert verdict([g * 6 / WEIGHTS.sum() for g in right]) is Status.MISMATCH
    assert verdict(bare) is Status.MISMATCH


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("how", LOSSES)
@pytest.mark.parametrize("kind", ["Sequential", "functional"])
def test_weights_of_classes_are_weights_of_their_samples(kind: str, how: str) -> None:
    model = _model(kind)
    right = _by_hand(model, LABELS, np.where(LABELS[:, 0] == 1, *CLASSES.values()))
    for mine, status in ((right, Status.MATCH), (_by_hand(model, LABELS, np.ones(6)), Status.MISMATCH)):
        found = check_gradients(model, X, LABELS, mine, loss=LOSSES[how], class_weight=CLASSES)
        assert found.verdict is status


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("weights", ["sample_weight", "class_weight"])
@pytest.mark.parametrize("kind", ["Sequential", "functional"])
def test_a_step_of_keras_itself_is_on_the_weighed_gradient(kind: str, weights: str) -> None:
    model = _model(kind)
    given: dict[str, Any] = {weights: WEIGHTS if weights == "sample_weight" else CLASSES}
    before = model.get_weights()
    model.train_on_batch(X, LABELS, **given)
    options: dict[str, Any] = {"before": before, "after": model.get_weights(), "learning_rate": 0.125}
    assert check_gradients(model, X, LABELS, **options, **given).ok
    assert check_gradients(model, X, LABELS, **options).verdict.bad


@pytest.mark.parametrize("kind", ["Sequential", "functional"])
def test_a_loss_of_one_number_cannot_be_weighed(kind: str) -> None:
    model = _model(kind)
    text = r"^The loss gives one number for the whole batch, so that no sample can be weighted\. Let it return a number"
    with pytest.raises(ValueError, match=text):
        check_gradients(model, X, Y, _by_hand(model, Y, WEIGHTS), loss=_one_number, sample_weight=WEIGHTS)
    assert check_gradients(model, X, Y, _by_hand(model, Y, np.ones(6)), loss=_one_number).ok


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "weights",
    [WEIGHTS, [WEIGHTS, np.arange(6.0)], [WEIGHTS, None], (None, WEIGHTS)],
    ids=["for both", "for each", "for the first", "for the second"],
)
def test_weights_of_several_outputs(weights: Any, compiled: bool) -> None:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, [keras.layers.Dense(2, name="a")(inputs), keras.layers.Dense(3, name="b")(inputs)])
    model.compile(keras.optimizers.SGD(0.125), ["mse", "mse"])
    targets = [Y, RNG.normal(size=(6, 3)).astype("f4")]
    each = [np.ones(6) if w is None else w for w in (weights if isinstance(weights, list | tuple) else [weights] * 2)]
    mine: list[Array] = []
    for layer, y, w in zip(model.layers[1:], targets, each, strict=True):
        kernel, bias = (v.numpy().astype(float) for v in layer.trainable_weights)
        d = 2 * (X.astype(float) @ kernel + bias - y) / y.size * w[:, None]
        mine += [X.T.astype(float) @ d, d.sum(0)]
    options: dict[str, Any] = {"loss": None if compiled else "mse", "sample_weight": weights}
    assert check_gradients(model, X, targets, mine, **options).ok
    assert check_gradients(model, X, targets, [*mine[:2], *(2 * g for g in mine[2:])], **options).verdict.bad
    text = r"^class_weight belongs to a model with one output, as in fit\."
    with pytest.raises(ValueError, match=text):
        check_gradients(model, X, targets, mine, loss="mse", class_weight=CLASSES)


@pytest.mark.parametrize("weights", [{"a": WEIGHTS}, {"a": WEIGHTS, "b": None}], ids=["no key", "None"])
def test_an_output_without_weights_weighs_its_samples_alike(weights: Any) -> None:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, {n: keras.layers.Dense(2, name=n)(inputs) for n in "ab"})
    mine = [g for n, w in (("a", WEIGHTS), ("b", np.ones(6))) for g in _by_hand(model.get_layer(n), Y, w)]
    assert check_gradients(model, X, {"a": Y, "b": Y}, mine, loss="mse", sample_weight=weights).ok
    off = [*mine[:2], *(2 * g for g in mine[2:])]
    assert check_gradients(model, X, {"a": Y, "b": Y}, off, loss="mse", sample_weight=weights).verdict.bad
