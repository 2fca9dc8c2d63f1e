from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manual_mlp import MLP, Dense, Problem, evaluation_of, train
from manual_mlp.equations.operations import Operation, Product
from manual_mlp.equations.penalties import Penalty, PenaltyGradient, Plus
from manual_mlp.network.memory import keep_freed_memory


def test_asking_twice_does_no_harm() -> None:
    keep_freed_memory()
    keep_freed_memory()


def test_bound_calls_give_the_bits_of_evaluate(problems: Callable[..., st.SearchStrategy[Problem]]) -> None:
    """Training runs what `bound` returns, everything else `evaluate`: one formula, two ways to call it."""

    @given(problems(np.float64, weighted=True))
    @settings(deadline=None, max_examples=60)
    def check(problem: Problem) -> None:
        nodes = evaluation_of(problem).nodes
        known = {**problem.environment, **nodes}
        for equation in problem.equations:
            if equation.node == "loss":
                continue
            out = np.full_like(nodes[equation.node], np.nan)
            for call in equation.operation.bound(*[known[o] for o in equation.operands], out=out):
                call()
            assert out.tobytes() == nodes[equation.node].tobytes(), equation.formula

    check()


DECAYED = Plus(Product(), PenaltyGradient(Penalty(l2=0.25)), 2)


@pytest.mark.parametrize(("operation", "plus"), [(Product(), 1.0), (DECAYED, 0.5)])
def test_a_bound_product_reads_its_operands_anew(operation: Operation, plus: float) -> None:
    a, b, c, out = np.ones((2, 3)), np.ones((3, 2)), np.ones((2, 2)), np.empty((2, 2))
    calls = operation.bound(a, b, c, out=out)
    for scale in (1.0, 2.0):
        a[...], c[...] = scale, scale
        for call in calls:
            call()
        assert out.tolist() == [[scale * (3 + plus)] * 2] * 2


def test_training_is_gradient_descent_bit_for_bit() -> None:
    mlp = MLP(3, [Dense(4, "sigmoid"), Dense(4, "relu"), Dense(2)])
    rng = np.random.default_rng(0)
    x, y, w = rng.normal(size=(6, 3)), rng.normal(size=(6, 2)), mlp.initialize(0)
    trained, _ = train(mlp, w, x, y, "mse", learning_rate=0.1, epochs=3)
    for _ in range(3):
        gradients = mlp.backpropagate(w, x, y, "mse").gradients
        w = {name: array - 0.1 * gradients[name] for name, array in w.items()}
    assert all(np.array_equal(trained[name], w[name]) for name in w)


def test_blocks_of_the_update_cover_every_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manual_mlp.training.plan.CACHE_BLOCK", 4)
    test_training_is_gradient_descent_bit_for_bit()
