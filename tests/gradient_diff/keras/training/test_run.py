"""What both sides of a training share: who is right, how far weights have drifted, the dtype that Keras takes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff.keras.training.run import correct, drift
from keras_mlp.extend import floatx
from manual_mlp import Loss


@pytest.mark.parametrize(
    ("output", "y", "loss", "right"),
    [
        ([[1, 2], [4, 3]], [1, 1], Loss("sparse_categorical_crossentropy", from_logits=True), [True, False]),
        ([[0.1, 0.9], [0.6, 0.4]], [[0, 1], [0, 1]], Loss("categorical_crossentropy"), [True, False]),
        ([[0.1, 0.9], [0.6, 0.4]], [[0, 1], [0, 1]], Loss("quadratic_cost"), [True, False]),
        ([[0.4], [0.6]], [[0], [0]], Loss("binary_crossentropy"), [True, False]),
        ([[0.4], [-0.6]], [[0], [0]], Loss("binary_crossentropy", from_logits=True), [False, True]),
        ([[0.4, 0.6]], [[1, 1]], Loss("binary_crossentropy"), None),  # several labels a sample
        ([[0.4, 0.6]], [[0.5, 0.5]], Loss("categorical_crossentropy"), None),
        ([[0.4]], [[0.3]], Loss("mean_squared_error"), None),
    ],
)
def test_which_samples_are_given_their_class(output: Any, y: Any, loss: Loss, right: list[bool] | None) -> None:
    found = correct(np.array(output), np.array(y), loss)
    assert (None if found is None else found.tolist()) == right


def test_drift_is_relative_over_all_parameters() -> None:
    reference = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    assert drift({"a": np.array([3.0, 0.3]), "b": np.array([[4.4]])}, reference) == pytest.approx(0.1, rel=1e-12)
    assert drift(reference, reference) == 0
    zeros = {"a": np.zeros(2)}
    assert drift(zeros, zeros) == 0
    assert drift({"a": np.ones(2)}, zeros) == np.inf


def test_drift_of_float32_is_computed_in_float64() -> None:
    reference = {"a": np.ones(1, np.float32)}
    assert drift({"a": np.array([1 + 2.0**-23], np.float32)}, reference) == 2.0**-23


def test_floatx_is_put_back_after_an_error() -> None:
    with pytest.raises(RuntimeError, match="float64"), floatx("float64"):
        raise RuntimeError(keras.config.floatx())
    assert keras.config.floatx() == "float32"
