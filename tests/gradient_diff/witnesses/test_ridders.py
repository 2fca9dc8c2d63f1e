from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np
import pytest

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from gradient_diff.witnesses.ridders import ridders

FUNCTIONS: dict[str, tuple[Callable[[float], float], float]] = {
    "exp": (math.exp, 1.0),
    "sin": (lambda h: math.sin(3 * h), 3.0),
    "tanh": (lambda h: math.tanh(h + 0.5), 1 - math.tanh(0.5) ** 2),
    "square": (lambda h: (h + 2) ** 2, 4.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_derivative_is_within_its_own_error(name: str) -> None:
    function, truth = FUNCTIONS[name]
    derivative, error = ridders(function)
    assert abs(derivative - truth) <= max(10 * error, 1e-12 * abs(truth))
    assert error < 1e-9


def test_a_kink_gives_a_large_error() -> None:
    assert ridders(lambda h: max(h + 0.01, 0.0))[1] > 1e-4


def functional_model() -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,), dtype="float64")
    left = keras.layers.Dense(5, "gelu", dtype="float64")(inputs)
    right = keras.layers.Dense(5, "tanh", dtype="float64")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, dtype="float64")(left + right))


def test_a_model_that_the_house_does_not_know_gets_a_witness() -> None:
    model = functional_model()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 4)), rng.normal(size=(7, 2))
    right = check_gradients(model, x, y, lambda parameters, x, y: {n: 0 * a for n, a in parameters.items()}, loss="mse")
    truth = dict(right.reference)
    assert check_gradients(model, x, y, truth, loss="mse").verdict is Status.MATCH
    name = next(iter(truth))
    planted = {**truth, name: truth[name] * 1.001}
    diff = check_gradients(model, x, y, planted, loss="mse")
    assert diff[name].status is Status.MISMATCH
    assert "Ridders" in diff[name].reason
