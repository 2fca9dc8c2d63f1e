"""Float64 gradients of a float32 model: at the data as given or as the model takes them, and at whose weights?"""

from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff import GradientDiff
from gradient_diff.keras import check_gradients
from gradient_diff.result.status import Status
from manual_mlp import Array

Weights = list[Array]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 2))
OWN = [RNG.normal(size=s) for s in ((4, 5), (5,), (5, 2), (2,))]
KINDS = ("Sequential", "functional")


def _rounded(a: Array) -> Array:
    return a.astype(np.float32).astype(np.float64)


HELD = [_rounded(w) for w in OWN]


def _model(kind: str, dtype: str = "float32") -> keras.Model:
    layers = keras.layers.Dense(5, "tanh", dtype=dtype), keras.layers.Dense(2, dtype=dtype)
    given = keras.Input((4,), dtype=dtype)
    if kind == "Sequential":
        model = keras.Sequential([given, *layers])
    else:
        model = keras.Model(given, layers[1](layers[0](given)))
    model.compile("sgd", "mse")
    model.set_weights(OWN)
    return model


def _derived(weights: Weights, x: Array, y: Array) -> Weights:
    w1, b1, w2, b2 = weights
    z = np.tanh(x @ w1 + b1)
    d2 = 2 * (z @ w2 + b2 - y) / y.size
    d1 = d2 @ w2.T * (1 - z * z)
    return [x.T @ d1, d1.sum(0), z.T @ d2, d2.sum(0)]


def _checked(kind: str, gradients: Any, **options: Any) -> GradientDiff:
    return check_gradients(_model(kind), X, Y, gradients, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rounds_x", [True, False])
@pytest.mark.parametrize("rounds_y", [True, False])
def test_the_data_as_the_model_takes_them_are_right_too(kind: str, rounds_x: bool, rounds_y: bool) -> None:
    data = _rounded(X) if rounds_x else X, _rounded(Y) if rounds_y else Y
    diff = _checked(kind, _derived(HELD, *data))
    assert diff.verdict is Status.MATCH, diff.headline()
    told = " and ".join(name for name, rounds in (("x", rounds_x), ("y", rounds_y)) if rounds)
    assert all((f"of {told} in float32, as the model takes" in row.reason) == bool(told) for row in diff)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", [(X, Y), (_rounded(X), _rounded(Y))])
def test_weights_that_the_model_holds_rounded_convict_nobody(kind: str, data: tuple[Array, Array]) -> None:
    diff = _checked(kind, _derived(OWN, *data))
    assert diff.verdict is Status.INCONCLUSIVE, diff.headline()
    assert "weights that float32 does not hold" in diff.headline()
    assert "get_weights()" in str(diff)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [HELD, OWN])
@pytest.mark.parametrize("place", range(4))
def test_a_mistake_is_one_at_any_weights(kind: str, at: Weights, place: int) -> None:
    wrong = _derived(at, X, Y)
    wrong[place] = wrong[place] * 1.001
    assert _checked(kind, wrong).verdict is Status.MISMATCH


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [1 + 3e-9, 1 - 1e-7])
def test_a_factor_is_no_rounding_of_weights(kind: str, factor: float) -> None:
    assert _checked(kind, [factor * g for g in _derived(HELD, X, Y)]).verdict is Status.MISMATCH


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_that_is_right_shows_the_weights(kind: str) -> None:
    """At weights that differ from the model's by rounding no row would be right to the last digits of float64."""
    nearly = _derived(HELD, X, Y)
    nearly[0] = nearly[0] * (1 + 1e-8 * np.random.default_rng(1).normal(size=nearly[0].shape))
    assert _checked(kind, nearly).verdict is Status.MISMATCH


@pytest.mark.parametrize("kind", KINDS)
def test_a_float64_model_holds_the_weights_that_it_is_given(kind: str) -> None:
    at_rounded = _derived(HELD, X, Y)
    assert check_gradients(_model(kind, "float64"), X, Y, at_rounded).verdict is Status.MISMATCH


def _nearly(parameters: dict[str, Array], x: Array, y: Array) -> Weights:
    noise = np.random.default_rng(1)
    right = _derived([a.astype(np.float64) for a in parameters.values()], x, y)
    return [g * (1 + 1e-8 * noise.normal(size=g.shape)) for g in right]


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_that_reads_its_weights_was_called_at_the_models(kind: str) -> None:
    assert _checked(kind, _nearly, trace=False).verdict is Status.MISMATCH
    idle = _checked(kind, lambda parameters, x, y: _derived(OWN, x, y), trace=False)
    assert idle.verdict is Status.INCONCLUSIVE


def test_in_inference_at_weights_of_ones_own() -> None:
    """Two choices that were left open, one of them training or inference."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), keras.layers.BatchNormalization(epsilon=0.25)])
    model.compile("sgd", "mse")
    kernel, bias, gamma, beta = (RNG.normal(size=s) for s in ((4, 2), (2,), (2,), (2,)))
    model.set_weights([kernel, bias, gamma, beta, np.zeros(2), np.ones(2)])
    u = X @ kernel + bias
    scale = gamma / np.sqrt(1.25)
    d = 2 * (u * scale + beta - Y) / Y.size
    mine = [X.T @ (d * scale), (d * scale).sum(0), (d * u).sum(0) / np.sqrt(1.25), d.sum(0)]
    assert check_gradients(model, X, Y, mine).verdict is Status.INCONCLUSIVE
    mine[0] = mine[0] * 1.001
    assert check_gradients(model, X, Y, mine).verdict is Status.MISMATCH
