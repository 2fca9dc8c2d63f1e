"""Float64 gradients of a model in mixed precision: at inputs and weights as given, or as its layers cast them."""

import itertools

import keras
import numpy as np
import pytest

from gradient_diff import GradientDiff
from gradient_diff.keras import check_gradients
from gradient_diff.result.status import Status
from manual_mlp import Array

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 2))
POLICIES = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


def _model(policy: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = keras.layers.Dense(5, "tanh", dtype=policy), keras.layers.Dense(2, dtype=policy)
    return keras.Sequential([keras.Input((4,)), *layers])


def _rounded(a: Array, dtype: str) -> Array:
    return a.astype(dtype).astype(np.float64)


def _derived(weights: list[Array], x: Array, y: Array) -> list[Array]:
    w1, b1, w2, b2 = weights
    z = np.tanh(x @ w1 + b1)
    d2 = 2 * (z @ w2 + b2 - y) / y.size
    d1 = d2 @ w2.T * (1 - z * z)
    return [x.T @ d1, d1.sum(0), z.T @ d2, d2.sum(0)]


def _hand(model: keras.Model, x: str, y: str, weights: str) -> list[Array]:
    """What is right at numbers in these dtypes."""
    return _derived([_rounded(w, weights) for w in model.get_weights()], _rounded(X, x), _rounded(Y, y))


def _checked(model: keras.Model, mine: list[Array]) -> GradientDiff:
    return check_gradients(model, X, Y, mine, loss="mse")


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES)
def test_what_the_layers_cast_is_right_too(policy: str) -> None:
    model, cast = _model(policy), POLICIES[policy]
    for x, y, w in itertools.product(("float64", "float32", cast), ("float64", "float32"), ("float32", cast)):
        diff = _checked(model, _hand(model, x, y, w))
        assert diff.verdict is Status.MATCH, (x, y, w, diff.headline())
        told = " and ".join(name for name, dtype in (("x", x), ("the weights", w)) if dtype == cast)
        assert all((f"of {told} in {cast}, as the layers compute with" in r.reason) == bool(told) for r in diff)


@pytest.mark.parametrize("policy", POLICIES)
def test_targets_that_no_layer_casts_convict_nobody(policy: str) -> None:
    model, cast = _model(policy), POLICIES[policy]
    diff = _checked(model, _hand(model, cast, cast, cast))
    assert diff.verdict is Status.INCONCLUSIVE
    assert f"these are the gradients of x, y and the weights in {cast}" in diff.headline()
    assert "Leave the targets as they are" in diff.meanings[Status.INCONCLUSIVE].advice


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("rounds_y", [True, False])
@pytest.mark.parametrize("place", [0, 3])
def test_a_mistake_is_one_at_any_of_them(policy: str, rounds_y: bool, place: int) -> None:
    model, cast = _model(policy), POLICIES[policy]
    mine = _hand(model, cast, cast if rounds_y else "float64", cast)
    mine[place] = mine[place] * (1 + 1e-6)
    assert _checked(model, mine).verdict is Status.MISMATCH


def test_many_inputs_are_rounded_all_alike() -> None:
    inputs = [keras.Input((2,)) for _ in range(4)]
    joined = keras.layers.Concatenate(dtype="mixed_float16")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, dtype="mixed_float16")(joined))
    parts = [RNG.normal(size=(6, 2)) for _ in inputs]
    w, b = (_rounded(a, "float16") for a in model.get_weights())
    z = np.concatenate([_rounded(a, "float16") for a in parts], 1)
    e = 2 * (z @ w + b - _rounded(Y, "float16")) / Y.size
    assert check_gradients(model, parts, Y, [z.T @ e, e.sum(0)], loss="mse").verdict is Status.INCONCLUSIVE
