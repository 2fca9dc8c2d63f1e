"""Units at a kink: found, named, and told apart from a wrong derivation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gradient_diff import GradientDiff, Status, compare, rounding_noise
from gradient_diff.judging.kinks import Kink, _beside, _Branches, kinks
from manual_mlp import MLP, Activation, Array, Dense, Dropout, Evaluation, Problem, evaluation_of, gradient_node
from manual_mlp.equations.loss_record import EPSILON


def _relu_gradients(problem: Problem, slope_at_zero: float) -> dict[str, Array]:
    """Plain NumPy, MSE, ReLU in all layers but the last; the slope at u = 0 is free."""
    w, zs, us = problem.parameters, [problem.x], []
    count = len(problem.mlp.layers)
    for i in range(1, count + 1):
        us.append(zs[-1] @ w[f"dense_{i}/kernel"] + w[f"dense_{i}/bias"])
        zs.append(np.maximum(us[-1], 0) if i < count else us[-1])
    delta = 2 * (zs[-1] - problem.y) / problem.y.size
    gradients = {}
    for i in range(count, 0, -1):
        if i < count:
            slope = np.where(us[i - 1] > 0, 1.0, np.where(us[i - 1] == 0, slope_at_zero, 0.0))
            delta = (delta * slope).astype(problem.dtype)
        gradients |= {f"dense_{i}/kernel": zs[i - 1].T @ delta, f"dense_{i}/bias": delta.sum(axis=0)}
        delta = delta @ w[f"dense_{i}/kernel"].T
    return gradients


def _with_empty_samples(layers: int, empty: int, dtype: str = "float64") -> Problem:
    """x = 0 and b = 0: all units of these samples are at u = 0 exactly, in every layer."""
    mlp = MLP(3, [Dense(5, "relu")] * layers + [Dense(2)])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    x[:empty] = 0
    return mlp.problem(mlp.initialize(1, dtype=dtype), x, y, "mse")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("layers", "empty"), [(1, 1), (1, 4), (2, 1), (3, 2)])
@pytest.mark.parametrize("slope", [0.5, 1.0])
def test_another_subgradient_at_exactly_0_is_a_kink(slope: float, layers: int, empty: int, dtype: str) -> None:
    problem = _with_empty_samples(layers, empty, dtype)
    reference = evaluation_of(problem)
    assert len(kinks(problem, rounding_noise(problem))) == 5 * layers * empty
    diff = compare(_relu_gradients(problem, slope), reference)
    assert diff.verdict is Status.KINK
    off = [row for row in diff.rows if row.status is Status.KINK]
    assert off
    assert all("only through units at a kink: dense_1/u[0, 0] = 0.0e+00" in row.reason for row in off)
    assert all("from the left" in row.reason and "from the right" in row.reason for row in off)
    assert compare(_relu_gradients(problem, 0.0), reference).verdict is Status.MATCH


@pytest.mark.parametrize("slope", [0.0, 1.0])
@pytest.mark.parametrize("name", ["dense_1/kernel", "dense_1/bias", "dense_2/kernel"])
def test_a_planted_thousandth_is_no_kink(name: str, slope: float) -> None:
    problem = _with_empty_samples(2, 1)
    wrong = _relu_gradients(problem, slope)
    wrong[name] = wrong[name] * 1.001
    diff = compare(wrong, evaluation_of(problem))
    assert diff.verdict is Status.MISMATCH
    assert diff[name].status is Status.MISMATCH


def test_without_a_kink_nothing_is_one() -> None:
    problem = _with_empty_samples(2, 0)
    assert kinks(problem, rounding_noise(problem)) == []
    wrong = {n: 2 * g for n, g in _relu_gradients(problem, 0).items()}
    assert compare(wrong, evaluation_of(problem)).verdict is Status.MISMATCH


def test_smooth_networks_have_none() -> None:
    mlp = MLP(2, [Dense(3, "tanh"), Dense(1)])
    problem = mlp.problem(mlp.initialize(0), np.zeros((2, 2)), np.zeros((2, 1)), "mse")
    assert kinks(problem, rounding_noise(problem)) == []


def _near_zero() -> Problem:
    """u[0, 0] = 0.1·10 − 0.3·(10/3) in float32: 0 up to rounding, and which sign is a matter of the order."""
    mlp = MLP(3, [Dense(2, "relu", use_bias=False), Dense(1, use_bias=False)])
    w = {
        "dense_1/kernel": np.array([[0.1, 0.2], [-0.3, 0.1], [1e-9, 1.0]], np.float32),
        "dense_2/kernel": np.array([[1.5], [-2.0]], np.float32),
    }
    x = np.array([[10.0, 10 / 3, 1.0], [1.0, 2.0, 3.0]], np.float32)
    return mlp.problem(w, x, np.ones((2, 1)), "half_sum_squared_error")


def _other_branch(e: Evaluation) -> Evaluation:
    """As if this side had rounded u[0, 0] to the other side of 0."""
    nodes = dict(e.nodes)
    u = nodes["dense_1/u"].copy()
    u[0, 0] = np.float32(1e-7) if u[0, 0] <= 0 else np.float32(-1e-7)
    nodes["dense_1/u"], nodes["dense_1/z"] = u, np.maximum(u, 0)
    nodes["dense_1/dE_du"] = nodes["dense_1/dE_dz"] * (u > 0)
    nodes["dense_1/dE_dkernel"] = e.problem.x.T @ nodes["dense_1/dE_du"]
    nodes["inputs/dE_dx"] = nodes["dense_1/dE_du"] @ e.problem.parameters["dense_1/kernel"].T
    return Evaluation(nodes, e.problem, "the other branch")


def test_a_float32_side_that_took_the_other_branch_is_a_kink_with_its_unit_named() -> None:
    problem = _near_zero()
    found = kinks(problem, rounding_noise(problem))
    assert [(k.node, k.index) for k in found] == [("dense_1/u", (0, 0))]
    e = evaluation_of(problem)
    diff = compare(_other_branch(e), Evaluation(e.nodes, problem, "this branch"))
    assert diff.verdict is Status.KINK
    kinked = {r.name for r in diff.rows if r.status is Status.KINK}
    assert kinked == {"dense_1/dE_du", "dense_1/dE_dkernel", "inputs/dE_dx"}
    assert "dense_1/u[0, 0]" in diff["dense_1/kernel"].reason


def test_the_same_with_parameter_gradients_alone() -> None:
    e = evaluation_of(_near_zero())
    assert compare(_other_branch(e).gradients, e).verdict is Status.KINK


def test_the_other_branch_with_a_mistake_on_top_is_a_mismatch() -> None:
    e = evaluation_of(_near_zero())
    wrong = {n: g * np.float32(1.01) for n, g in _other_branch(e).gradients.items()}
    assert compare(wrong, e).verdict is Status.MISMATCH


def test_some_kinks_on_each_branch_are_a_mixture() -> None:
    """Two samples at u = 0, of which the hand gives only the first a slope of 1."""
    problem = _with_empty_samples(1, 2)
    reference = evaluation_of(problem)
    nodes = dict(reference.nodes)
    delta = nodes["dense_1/dE_du"].copy()
    delta[0, :2] = nodes["dense_1/dE_dz"][0, :2]  # two of ten
    hand = {n: g.copy() for n, g in reference.gradients.items()}
    hand["dense_1/bias"] = delta.sum(axis=0)
    assert not np.array_equal(hand["dense_1/bias"], reference.gradients["dense_1/bias"])
    few = compare(hand, reference)
    # Ten kinks for the five entries of this one row: anything could be mixed from them, so nothing is excused.
    assert few["dense_1/bias"].status is Status.MISMATCH
    x = problem.x.copy()
    x[0], x[1] = 0, [1.0, 2.0, 3.0]
    single = problem.mlp.problem({**problem.parameters}, x, problem.y, problem.loss)
    one = evaluation_of(single)
    delta = one.nodes["dense_1/dE_du"].copy()
    delta[0, :2] = one.nodes["dense_1/dE_dz"][0, :2]
    assert compare({**one.gradients, "dense_1/bias": delta.sum(axis=0)}, one).verdict is not Status.MATCH


def test_a_mixture_of_kinks_that_move_kernels_is_found() -> None:
    """W's column is 0, so u = 0 for two of the units in every sample, and x is not: kernels say which branch it was."""
    mlp = MLP(3, [Dense(4, "relu"), Dense(1)])
    w = mlp.initialize(0)
    w["dense_1/kernel"][:, 0] = 0
    rng = np.random.default_rng(2)
    e = mlp.backpropagate(w, rng.normal(size=(4, 3)), rng.normal(size=(4, 1)), "mse")
    assert len(kinks(e.problem, rounding_noise(e.problem))) == 4
    delta = e.nodes["dense_1/dE_du"].copy()
    delta[1, 0] = e.nodes["dense_1/dE_dz"][1, 0]  # one of the four
    hand = {**e.gradients, "dense_1/kernel": e.problem.x.T @ delta, "dense_1/bias": delta.sum(axis=0)}
    assert compare(hand, e).verdict is Status.KINK
    delta[1, 0] *= -1  # no share between 0 and 1
    hand = {**e.gradients, "dense_1/kernel": 3 * e.problem.x.T @ delta, "dense_1/bias": delta.sum(axis=0)}
    assert compare(hand, e).verdict is Status.MISMATCH


def test_a_clipped_probability_is_a_kink_of_the_loss() -> None:
    mlp = MLP(1, [Dense(1, "sigmoid")])
    logit = np.log(EPSILON / (1 - EPSILON))
    w = {"dense_1/kernel": np.array([[logit]]), "dense_1/bias": np.zeros(1)}
    problem = mlp.problem(w, np.ones((1, 1)), np.zeros((1, 1)), "binary_crossentropy", fused=False)
    found = kinks(problem, rounding_noise(problem))
    assert [(k.node, k.edge) for k in found] == [("dense_1/z", EPSILON)]
    assert str(found[0]).endswith("; there the loss clips")
    fused = mlp.problem(w, np.ones((1, 1)), np.zeros((1, 1)), "binary_crossentropy")
    assert kinks(fused, rounding_noise(fused)) == []


def _at_the_clip(factor: float = 1.0) -> Evaluation:
    """Float32 keeps p = 1 − 2⁻²³ of the first sample, where float64 clips; dE/dz of that sample times a factor."""
    mlp = MLP(1, [Dense(1, "sigmoid", use_bias=False)])
    w, x = {"dense_1/kernel": np.float32([[1.0]])}, np.float32([[16.2], [-10], [-9]])
    problem = mlp.problem(w, x, np.zeros((3, 1), np.float32), "binary_crossentropy", fused=False)
    e = evaluation_of(problem)
    z, above = e.nodes["dense_1/z"], e.nodes["dense_1/dE_dz"] * np.float32([[factor], [1], [1]])
    delta = above * (z * (1 - z))
    made = {"dense_1/dE_dz": above, "dense_1/dE_du": delta, "dense_1/dE_dkernel": x.T @ delta, "inputs/dE_dx": delta}
    return dataclasses.replace(e, nodes={**e.nodes, **made})


def test_two_that_clip_alike_differ_through_the_edge_of_the_clip_alone() -> None:
    assert compare(_at_the_clip(), _at_the_clip(1 + 2.0**-22)).verdict is Status.KINK
    assert compare(_at_the_clip(), _at_the_clip(3)).verdict.bad  # no share of it between 0 and 1


def test_a_row_that_the_meant_derivation_has_not_is_judged_without_a_witness() -> None:
    e = _at_the_clip()
    diff = compare({**e.gradients, "dense_1/dE_dz": e.nodes["dense_1/dE_dz"] * 2}, e)
    assert diff["dense_1/dE_dz"].status is Status.DIFFERENT


def test_a_kink_says_where_it_is_and_both_slopes() -> None:
    text = str(Kink("dense_1/u", (3, 0), 1e-9, 1e-7, (0.0, 0.5)))
    assert text == "dense_1/u[3, 0] = 1.0e-09, rounding 1.0e-07; dE/du is 0 from the left, 0.5 from the right"


def test_the_slopes_are_one_sided_derivatives_of_e() -> None:
    problem = _near_zero()
    (kink,) = kinks(problem, rounding_noise(problem))
    weight, residual = 1.5, float(rounding_noise(problem).values["dense_2/dE_du"][0, 0])
    assert kink.slopes == pytest.approx((0.0, weight * residual))


def test_the_verdict_kink_is_no_failure_and_no_proof() -> None:
    problem = _with_empty_samples(1, 1)
    diff: GradientDiff = compare(_relu_gradients(problem, 1.0), evaluation_of(problem))
    assert not diff.ok
    assert diff.culprit is None
    assert diff.verdict.exit_code == 0


def alone() -> Problem:
    """A ReLU as a layer of its own, above a dropout; one kept pre-activation is exactly at its kink."""
    mlp = MLP(2, [Dense(2, use_bias=False), Dropout(0.5), Activation("relu"), Dense(1, use_bias=False)])
    w = {"dense_1/kernel": np.array([[1.0, 1.0], [-1.0, 2.0]]), "dense_2/kernel": np.array([[3.0], [5.0]])}
    masks = {"dropout_1/mask": np.array([[2.0, 2.0], [0.0, 2.0]])}
    return mlp.problem(w, np.array([[1.0, 1.0], [2.0, 1.0]]), np.zeros((2, 1)), "mse", draws=masks)


def test_the_kink_of_an_activation_layer_is_in_the_array_below_it() -> None:
    problem = alone()
    found = kinks(problem, rounding_noise(problem))
    assert {(k.node, k.index) for k in found} == {
        ("dropout_1/z", (0, 0)),
        ("dropout_1/z", (1, 0)),
    }  # and where it drops
    assert "dE/dz is 0 from the left" in str(found[0])


def test_another_slope_at_the_kink_of_an_activation_layer_is_a_choice() -> None:
    problem = alone()
    reference = evaluation_of(problem)
    nodes = dict(reference.nodes)
    slope = nodes["activation_1/dE_dz"] * (nodes["dropout_1/z"] >= 0) * problem.draws["dropout_1/mask"]
    other = {**reference.gradients, "dense_1/kernel": problem.x.T @ slope}
    assert not np.array_equal(other["dense_1/kernel"], reference.gradients["dense_1/kernel"])
    assert compare(other, reference).verdict is Status.KINK
    wrong = {**other, "dense_1/kernel": 1.1 * other["dense_1/kernel"]}
    assert compare(wrong, reference).verdict is Status.MISMATCH


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_clip_that_16_bits_cannot_store_is_a_kink(dtype: str) -> None:
    """1 − ε is 1 in 16 bits: a p that float64 clips is not clipped there, however exactly p is 1."""
    mlp = MLP(2, [Dense(2, "sigmoid")])
    w = mlp.initialize(0, dtype="float16")
    w["dense_1/bias"][:] = (30, 0)
    problem = mlp.problem(w, np.ones((3, 2), np.float16), np.ones((3, 2), np.float16), "binary_crossentropy")
    problem = dataclasses.replace(problem, fused=False)
    found = kinks(problem, rounding_noise(problem, dtype))
    assert {kink.index for kink in found} == {(n, 0) for n in range(3)}


def test_a_side_is_followed_on_its_own_branches_where_its_u_is_at_hand() -> None:
    """Of five units at 0 it took two with a slope of 1: neither all of them nor none, and no mean."""
    problem = _with_empty_samples(1, 1)
    noise = rounding_noise(problem)
    found = kinks(problem, noise)
    own = {k: 1e-300 * (1 if k.index[1] < 2 else -1) for k in found}
    nodes = ("dense_1/dE_dkernel", "dense_1/dE_dbias")
    branches = _Branches(problem, noise, found, nodes)
    along = branches.values(branches.anchors(own))
    side = {n: along[n] for n in nodes}
    assert not branches.follows(side)
    assert branches.follows({**side, **branches.anchors(own)})
    assert not branches.follows({**side, **branches.anchors({k: -u for k, u in own.items()})})


@pytest.mark.parametrize(("edge", "noise", "aside"), [(0.25, 1e-3, 2e-3), (0.0, 0.0, 2e-300)])
def test_a_branch_is_taken_just_beside_its_kink(edge: float, noise: float, aside: float) -> None:
    kink = Kink("dense_1/z", (0, 0), edge, noise, (0.0, 1.0), edge)
    assert [_beside(kink, branch) for branch in (-1, 1)] == [edge - aside, edge + aside]


@pytest.mark.parametrize("branch", [-1, 1])
def test_one_kink_may_leave_the_branch_on_which_all_the_others_are(branch: int) -> None:
    """Of two layers: where all units of the second are off, none of the first shows."""
    problem = _with_empty_samples(2, 1)
    noise = rounding_noise(problem)
    found = kinks(problem, noise)
    nodes = tuple(gradient_node(n) for n in problem.parameters)
    branches = _Branches(problem, noise, found, nodes)
    first = next(k for k in found if k.node == f"dense_{1 if branch > 0 else 2}/u")
    all_on, but_one = (branches.values(branches.all_on(branch, but)) for but in (None, first))
    assert not np.array_equal(all_on[f"{first.node[:-2]}/dE_dbias"], but_one[f"{first.node[:-2]}/dE_dbias"])
    assert branches.mixes(but_one, all_on)
    assert not branches.mixes({n: a * 1.001 for n, a in but_one.items()}, all_on)


@pytest.mark.parametrize(("times", "seen"), [(0.99, True), (1.2, False)])
def test_a_unit_is_at_a_kink_within_its_own_rounding_alone(times: float, seen: bool) -> None:
    """One array holds it, not the difference of two."""
    problem, node = _with_empty_samples(1, 0), "dense_1/u"
    noise = rounding_noise(problem)
    u = noise.values[node].copy()
    u[3, 1] = times * noise.tolerance(node, sides=1)[3, 1]
    found = kinks(problem, dataclasses.replace(noise, values={**noise.values, node: u}))
    assert [kink.index for kink in found] == ([(3, 1)] if seen else [])
