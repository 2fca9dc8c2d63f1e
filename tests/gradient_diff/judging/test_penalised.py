"""A weight of 0 is a kink of an L1 penalty: any slope from −λ to λ is one of E there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gradient_diff import Status, compare
from gradient_diff.judging.kinks import kink_positions, kinks
from gradient_diff.noise.network import rounding_noise
from manual_mlp import MLP, Array, Dense, Evaluation

L1 = 0.125
MLP_ = MLP(3, [Dense(4, "relu", kernel_l1=L1, activity_l1=0.5), Dense(2, bias_l1=L1)])


def _reference(dtype: str = "float64") -> Evaluation:
    rng = np.random.default_rng(0)
    w = MLP_.initialize(1, bias_initializer="normal(0.3)", dtype=dtype)
    w["dense_1/kernel"][0, :2] = 0
    w["dense_2/bias"][...] = 0
    x, y = (rng.normal(size=(7, n)).astype(dtype) for n in (3, 2))
    return MLP_.backpropagate(w, x, y, "mse")


def _moved(reference: Evaluation, name: str, by: float) -> dict[str, Array]:
    """The gradients with another slope where the weight is 0."""
    zero = reference.problem.parameters[name] == 0
    moved = reference.gradients[name] + np.where(zero, by, 0).astype(reference.problem.dtype)
    return {**reference.gradients, name: moved}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("dense_1/kernel", -1.0),
        ("dense_1/kernel", 0.5),
        ("dense_1/kernel", 1.0),
        ("dense_2/bias", -1),
        ("dense_2/bias", 1),
    ],
)
def test_another_slope_at_0_is_a_kink_and_said_to_be_one(name: str, slope: float, dtype: str) -> None:
    reference = _reference(dtype)
    diff = compare(_moved(reference, name, slope * L1), reference)
    assert diff.verdict is Status.KINK
    (reason,) = [row.reason for row in diff if row.status is Status.KINK]
    assert f"only through units at a kink: {name}[" in reason


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["dense_1/kernel", "dense_2/bias"])
@pytest.mark.parametrize("slope", [-3.0, 2.1, 3.0])
def test_a_slope_that_is_further_off_than_the_two_sides_are_is_wrong(name: str, slope: float, dtype: str) -> None:
    reference = _reference(dtype)
    assert compare(_moved(reference, name, slope * L1), reference).verdict is Status.MISMATCH


def test_the_slopes_on_both_sides_are_told() -> None:
    problem = _reference().problem
    gradient = _reference().gradients["dense_1/kernel"]
    found = [k for k in kinks(problem, rounding_noise(problem)) if k.node == "dense_1/kernel"]
    assert [k.index for k in found] == [(0, 0), (0, 1)]
    for kink in found:
        assert kink.slopes == pytest.approx((gradient[kink.index] - L1, gradient[kink.index] + L1))
    assert {node for node, *_ in kink_positions(problem, _reference().nodes)} == {
        "dense_1/u",
        "dense_1/kernel",
        "dense_1/z",
        "dense_2/bias",
    }


def test_no_weight_is_near_0_but_0_itself() -> None:
    """Weights are what they are: the smallest has one slope, and another is wrong."""
    reference = _reference()
    w = {n: a.copy() for n, a in reference.problem.parameters.items()}
    w["dense_1/kernel"][0, :2] = 1e-30
    p = reference.problem
    reference = MLP_.backpropagate(w, p.x, p.y, "mse")
    wrong = {**reference.gradients}
    wrong["dense_1/kernel"] = wrong["dense_1/kernel"] - np.where(w["dense_1/kernel"] == 1e-30, L1, 0)
    assert compare(wrong, reference).verdict is Status.MISMATCH


def test_an_output_of_0_is_no_kink_where_the_unit_below_is_off() -> None:
    """What |z| sends down is multiplied by relu′ = 0 there: no slope of it changes any gradient."""
    problem = _reference().problem
    found = kinks(problem, rounding_noise(problem))
    z = MLP_.forward(problem.parameters, problem.x)["dense_1/z"]
    assert (z == 0).sum() > 5
    assert not [k for k in found if k.node == "dense_1/z"]
    linear = MLP(3, [Dense(4, kernel_l1=L1, activity_l1=0.5), Dense(2)])
    w = linear.initialize(0)
    w["dense_1/kernel"][:, 0] = 0
    problem = linear.problem(w, problem.x, problem.y, "mse")
    found = kinks(problem, rounding_noise(problem))
    assert len([k for k in found if k.node == "dense_1/z"]) == problem.batch


def test_a_branch_on_which_E_has_no_gradient_explains_nothing_and_breaks_nothing() -> None:
    """Saturated outputs of 0 within rounding: on the branch below, y/z of the divergence is no number."""
    mlp = MLP(2, [Dense(3, kernel_l1=0.1), Dense(2, "softmax")])
    w = mlp.initialize(0, bias_initializer="normal(1)", dtype="float32")
    w["dense_2/kernel"] *= np.float32(400)
    w["dense_1/kernel"][0, 0] = 0
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 2)).astype("float32"), np.full((5, 2), 0.5, "float32")
    reference = mlp.backpropagate(w, x, y, "kl_divergence")
    wrong = {n: g * np.float32(1.01) for n, g in reference.gradients.items()}
    assert not compare(wrong, reference).ok


@pytest.mark.parametrize("wrong", ["hand", "reference"])
def test_where_an_output_is_0_the_witness_of_another_sign_convicts_no_right_hand(wrong: str) -> None:
    """At z = 0 of a penalised output the witness takes one sign of |z|: it contradicts the derivation itself."""
    mlp = MLP(3, [Dense(2, "tanh", use_bias=False, activity_l1=0.1)])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    x[1] = 0
    right = mlp.backpropagate(mlp.initialize(0), x, y, "mse")
    delta = right.nodes["dense_1/dE_du"].copy()
    delta[1] *= 2
    off = replace(right, nodes={**right.nodes, "dense_1/dE_du": delta})
    sides = (off, right) if wrong == "hand" else (right, off)
    row = next(r for r in compare(*sides) if r.name == "dense_1/dE_du")
    assert (row.status is Status.MISMATCH) is (wrong == "hand"), row.reason
    assert not row.status.ok
