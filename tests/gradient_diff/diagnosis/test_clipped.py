"""Right gradients that were clipped afterwards, and wrong ones that look a little like it."""

import numpy as np
import pytest

from gradient_diff import GradientDiff, Status, compare
from manual_mlp import MLP, Array, Dense, Evaluation

WAYS = ("value", "norm", "global")


@pytest.fixture(scope="module", params=["float64", "float32"])
def right(request: pytest.FixtureRequest) -> Evaluation:
    mlp, rng = MLP(4, [Dense(5, "tanh"), Dense(3)]), np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)), 3 * rng.normal(size=(8, 3))
    w = {n: a.astype(request.param) for n, a in mlp.initialize(0).items()}
    return mlp.backpropagate(w, x.astype(request.param), y.astype(request.param), "mse")


def clipped(e: Evaluation, way: str, most: float) -> dict[str, Array]:
    """As Keras clips: clipvalue, clipnorm, global_clipnorm."""
    every = float(np.sqrt(sum(np.square(g).sum() for g in e.gradients.values())))

    def one(g: Array) -> Array:
        if way == "value":
            return np.clip(g, -most, most)
        norm = every if way == "global" else float(np.linalg.norm(g))
        return g * min(1.0, most / norm)

    return {n: one(g).astype(g.dtype) for n, g in e.gradients.items()}


def said(hand: dict[str, Array], e: Evaluation) -> GradientDiff:
    diff = compare(hand, e)
    assert diff.verdict is Status.MISMATCH
    return diff


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("most", [0.1, 0.37])
def test_a_clip_is_told(right: Evaluation, way: str, most: float) -> None:
    diff = said(clipped(right, way, most), right)
    assert diff.causes == ()
    assert "clipped" in diff.unexplained
    assert f"{most:g}" in diff.unexplained
    assert "Hand over the gradients as they were before" in diff.unexplained


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("node", ["dense_1/kernel", "dense_2/bias"])
def test_a_mistake_beneath_a_clip_is_not_excused(right: Evaluation, way: str, node: str) -> None:
    hand = clipped(right, way, 0.37)
    hand[node] = hand[node] * right.problem.dtype.type(0.99)
    assert "clipped" not in said(hand, right).unexplained


@pytest.mark.parametrize("factor", [2.0, 0.5, 0.012345, -1.0])
def test_a_factor_is_no_clip(right: Evaluation, factor: float) -> None:
    hand = {n: right.problem.dtype.type(factor) * g for n, g in right.gradients.items()}
    diff = said(hand, right)
    assert diff.causes
    assert "clipped" not in diff.unexplained


def test_one_array_of_another_size_is_no_clip(right: Evaluation) -> None:
    hand = {**right.gradients, "dense_1/kernel": right.problem.dtype.type(0.87654) * right.gradients["dense_1/kernel"]}
    assert said(hand, right).causes[0].id == "stray_constant"
