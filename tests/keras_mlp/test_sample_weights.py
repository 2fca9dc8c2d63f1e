"""Weights as `fit` takes them, one by one or by class: the same numbers, and what it would round is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

from gradient_diff import compare
from keras_mlp import backpropagate, parameters_of, to_keras
from keras_mlp.extend import sample_weights_of
from manual_mlp import MLP, Dense

CLASSES = {0: 0.25, 2: 3.0}


def test_without_either_there_are_none() -> None:
    assert sample_weights_of(np.ones(3), None, None) is None


@pytest.mark.parametrize("given", [[1, 0, 2], np.array([[1.0], [0], [2]], "float32"), np.array([True, False, True])])
def test_weights_of_samples_are_what_they_are(given: Any) -> None:
    found = sample_weights_of(np.ones((3, 2)), given, None)
    assert np.array_equal(found, given)
    assert np.shape(found) == np.shape(given)


@pytest.mark.parametrize("given", [np.ma.masked_array([1.0, 2, 3], [0, 1, 0]), [np.ma.masked_array([1.0])] * 3])
def test_nobody_weighs_through_a_mask(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^sample_weight is a masked array: what is masked is no number\. Pass array"):
        sample_weights_of(np.ones((3, 2)), given, None)


def test_rows_of_several_lengths_are_told() -> None:
    with pytest.raises(ValueError, match=r"^sample_weight cannot be read as an array: "):
        sample_weights_of(np.ones((2, 2)), [[1.0], [1.0, 2.0]], None)


TARGETS: dict[str, Any] = {
    "labels": np.array([2, 0, 1, 0]),
    "labels as floats": np.array([2.0, 0, 1, 0], "float32"),
    "a column of labels": np.array([[2], [0], [1], [0]]),
    "one-hot": np.eye(3)[[2, 0, 1, 0]],
    "a list": [2, 0, 1, 0],
    "smoothed": 0.9 * np.eye(3)[[2, 0, 1, 0]] + 0.1 / 3,
    "ties": np.array([[0.5, 0.5, 0], [0, 0.5, 0.5], [1, 1, 1]]),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_weights_of_classes_are_those_of_fit(kind: str) -> None:
    y = TARGETS[kind]
    found = sample_weights_of(y, None, CLASSES)
    assert np.array_equal(found, class_weight_to_sample_weights(np.asarray(y), CLASSES))
    assert kind == "ties" or found.tolist() == [3, 0.25, 1, 0.25]  # class 1 is not in it and weighs 1


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_a_step_of_fit_with_class_weight_is_the_weighed_gradient(
    loss: str, mode: Any, case: Callable[..., Any]
) -> None:
    c = case(loss, "softmax", dtype="float32")
    tape, model = backpropagate(c.model, c.x, c.y, c.loss, mode, class_weight=CLASSES), c.model
    model.compile(keras.optimizers.SGD(1.0), loss)
    model.fit(c.x, c.y, batch_size=5, verbose=0, class_weight=CLASSES)
    for n, after in parameters_of(model).items():
        np.testing.assert_allclose(c.parameters[n] - after, tape.gradients[n], rtol=1e-4, atol=1e-6)
    assert compare(c.hand(sample_weights_of(c.y, None, CLASSES)), tape).ok
    assert not np.allclose(c.hand().gradients["dense_1/kernel"], tape.gradients["dense_1/kernel"], rtol=1e-2)


def test_both_at_once_are_refused_as_fit_refuses_them(case: Callable[..., Any]) -> None:
    c = case()
    model = c.model
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="class_weight"):
        model.fit(c.x, c.y, sample_weight=c.weights, class_weight=CLASSES, verbose=0)
    text = (
        "^sample_weight and class_weight were both given, and fit takes one of them. "
        "Leave one out, or multiply them into one sample_weight.$"
    )
    with pytest.raises(ValueError, match=text):
        backpropagate(model, c.x, c.y, c.loss, sample_weight=c.weights, class_weight=CLASSES)


REFUSED: list[tuple[Any, Any, Any, type[Exception], str]] = [
    ([1, 2], [1.0], None, ValueError, "sample_weight is (1,), y has 2 samples: one for each."),
    ([1, 2], 1.0, None, ValueError, "sample_weight is (), y has 2 samples: one for each."),
    ([1, 2], [1, -2], None, ValueError, "sample_weight[1] is -2: expected finite numbers of 0 and above."),
    ([1], [[np.nan]], None, ValueError, "sample_weight[0, 0] is nan: expected finite numbers of 0 and above."),
    ([1], [np.inf], None, ValueError, "sample_weight[0] is inf: expected finite numbers of 0 and above."),
    ([1], ["a"], None, TypeError, "sample_weight is an array of <U1: expected numbers."),
    ([1], None, [1.0], TypeError, "class_weight is list: expected a dict, class → weight, such as {0: 1, 1: 5}."),
    ([1], None, {"1": 1.0}, TypeError, "class_weight names '1': expected classes as whole numbers, 0, 1, …."),
    ([1], None, {1: -1.0}, ValueError, "class_weight[1] is -1.0: expected a finite number of 0 and above."),
    ([1], None, {1: np.nan}, ValueError, "class_weight[1] is nan: expected a finite number of 0 and above."),
    ([1], None, {1: "2"}, TypeError, "class_weight[1] is '2': expected a number."),
    (
        [0, 0.3],
        None,
        CLASSES,
        ValueError,
        ("class_weight belongs to classes, but y holds 0.3, which is none: fit would round it. Use sample_weight."),
    ),
    (
        [[0, 1.3]],
        None,
        CLASSES,
        ValueError,
        "class_weight belongs to classes, but y holds numbers outside 0 to 1. Use sample_weight.",
    ),
    (
        np.ones((2, 3, 4)),
        None,
        CLASSES,
        ValueError,
        "class_weight takes one class per sample, y is (2, 3, 4): expected (N,), (N, 1) or (N, K).",
    ),
    (["a"], None, CLASSES, TypeError, "class_weight belongs to classes, but y is an array of <U1: expected numbers."),
]


@pytest.mark.parametrize(("y", "sample", "classes", "error", "message"), REFUSED)
def test_what_weighs_nothing_is_refused(
    y: Any, sample: Any, classes: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        sample_weights_of(y, sample, classes)
    assert str(caught.value) == message


def test_the_tape_refuses_weights_per_timestep_as_the_hand_does() -> None:
    mlp = MLP(2, [Dense(1)])
    with pytest.raises(ValueError, match=r"sample_weight is \(3, 2\), but E = c Σ_n w_n e_n has one weight per sample"):
        backpropagate(
            to_keras(mlp, mlp.initialize(0)), np.ones((3, 2)), np.ones((3, 1)), "mse", sample_weight=np.ones((3, 2))
        )
