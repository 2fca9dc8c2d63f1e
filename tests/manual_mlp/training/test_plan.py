"""What is particular to the plan; that its steps are those of backpropagate is in test_training.py."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from manual_mlp import MLP, Adam, Dense, Dropout, gradient_node
from manual_mlp.training.plan import Batches, Weights

NET = MLP(300, [Dense(50, "tanh"), Dropout(0.3), Dense(40, "sigmoid", kernel_l2=0.1), Dense(2)])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(2300, 300)), RNG.normal(size=(2300, 2))


def prepared(slots: int = 0, batch_size: int = 1000) -> tuple[Weights, Batches]:
    start = NET.initialize(0)
    problem = NET.problem(start, X, Y, "mse", draws=NET.draws(0, len(X)))
    weights = Weights(start, NET, slots)
    return weights, Batches(problem, weights, batch_size, seed=1)


def test_a_step_needs_no_memory_of_its_own() -> None:
    """Beside NumPy's buffers for casts, of 8192 entries; the smallest node of a hidden layer has 40,000."""
    weights, batches = prepared(slots=2)
    rule = Adam().rule(1, X.dtype)
    for _ in batches.epoch():  # the permutation belongs to the epoch
        pass
    plans = iter(batches.epoch())
    next(plans)
    tracemalloc.start()
    try:
        plan = next(plans)
        plan.gradient()
        weights.update(rule)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8192 * 8 + 40_000 * 8 / 2


def test_batches_come_through_the_same_buffers() -> None:
    _, batches = prepared()
    plans = [(plan, plan.batch) for plan in batches.epoch()]
    assert [size for _, size in plans] == [1000, 1000, 300]
    assert plans[0][0] is plans[1][0]
    assert not np.shares_memory(plans[0][0].x, X)


def test_a_full_batch_is_read_where_it_is() -> None:
    start = NET.initialize(0)
    problem = NET.problem(start, X, Y, "mse", draws=NET.draws(0, len(X)))
    (plan,) = Batches(problem, Weights(start, NET, 0), None, seed=1).epoch()
    assert plan.x is problem.x


def test_the_gradients_are_views_of_one_vector() -> None:
    weights, batches = prepared()
    for plan in batches.epoch():
        plan.gradient()
    assert list(weights.gradients) == list(NET.parameter_shapes)
    bases = {id(array.base if array.base.base is None else array.base.base) for array in weights.gradients.values()}
    assert len(bases) == 1


def test_the_gradient_is_that_of_backpropagate_under_the_masks_it_drew() -> None:
    weights, batches = prepared()
    rng = np.random.default_rng(1)
    order, plan = rng.permutation(len(X))[:1000], next(iter(batches.epoch()))
    plan.gradient()
    draws = NET.draws(rng, 1000)
    expected = NET.backpropagate(NET.initialize(0), X[order], Y[order], "mse", draws=draws)
    for name, gradient in weights.gradients.items():
        np.testing.assert_array_equal(gradient, expected.nodes[gradient_node(name)])
    assert plan.loss() == expected.loss


@pytest.mark.parametrize("slots", [0, 1, 3])
def test_a_block_holds_weights_gradients_state_and_two_buffers(slots: int) -> None:
    weights, _ = prepared(slots)
    sizes: list[list[int]] = []
    weights.update(lambda *arrays: sizes.append([len(array) for array in arrays]))
    total = sum(a.size for a in weights.values.values())
    assert {len(block) for block in sizes} == {2 + slots + 2}
    assert all(len(set(block)) == 1 for block in sizes)
    assert sum(block[0] for block in sizes) == total
