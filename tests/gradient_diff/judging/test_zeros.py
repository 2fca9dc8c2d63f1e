"""A zero that must be zero is proved; one of these data, or lost in rounding, is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gradient_diff import Status, compare
from gradient_diff.judging import zeros
from gradient_diff.judging.zeros import BY_STRUCTURE, zero_by_structure
from manual_mlp import MLP, Activation, Dense, Dropout, Evaluation, Problem, evaluation_of, gradient_node

CCE = "categorical_crossentropy"


def _problem(mlp: MLP, loss: str = "mse", batch: int = 6, dtype: str = "float64", **changes: float) -> Problem:
    rng = np.random.default_rng(0)
    w = mlp.initialize(rng, bias_initializer="normal(0.5)", dtype=dtype)
    for name, value in changes.items():
        w[name.replace("__", "/")][...] = value
    x, y = rng.normal(size=(batch, mlp.inputs)), rng.normal(size=(batch, mlp.units[-1]))
    targets = np.eye(mlp.units[-1])[rng.integers(0, mlp.units[-1], batch)] if loss == CCE else y
    return mlp.problem(w, x, targets, loss, draws=mlp.draws(1, batch, dtype))


ONE_CLASS = MLP(3, [Dense(4, "tanh"), Dense(1, "softmax")])  # p is 1, whatever the weights are


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", ["mse", CCE])
def test_a_softmax_of_one_unit_has_no_gradient_on_any_data(loss: str, dtype: str) -> None:
    evaluation = evaluation_of(_problem(ONE_CLASS, loss, dtype=dtype))
    zero = {n: np.zeros_like(g) for n, g in evaluation.gradients.items()}
    for hand in (zero, evaluation.gradients):
        diff = compare(hand, evaluation)
        assert {row.status for row in diff} == {Status.MATCH}
        assert {row.reason for row in diff} == {BY_STRUCTURE}
        assert diff.ok
        assert diff.exit_code() == 0


def test_what_is_not_zero_where_it_must_be_is_wrong() -> None:
    evaluation = evaluation_of(_problem(ONE_CLASS))
    hand = {n: g + 1e-9 for n, g in evaluation.gradients.items()}
    assert {row.status for row in compare(hand, evaluation)} == {Status.MISMATCH}


DEAD = {
    "a layer": _problem(MLP(3, [Dense(4, "relu"), Dense(2)]), dense_1__bias=-100),
    "a layer, one sample": _problem(MLP(3, [Dense(1, "relu"), Dense(2)]), batch=1, dense_1__bias=-100),
    "an Activation": _problem(MLP(3, [Dense(4), Activation("relu"), Dense(2)]), dense_1__bias=-100),
    "saturated": _problem(MLP(3, [Dense(4, "sigmoid"), Dense(2)]), dense_1__bias=800),
    "weights": _problem(MLP(3, [Dense(4, "tanh"), Dense(2)]), dense_2__kernel=0),
    "x": replace(_problem(MLP(3, [Dense(4, "tanh"), Dense(2)])), x=np.zeros((6, 3))),
}


@pytest.mark.parametrize("title", DEAD)
def test_a_zero_of_these_data_is_not_proved(title: str) -> None:
    evaluation = evaluation_of(DEAD[title])
    diff = compare(evaluation.gradients, evaluation)
    assert diff.verdict is Status.MATCH
    assert gradient_node("dense_1/kernel") in diff.unproved
    assert gradient_node("dense_2/bias") not in diff.unproved
    assert not diff.ok
    assert diff.exit_code() == 2
    assert diff.headline().startswith(f"MATCH, but {len(diff.unproved)} of 4 rows prove")


def test_the_reason_says_which_units_or_what_else_is_zero() -> None:
    def reason(title: str, name: str = "dense_1/kernel") -> str:
        evaluation = evaluation_of(DEAD[title])
        return compare(evaluation.gradients, evaluation)[name].reason

    assert "f′(u) is 0 for all 4 units of dense_1 in every sample (u is -1" in reason("a layer")
    assert "f(u) is 0 for all 4 units of dense_1" in reason("a layer", "dense_2/kernel")
    assert "all entries of dense_2/kernel are 0" in reason("weights")
    assert "all entries of x are 0" in reason("x")
    dropped = _problem(MLP(3, [Dense(4, "tanh"), Dropout(0.5), Dense(2)]))
    dropped = replace(dropped, draws={n: 0 * m for n, m in dropped.draws.items()})
    whole = evaluation_of(dropped)
    assert "all entries of dropout_1/mask are 0" in compare(whole.gradients, whole)["dense_1/kernel"].reason


def test_where_the_outputs_meet_the_targets_e_has_no_slope() -> None:
    problem = _problem(MLP(3, [Dense(2)]))
    met = replace(problem, y=evaluation_of(problem).nodes["dense_1/z"])
    diff = compare(evaluation_of(met).gradients, evaluation_of(met))
    assert diff.verdict is Status.VACUOUS
    assert "E has no slope at these outputs" in diff["dense_1/kernel"].reason


def test_what_is_lost_in_rounding_says_so() -> None:
    problem = _problem(MLP(3, [Dense(4, "sigmoid"), Dense(2)]), dtype="float32")
    met = replace(problem, y=evaluation_of(problem).nodes["dense_2/z"])  # but for rounding
    diff = compare(evaluation_of(met).gradients, evaluation_of(met))
    assert len(diff.unproved) == 4
    assert all("is lost in rounding noise: zeros would pass too" in diff[n].reason for n in diff.unproved)


def test_zeros_for_everything_pass_nowhere() -> None:
    for title, problem in DEAD.items():
        evaluation = evaluation_of(problem)
        diff = compare({n: 0 * g for n, g in evaluation.gradients.items()}, evaluation)
        assert diff.verdict is Status.MISMATCH, title


def test_two_evaluations_are_asked_for_every_node() -> None:
    evaluation = evaluation_of(DEAD["a layer"])
    other = Evaluation(evaluation.nodes, evaluation.problem, "another")
    unproved = compare(evaluation, other).unproved
    assert {"dense_1/z", "dense_1/dE_du", gradient_node("dense_1/kernel")} <= set(unproved)


def test_on_one_other_problem_alone_chance_would_prove(monkeypatch: pytest.MonkeyPatch) -> None:
    """One unit is off on one sample with a chance of a half."""
    problem = DEAD["a layer, one sample"]
    node = gradient_node("dense_1/kernel")
    assert zero_by_structure(problem, {node}) == set()
    monkeypatch.setattr(zeros, "OTHERS", 0)
    assert zero_by_structure(problem, {node}) == {node}
