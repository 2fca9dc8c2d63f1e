from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.students.slips import Slip
from gradient_diff import GradientDiff, Status, compare
from manual_mlp import MLP, Dense, Problem


def test_errors_in_place_of_deltas_are_named(rightly_named: Callable[[str], None]) -> None:
    rightly_named("derivative_not_sent_down")


def test_as_a_best_selling_book_writes_it() -> None:
    """Two layers of sigmoids; W2 gets its f′, and what is sent to W1 is the bare error."""
    rng = np.random.default_rng(0)
    mlp = MLP(4, [Dense(5, "sigmoid", use_bias=False), Dense(3, "sigmoid", use_bias=False)])
    w, x, y = mlp.initialize(0), rng.normal(size=(7, 4)), rng.uniform(size=(7, 3))
    z1 = 1 / (1 + np.exp(-x @ w["dense_1/kernel"]))
    z2 = 1 / (1 + np.exp(-z1 @ w["dense_2/kernel"]))
    errors = z2 - y
    hidden = errors @ w["dense_2/kernel"].T
    mine = {"dense_1/kernel": x.T @ (hidden * z1 * (1 - z1)), "dense_2/kernel": z1.T @ (errors * z2 * (1 - z2))}
    diff = compare(mine, mlp.backpropagate(w, x, y, "half_sum_squared_error"))
    (cause,) = diff.causes
    assert (diff.verdict, cause.id, cause.layer) == (Status.MISMATCH, "derivative_not_sent_down", "dense_2")
    assert (cause.written, cause.right) == ("dE/dz_prev = dE/dz Wᵀ", "dE/dz_prev = δ Wᵀ")


@pytest.mark.parametrize("layer", [None, 1, 2])
def test_the_layer_is_named_or_that_it_is_all_of_them(
    layer: int | None, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    (cause,) = diff(problem("sigmoid output"), Slip("derivative_not_sent_down", layer)).causes
    assert (cause.id, cause.layer) == ("derivative_not_sent_down", "" if layer is None else f"dense_{layer + 1}")


def test_with_another_mistake_both_are_named(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    found = diff(problem("sigmoid output"), Slip("derivative_not_sent_down", 2), Slip("factor_two", form="2")).causes
    assert {"derivative_not_sent_down", "factor_two"} <= {cause.id for cause in found}
