"""Each status produced for real, by mistakes planted in hand derivations; and where: the ladder in its two modes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff import GradientDiff, Status, compare
from manual_mlp import MLP, Array, Dense, Evaluation, Problem, evaluation_of, gradient_node
from manual_mlp.equations.equations import evaluate
from manual_mlp.equations.local_rounding import GATE
from manual_mlp.equations.operations import Operation, Pullback

Arrays = dict[str, Array]


def _problem(dtype: str = "float64", scale: float = 1.0, depth: int = 3) -> Problem:
    """Square layers, so that a transposed matrix still fits."""
    mlp = MLP(4, [*[Dense(4, "tanh"), Dense(4, "sigmoid"), Dense(4, "tanh")][:depth], Dense(2)])
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(9, 4)), rng.normal(size=(9, 2))
    return mlp.problem(mlp.initialize(0, f"normal({scale / 2})", "normal(0.1)", dtype), x, y, "mse")


def _substituted(problem: Problem, node: str, operation: Operation | None = None, **other: Any) -> Evaluation:
    """The derivation with one equation of ONE layer replaced: the records are run, nothing else is touched."""
    changes = {"operation": operation} if operation else other
    equations = [dataclasses.replace(e, **changes) if e.node == node else e for e in problem.equations]
    return Evaluation(evaluate(equations, problem.environment), problem, "substituted")


def _tape(problem: Problem) -> Evaluation:
    return dataclasses.replace(evaluation_of(problem), origin="the other side")


def _bad(diff: GradientDiff, downstream: bool | None = None) -> list[str]:
    return [r.name for r in diff.rows if r.status.bad and downstream in (None, r.downstream)]


# one wrong equation, one red row


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_one_wrong_activation_derivative_turns_exactly_one_row_red_in_isolation(layer: int, dtype: str) -> None:
    problem = _problem(dtype)
    node = f"dense_{layer}/dE_du"
    wrong = "sigmoid" if layer != 2 else "tanh"
    diff = compare(_substituted(problem, node, Pullback(wrong)), _tape(problem))
    assert [r.name for r in diff.rows if (r.isolated_hand or 0) > GATE] == [node]
    assert diff.culprit == node
    assert _bad(diff, downstream=False) == [node]
    order = [r.name for r in diff.rows]
    assert _bad(diff, downstream=True) == order[order.index(node) + 1 :]
    assert all(r.status is Status.MATCH for r in diff.rows[: order.index(node)])
    assert {r.status for r in diff.rows if r.status.bad} == {Status.MISMATCH}
    assert diff.headline().endswith(f"; first bad row: {node}")


def _by_numpy(problem: Problem, wrong_layer: int) -> Evaluation:
    """The same in plain NumPy, without equations: 1 − z in place of f′ in one layer."""
    w, z = problem.parameters, problem.x
    nodes: Arrays = {}
    functions: dict[str, Callable[[Array], Array]] = {"tanh": np.tanh, "linear": np.copy}
    functions["sigmoid"] = lambda u: 1 / (1 + np.exp(-u))
    for layer in problem.mlp.layers:
        u = z @ w[f"{layer.name}/kernel"] + w[f"{layer.name}/bias"]
        z = functions[layer.activation](u)
        nodes |= {f"{layer.name}/u": u, f"{layer.name}/z": z}
    nodes["loss"] = np.asarray(np.mean((z - problem.y) ** 2))
    g = 2 * (z - problem.y) / problem.y.size
    for i in range(len(problem.mlp.layers), 0, -1):
        layer = problem.mlp.layers[i - 1]
        z = nodes[f"{layer.name}/z"]
        slope = {"tanh": 1 - z**2, "sigmoid": z * (1 - z), "linear": np.ones_like(z)}[layer.activation]
        delta = g * (1 - z if i == wrong_layer else slope)
        below = problem.x if i == 1 else nodes[f"dense_{i - 1}/z"]
        down = delta @ w[f"{layer.name}/kernel"].T
        nodes |= {f"{layer.name}/dE_dz": g, f"{layer.name}/dE_du": delta, f"{layer.name}/dE_dkernel": below.T @ delta}
        nodes |= {f"{layer.name}/dE_dbias": delta.sum(axis=0)}
        g = down
    nodes["inputs/dE_dx"] = g
    ordered = {e.node: nodes[e.node] for e in problem.equations}
    return Evaluation(ordered, problem, "plain NumPy")


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_the_same_by_plain_numpy(layer: int) -> None:
    problem = _problem()
    assert compare(_by_numpy(problem, wrong_layer=0), _tape(problem)).ok
    diff = compare(_by_numpy(problem, layer), _tape(problem))
    assert [r.name for r in diff.rows if (r.isolated_hand or 0) > GATE] == [f"dense_{layer}/dE_du"] == [diff.culprit]
    assert _bad(diff, downstream=False) == [diff.culprit]


def test_a_dict_of_nodes_is_judged_in_isolation_as_an_evaluation_is() -> None:
    problem = _problem()
    wrong = _by_numpy(problem, 2)
    diff = compare(wrong.nodes, _tape(problem))
    assert [r.name for r in diff.rows if (r.isolated_hand or 0) > GATE] == ["dense_2/dE_du"] == [diff.culprit]
    assert _bad(diff, downstream=False) == ["dense_2/dE_du"]


def test_a_wrong_forward_pass_is_judged_before_the_backward_pass() -> None:
    problem = _problem()
    forward = next(e for e in problem.equations if e.node == "dense_2/z")
    wrong = dataclasses.replace(forward.operation, name="tanh")  # type: ignore[type-var]  # an Activate
    diff = compare(_substituted(problem, "dense_2/z", wrong), _tape(problem))
    assert diff.culprit == "dense_2/z"
    assert diff["dense_2/z"].status is Status.MISMATCH
    assert "the derivation in float64" in diff["dense_2/z"].reason
    assert _bad(diff, downstream=False) == ["dense_2/z"]
    assert diff["loss"].downstream


def test_two_mistakes_are_two_culprits() -> None:
    problem = _problem()
    first = _substituted(problem, "dense_3/dE_du", Pullback("sigmoid"))
    both = dict(first.nodes)
    both["dense_2/dE_dkernel"] = both["dense_2/dE_dkernel"].T
    diff = compare(dataclasses.replace(first, nodes=both), _tape(problem))
    assert _bad(diff, downstream=False) == ["dense_3/dE_du", "dense_2/dE_dkernel"]
    assert diff["dense_2/dE_dkernel"].isolated_hand > GATE


def test_a_reference_that_is_wrong_in_one_equation_is_the_culprit_in_one_row() -> None:
    problem = _problem()
    diff = compare(_tape(problem), _substituted(problem, "dense_2/dE_du", Pullback("tanh")))
    assert diff.verdict is Status.REFERENCE_OFF
    assert _bad(diff, downstream=False) == ["dense_2/dE_du"]
    assert [r.name for r in diff.rows if (r.isolated_reference or 0) > GATE] == ["dense_2/dE_du"]


def test_isolation_sees_what_accumulated_rounding_would_hide() -> None:
    """At ten layers float32 explains 1e-5 and more; one equation by itself explains 1e-7."""
    mlp = MLP(4, [Dense(30, "tanh")] * 10 + [Dense(2)])
    rng = np.random.default_rng(0)
    w = mlp.initialize(0, "normal(0.5)", dtype="float32")
    problem = mlp.problem(w, rng.normal(size=(9, 4)), rng.normal(size=(9, 2)), "mse")
    e = evaluation_of(problem)
    node = "dense_1/dE_du"
    off = e.nodes[node] * np.float32(1 + 4e-6)
    hand = dataclasses.replace(e, nodes={**e.nodes, node: off}, rerun=None)
    row = compare(hand, _tape(problem))[node]
    assert row.distance is not None
    assert row.distance < GATE < (row.isolated_hand or 0)
    assert (row.status, row.judge) == (Status.MISMATCH, "isolated")


# MISMATCH


def _given(problem: Problem, change: Callable[[Arrays], Arrays]) -> GradientDiff:
    tape = _tape(problem)
    return compare(change(tape.gradients), tape)


def _one_entry(kernel: Array) -> Array:
    return np.where(np.arange(16).reshape(4, 4) == 6, kernel * kernel.dtype.type(1.001), kernel)


PLANTED: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "factor 2": ("dense_4/kernel", lambda g: 2 * g),
    "transposed in a square layer": ("dense_2/kernel", lambda g: g.T),
    "mean for sum": ("dense_1/bias", lambda g: g / 9),
    "sign": ("dense_3/bias", lambda g: -g),
    "zeros": ("dense_1/kernel", lambda g: 0 * g),
    "one entry by a thousandth": ("dense_2/kernel", _one_entry),
    "two rows swapped": ("dense_2/kernel", lambda g: g[[1, 0, 2, 3]]),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PLANTED)
def test_planted_mistakes_are_the_hands(name: str, dtype: str) -> None:
    parameter, mistake = PLANTED[name]
    diff = _given(_problem(dtype), lambda g: {**g, parameter: mistake(g[parameter])})
    assert (diff.verdict, diff.culprit) == (Status.MISMATCH, gradient_node(parameter))
    assert [r.name for r in diff.rows if r.status.bad] == [diff.culprit]
    assert "the complex-step witness is" in diff[parameter].reason


def test_a_factor_in_all_gradients_begins_at_the_first_row() -> None:
    diff = _given(_problem(), lambda g: {n: 2 * a for n, a in g.items()})
    assert {row.status for row in diff.rows} == {Status.MISMATCH}
    assert diff.culprit == "dense_4/dE_dkernel"


def test_with_parameter_gradients_alone_the_text_points_to_the_equation_above() -> None:
    problem = _problem()
    diff = compare(_substituted(problem, "dense_2/dE_du", Pullback("tanh")).gradients, _tape(problem))
    assert diff.culprit == "dense_2/dE_dkernel"
    assert diff.remark == (
        "Only parameter gradients are at hand: the guilty equation may be the one above it, "
        "δ = dE/dz ⊙ z(1 − z) (dense_2)."
    )
    assert diff.remark in " ".join(str(diff).split())


def test_with_the_whole_ladder_at_hand_no_such_text_is_needed() -> None:
    problem = _problem()
    assert compare(_substituted(problem, "dense_2/dE_du", Pullback("tanh")), _tape(problem)).remark == ""
    assert compare(_tape(problem).gradients, _tape(problem)).remark == ""


# the other statuses


def test_shape_missing_and_nonfinite_come_before_any_value() -> None:
    problem = _problem()
    tape = _tape(problem)
    off: Arrays = {n: 2 * g for n, g in tape.gradients.items()}
    off["dense_1/kernel"], off["dense_1/bias"] = np.ones((4, 3)), np.full(4, np.nan)
    del off["dense_2/bias"]
    diff = compare(off, tape)
    assert diff["dense_1/kernel"].status is Status.SHAPE
    assert diff["dense_1/bias"].status is Status.NONFINITE
    assert diff["dense_2/bias"].status is Status.MISSING
    assert diff["dense_2/kernel"].status is Status.MISMATCH


def test_a_nan_is_named_where_it_arises() -> None:
    problem = _problem()
    spoiled = dict(_tape(problem).nodes)
    spoiled["dense_2/z"] = np.full_like(spoiled["dense_2/z"], np.nan)
    equations = {e.node: e for e in problem.equations}
    order = list(equations)
    for node in order[order.index("dense_3/u") :]:
        spoiled[node] = equations[node].evaluate({**problem.environment, **spoiled})
    diff = compare(dataclasses.replace(_tape(problem), nodes=spoiled), _tape(problem))
    assert diff.verdict is Status.NONFINITE
    assert diff.culprit == "dense_2/z"
    assert _bad(diff, downstream=False) == ["dense_2/z"]


def test_a_node_of_another_shape_does_not_break_the_rows_that_read_it() -> None:
    problem = _problem()
    nodes = {**_tape(problem).nodes, "dense_2/dE_du": np.ones((3, 3)), "dense_3/dE_du": np.full((9, 4), np.inf)}
    diff = compare(dataclasses.replace(_tape(problem), nodes=nodes), _tape(problem))
    assert diff["dense_2/dE_du"].status is Status.SHAPE
    assert diff["dense_2/dE_dkernel"].isolated_hand is None
    assert diff["dense_3/dE_dkernel"].isolated_hand is None
    assert diff["dense_2/dE_dkernel"].status is Status.MATCH


def test_different_where_no_witness_can_be_had() -> None:
    r = {"w": np.array([1.0, 2.0])}
    diff = compare({"w": r["w"] * 1.001}, r, rtol=1e-6)
    assert (diff.verdict, diff.culprit) == (Status.DIFFERENT, "w")


def test_inconclusive_where_nothing_names_the_noise() -> None:
    diff = compare({"w": np.ones(2)}, {"w": np.nextafter(np.ones(2), 2)})
    assert (diff.verdict, diff.culprit) == (Status.INCONCLUSIVE, None)
    assert diff["w"].reason == "not bit-equal, and no network says how much rounding to expect"


def test_match_says_how_far_in_sigma() -> None:
    problem = _problem("float32")
    diff = compare(_by_numpy(problem, 0), _tape(problem))
    assert diff.verdict is Status.MATCH
    words = {row.reason for row in diff.rows}
    assert any(w.endswith("σ, rounding explains 16 σ") for w in words)


def _saturated() -> Problem:
    """Four sigmoid layers with large weights: 1 − z is lost in float32, and with it δ below the third."""
    mlp = MLP(4, [Dense(4, "sigmoid")] * 4 + [Dense(1)])
    rng = np.random.default_rng(0)
    w = mlp.initialize(8, "normal(30)", "normal(30)", "float32")
    return mlp.problem(w, rng.normal(size=(5, 4)), rng.normal(size=(5, 1)), "mse")


def test_gradients_lost_in_a_deep_saturated_net_prove_nothing_and_zeros_do_not_pass_for_right() -> None:
    problem = _saturated()
    right = evaluation_of(problem).gradients
    status = {r.name: r.status for r in compare(right, _tape(problem)).rows}
    lost = [f"dense_{i}/dE_d{which}" for i in (2, 1) for which in ("kernel", "bias")]
    assert {n for n, s in status.items() if s is Status.VACUOUS} == set(lost)
    zeros = compare({n: 0 * g for n, g in right.items()}, _tape(problem))
    assert [r.name for r in zeros.rows if r.status is Status.VACUOUS] == lost
    assert all("zeros would pass too" in zeros[n].reason for n in lost)
    assert {r.status for r in zeros.rows if r.name not in lost} == {Status.MISMATCH}
    assert zeros.verdict is Status.MISMATCH


def test_zero_on_both_sides_is_vacuous_even_if_a_row_of_its_own() -> None:
    mlp = MLP(2, [Dense(3, "relu"), Dense(1)])
    w = mlp.initialize(0)
    w["dense_1/bias"][:] = -100  # all units are dead
    e = mlp.backpropagate(w, np.ones((4, 2)), np.ones((4, 1)), "mse")
    diff = compare(e, _tape(e.problem))
    assert diff["dense_1/kernel"].status is Status.VACUOUS
    off = "f′(u) is 0 for all 3 units of dense_1 in every sample (u is -1"
    assert diff["dense_1/kernel"].reason.startswith(f"zero on these data, so that zeros would pass: {off}")
    assert "f(u) is 0 for all 3 units of dense_1" in diff["dense_2/kernel"].reason
    assert diff.verdict is Status.MATCH
    assert not diff.ok


def test_isolation_also_speaks_where_the_gradient_is_lost() -> None:
    problem = _saturated()
    e, node = evaluation_of(problem), "dense_2/dE_dkernel"
    assert compare(e, _tape(problem))[node].status is Status.VACUOUS
    hand = dataclasses.replace(e, nodes={**e.nodes, node: 1.01 * e.nodes[node]}, rerun=None)
    row = compare(hand, _tape(problem))[node]
    assert row.distance is not None
    assert row.distance < GATE < (row.isolated_hand or 0)
    assert (row.status, row.judge) == (Status.MISMATCH, "isolated")


# float64 re-runs


def test_a_mistake_that_float32_hides_is_found_by_the_float64_rerun() -> None:
    problem = _problem("float32")
    e = evaluation_of(problem)

    def rerun() -> Evaluation:
        fine = evaluation_of(problem.float64)
        nodes = {**fine.nodes, "dense_1/dE_dkernel": fine.nodes["dense_1/dE_dkernel"] * (1 + 1e-9)}
        return dataclasses.replace(fine, nodes=nodes)

    diff = compare(dataclasses.replace(e, rerun=rerun), _tape(problem))
    row = diff["dense_1/kernel"]
    assert (row.status, row.judge) == (Status.MISMATCH, "float64 re-run")
    assert row.reason.startswith("in float64: ")
    assert row.distance == 0  # as it ran in float32
    assert compare(dataclasses.replace(e, rerun=None), _tape(problem)).ok


# all entries turned round, where nothing says how much rounding to expect


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_all_entries_exactly_minus_one_times_is_no_rounding(dtype: str) -> None:
    r = {n: a.astype(dtype) for n, a in _problem().parameters.items()}
    diff = compare({n: -a for n, a in r.items()}, r)
    assert {row.status for row in diff.rows} == {Status.DIFFERENT}
    assert (diff.verdict.exit_code, diff.causes[0].id) == (1, "sign")
    assert diff.rows[0].reason == "exactly −1 times the reference, in every entry: no rounding does that"
    one = compare(dict(r, **{"dense_1/bias": -r["dense_1/bias"]}), r)
    assert [row.name for row in one.rows if row.status is Status.DIFFERENT] == ["dense_1/bias"]
    nearly = {n: np.nextafter(-a, np.asarray(2, dtype)) for n, a in r.items()}
    assert compare(nearly, r).verdict is Status.INCONCLUSIVE


def test_what_cancelled_to_a_last_bit_may_have_either_sign() -> None:
    r = {"w": np.array([1.0, -2.0]), "b": np.array([2.0**-53])}
    assert compare({"w": r["w"], "b": -r["b"]}, r)["b"].status is Status.INCONCLUSIVE
    assert compare({"b": -r["b"]}, {"b": r["b"]})["b"].status is Status.DIFFERENT  # beside nothing larger


def test_a_tolerance_of_ones_own_says_which_one_would_pass() -> None:
    r = {"w": np.array([1.0, 2.0])}
    diff = compare({"w": 1.1 * r["w"]}, r, rtol=1e-3)
    assert (diff["w"].reason, diff["w"].judge) == (
        "needs rtol 0.1, 0.001 is allowed",
        "rtol=0.001, chosen by the caller",
    )
    assert "σ" not in str(diff)
    assert compare({"w": 1.1 * r["w"]}, r, rtol=0.1001).ok
