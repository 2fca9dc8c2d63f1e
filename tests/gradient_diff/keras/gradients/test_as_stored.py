"""Float64 gradients of a float32 model: at the data as given or as the model takes them, and at whose weights?"""

from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff import GradientDiff
from gradient_diff.keras import check_gradients
from gradient_diff.result.status import Status
from manual_mlp import Array

pytestmark = [pytest.mark.usefixtures("unnamed"), pytest.mark.matrix]

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


@pytest.mark.slow
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


def _with_kinks() -> tuple[keras.Model, Weights, Array, Array]:
    """Decimal numbers, of which several sums are 0, or not, by how they were rounded."""
    rng = np.random.default_rng(4)

    def decimal(*shape: int) -> Array:
        return np.asarray(np.round(rng.integers(-9, 10, shape) / 10, 1))

    weights, x, y = [decimal(3, 4), np.zeros(4), decimal(4, 2), np.zeros(2)], decimal(8, 3), decimal(8, 2)
    x[0], weights[0][:, 0] = [0.1, 0.2, -0.3], 1
    x[1], weights[0][:, 1] = [1.0, 1.0, -1.0], [0.1, 0.2, 0.3]
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.set_weights(weights)
    return model, weights, x, y


def _derived_by_relu(weights: Weights, x: Array, y: Array) -> Weights:
    w1, b1, w2, b2 = weights
    u = x @ w1 + b1
    z = np.maximum(u, 0)
    d2 = 2 * (z @ w2 + b2 - y) / y.size
    d1 = d2 @ w2.T * (u > 0)
    return [x.T @ d1, d1.sum(0), z.T @ d2, d2.sum(0)]


@pytest.mark.parametrize("own_weights", [True, False])
@pytest.mark.parametrize("rounds", [True, False])
def test_a_kink_that_rounding_leads_over_accuses_nobody(own_weights: bool, rounds: bool) -> None:
    model, weights, x, y = _with_kinks()
    at = weights if own_weights else [_rounded(w) for w in weights]
    data = (_rounded(x), _rounded(y)) if rounds else (x, y)
    mine = _derived_by_relu(at, *data)
    diff = check_gradients(model, x, y, mine)
    assert diff.verdict is (Status.INCONCLUSIVE if own_weights else Status.MATCH), diff.headline()
    mine[2] = mine[2] * 1.001
    assert check_gradients(model, x, y, mine).verdict is Status.MISMATCH


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sixteen_bits_hold_weights_rounded_too(dtype: str) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, dtype=dtype)])
    w, b = OWN[0][:, :2], OWN[1][:2]
    model.set_weights([w, b])
    e = 2 * (X @ w + b - Y) / Y.size
    assert check_gradients(model, X, Y, [X.T @ e, e.sum(0)], loss="mse").verdict is Status.INCONCLUSIVE
    assert check_gradients(model, X, Y, [1.5 * X.T @ e, e.sum(0)], loss="mse").verdict is Status.MISMATCH


@pytest.mark.parametrize("rounds", [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
def test_each_of_several_inputs_may_be_rounded(rounds: tuple[int, int, int]) -> None:
    inputs = keras.Input((4,)), keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Concatenate()(inputs)))
    model.compile("sgd", "mse")
    rng = np.random.default_rng(2)
    data = [rng.normal(size=s) for s in ((6, 4), (6, 2), (6, 2))]
    a, b, y = (_rounded(v) if r else v for v, r in zip(data, rounds, strict=True))
    w, bias = (v.astype(np.float64) for v in model.get_weights())
    z = np.concatenate([a, b], 1)
    e = 2 * (z @ w + bias - y) / y.size
    diff = check_gradients(model, data[:2], data[2], [z.T @ e, e.sum(0)])
    assert diff.verdict is Status.MATCH, diff.headline()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rounds", [True, False])
def test_a_slip_of_the_seventh_digit_is_told_where_other_rows_show_the_weights(kind: str, rounds: bool) -> None:
    data = (_rounded(X), _rounded(Y)) if rounds else (X, Y)
    mine = _derived(HELD, *data)
    mine[0] = mine[0] * (1 + 1e-7)
    assert _checked(kind, mine).verdict is Status.MISMATCH
