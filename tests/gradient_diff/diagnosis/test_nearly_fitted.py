"""Nets whose gradient is nearly nothing: what any hand would fit as well is claimed of none."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff import compare, diagnose, rounding_noise
from gradient_diff.diagnosis.reenactment.enact import Committed, residual
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import MLP, Dense, Evaluation, gradient_node

SCALES = (1e-16, 1e-12, 1e-9, 1e-7, 1e-5, 1e-3, 1e-1, 1.0)
"""Of a random hand, relative to the right gradient."""


def fitted(rest: float, dtype: str, loss: str = "sum_squared_error", seed: int = 0) -> Evaluation:
    rng = np.random.default_rng(seed)
    mlp = MLP(4, [Dense(6, "tanh"), Dense(3)])
    weights = {n: a.astype(dtype) for n, a in mlp.initialize(seed).items()}
    x = rng.normal(size=(5, 4)).astype(dtype)
    y = mlp.predict(weights, x) + rest * rng.normal(size=(5, 3))
    return mlp.backpropagate(weights, x, y.astype(dtype), loss)


def at_random(e: Evaluation, size: float, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {n: (size * rng.normal(size=g.shape)).astype(g.dtype) for n, g in e.gradients.items()}


def largest(e: Evaluation) -> float:
    return max(float(np.abs(g).max()) for g in e.gradients.values())


@pytest.mark.matrix(most=4)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("dtype", "rest"), [("f4", 1e-4), ("f4", 1e-2), ("f8", 1e-12), ("f8", 1e-4)])
def test_a_random_hand_is_never_named(scale: float, dtype: str, rest: float) -> None:
    for seed in range(2):
        e = fitted(rest, dtype, seed=seed)
        assert compare(at_random(e, scale * largest(e), seed), e).causes == ()


@pytest.mark.parametrize("size", [1e-14, 1e-10, 1e-4, 1.0])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_nor_is_one_where_the_right_gradient_is_rounding_alone(dtype: str, size: float) -> None:
    e = fitted(0.0, dtype, "mse")
    assert compare(at_random(e, size), e).causes == ()


def test_one_random_gradient_is_no_mistake_in_all() -> None:
    e = fitted(1e-4, "f4")
    assert compare({**e.gradients, "dense_1/kernel": at_random(e, 1e-3)["dense_1/kernel"]}, e).causes == ()


def test_a_fitted_rate_of_noise_is_no_mistake() -> None:
    rng = np.random.default_rng(0)
    mlp = MLP(4, [Dense(6, "tanh"), Dense(3, "softmax")])
    weights = {n: a.astype("f4") for n, a in mlp.initialize(0).items()}
    x, y = rng.normal(size=(5, 4)).astype("f4"), np.eye(3, dtype="f4")[rng.integers(0, 3, 5)]
    e = mlp.backpropagate(weights, x, y, "categorical_crossentropy")
    assert [diagnose(at_random(e, 1e-5, seed), e) for seed in range(6)] == [()] * 6


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_is_visible_stays_named(dtype: str) -> None:
    e = fitted(1e-4, dtype)
    assert diagnose({n: -g for n, g in e.gradients.items()}, e)[0].id == "sign"
    assert diagnose({n: 2 * g for n, g in e.gradients.items()}, e)[0].id == "factor_two"
    root = e.gradients["dense_1/bias"].dtype.type(1 / (2 * np.sqrt(e.loss)))
    assert "other_loss" in [c.id for c in diagnose({n: root * g for n, g in e.gradients.items()}, e)]


@pytest.mark.parametrize(("dtype", "rest"), [("f4", 1e-4), ("f8", 1e-12), ("f8", 1.0)])
def test_zeros_are_zeros_or_the_networks_own_targets(dtype: str, rest: float) -> None:
    e = fitted(rest, dtype)
    first, *_ = compare({n: 0 * g for n, g in e.gradients.items()}, e).causes
    assert first.id == "missing_gradient"
    assert set(first.same_as) <= {"wrong_target"}


def test_the_root_of_an_error_lost_in_its_rounding_is_not_asked_for() -> None:
    e = fitted(1e-12, "f8")
    factor = 1 / (2 * np.sqrt(e.loss))
    causes = diagnose({n: factor * g for n, g in e.gradients.items()}, e)
    assert "other_loss" not in [c.id for c in causes]


def test_an_explanation_leaves_nothing_only_where_it_explains_something() -> None:
    e = fitted(1.0, "f8")
    hand = {gradient_node(n): 2 * g for n, g in e.gradients.items()}
    scene = Scene(e.problem, rounding_noise(e.problem, "float64"), hand)
    nothing = Committed("none", "", "", finish=lambda arrays: {n: 0 * a for n, a in arrays.items()})
    double = Committed("double", "", "", finish=lambda arrays: {n: 2 * a for n, a in arrays.items()})
    assert residual(scene, [double]) <= 1
    assert residual(scene, [nothing]) == np.inf


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_shape_tells_what_lost_values_cannot(dtype: str) -> None:
    e = fitted(0.0, dtype, "mse")  # the gradient is rounding alone
    delta = e.nodes["dense_1/dE_du"]
    causes = compare({**e.gradients, "dense_1/bias": delta}, e).causes
    assert [(c.id, c.layer) for c in causes] == [("bias_not_summed", "dense_1")]
    assert compare({**e.gradients, "dense_1/bias": np.ones((5, 7), dtype)}, e).causes == ()
