"""Gradients and steps of a Keras model at the edge of their dtype: judged, with no warning and no exception."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradient_diff.keras import check_gradients
from gradient_diff.noise.network import update_bound
from gradient_diff.stepping.step import inferred_gradients
from keras_mlp import parameters_of
from manual_mlp import MLP, Array, Dense

NET = MLP(3, [Dense(4, "tanh"), Dense(2)])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
QUICK = "in turn"
VALUES = [QUICK, *(pytest.param(v, marks=pytest.mark.slow) for v in ("the largest", "the smallest", "Inf"))]
KINDS = [
    "known float64",
    *(pytest.param(k, marks=pytest.mark.slow) for k in ("known float32", "functional float64", "functional float32")),
]
STEPS: dict[str, dict[str, Any]] = {
    "a rate": {"learning_rate": 0.1},
    "a tiny rate": {"learning_rate": 1e-300},
    "a huge rate": {"learning_rate": 1e300},
    "adam": {"optimizer": "adam"},
    "nobody says": {},
}


def _filled(value: str, like: Array) -> Array:
    about = np.finfo(like.dtype)
    numbers = {"the largest": [about.max], "the smallest": [about.smallest_subnormal], "Inf": [np.inf]}
    numbers["in turn"] = [about.max, about.smallest_subnormal, -about.max]
    return np.resize(np.array(numbers[value], like.dtype), like.shape)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_absurd_hand_does_not_pass(kind: str, value: str, build: Any) -> None:
    model = build(kind, NET, NET.initialize(0))
    hand = {n: _filled(value, a) for n, a in parameters_of(model).items()}
    assert not check_gradients(model, X, Y, hand, loss="mse").ok


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "step", [*list(STEPS)[:2], *(pytest.param(s, marks=pytest.mark.slow) for s in list(STEPS)[2:])]
)
@pytest.mark.parametrize("kind", KINDS)
def test_an_absurd_step_does_not_pass(kind: str, step: str, value: str, build: Any) -> None:
    model = build(kind, NET, NET.initialize(0))
    after = {n: _filled(value, a) for n, a in parameters_of(model).items()}
    assert not check_gradients(model, X, Y, after=after, loss="mse", **STEPS[step]).ok


@pytest.mark.parametrize("scale", [1e-170, 1e-300, 1e150])
@pytest.mark.parametrize("step", [pytest.param(s, marks=pytest.mark.slow) for s in STEPS])
@pytest.mark.parametrize("up", [True, False])
def test_data_whose_squares_are_lost_accuse_nobody_of_a_right_step(
    scale: float, step: str, up: bool, build: Any
) -> None:
    """In squares of gradients of 1e-170 nothing is left: no division by their sum."""
    weights = NET.initialize(0)
    right = NET.backpropagate(weights, scale * X, Y, "mse").gradients
    after = {n: w + (0.1 if up else -0.1) * right[n] for n, w in weights.items()}
    diff = check_gradients(build("known float64", NET, weights), scale * X, Y, after=after, loss="mse", **STEPS[step])
    assert not (up and diff.ok)


@pytest.mark.parametrize("power", [0.45, 0.99])
@pytest.mark.parametrize("kind", ["known float64", pytest.param("functional float64", marks=pytest.mark.slow)])
def test_where_numbers_overflow_rounding_is_unknown_and_nothing_is_named(kind: str, power: float, build: Any) -> None:
    weights, x = NET.initialize(0), X * np.finfo(np.float64).max ** power
    with np.errstate(all="ignore"):
        right = NET.backpropagate(weights, x, Y, "mse").gradients
    diff = check_gradients(build(kind, NET, weights), x, Y, {n: -g for n, g in right.items()}, loss="mse")
    assert not diff.ok


@pytest.mark.parametrize("rate", [1e-320, 1e300])
def test_whatever_a_rate_makes_of_weights_is_a_number_or_none(rate: float) -> None:
    before, after = {"w": np.array([1.0, 1e300, np.inf])}, {"w": np.array([2.0, -1e300, np.inf])}
    assert inferred_gradients(before, after, rate)["w"].shape == (3,)
    assert update_bound(before["w"], after["w"], rate)[1] > 0
