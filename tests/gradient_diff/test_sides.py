"""What was handed over is read once; then both sides stand under the names of one problem."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gradient_diff.sides import Pair, Side
from manual_mlp import MLP, Dense, Evaluation, Problem, evaluation_of

MIXED = {"dense_2/kernel": np.ones((5, 2)), "dense_2/dE_du": np.ones((7, 2)), "other": np.ones(3)}


def _softmax(fused: bool) -> Evaluation:
    mlp = MLP(2, [Dense(3, "softmax")])
    x, y = np.ones((4, 2)), np.eye(3)[[0, 1, 2, 0]]
    problem = mlp.problem(mlp.initialize(0), x, y, "categorical_crossentropy")
    return evaluation_of(dataclasses.replace(problem, fused=fused))


def test_a_run_is_its_gradients_and_knows_who_computed_it(evaluation: Evaluation) -> None:
    side = Side.of("hand", evaluation)
    assert side.run is evaluation
    assert (side.origin, list(side.arrays)) == ("manual_mlp", list(evaluation.gradients))


def test_names_of_parameters_become_those_of_their_gradients_and_others_stay(evaluation: Evaluation) -> None:
    side = Side.of("hand", MIXED)
    assert side.origin == "given arrays"
    assert list(side.by_node(evaluation.problem)) == ["dense_2/dE_dkernel", "dense_2/dE_du", "other"]
    assert list(side.by_node(None)) == list(MIXED)


def test_what_cannot_be_read_is_refused_under_its_title() -> None:
    with pytest.raises(TypeError, match=r"^noise is list: expected an Evaluation or a dict, name → array\. Of a list"):
        Side.of("noise", [1.0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^hand is an empty dict: there is nothing to compare\.$"):
        Side.of("hand", {})
    with pytest.raises(ValueError, match=r"^names= renames v, which hand has not: w\.$"):
        Side.of("hand", {"w": np.ones(1)}, {"v": "w"})
    with pytest.raises(ValueError, match=r"^names= sends two of hand's arrays to one name"):
        Side.of("hand", {"v": np.ones(1), "w": np.ones(1)}, {"v": "w"})


def test_two_runs_bring_all_their_nodes_in_the_order_of_the_computation(evaluation: Evaluation) -> None:
    pair = Pair.of(Side.of("hand", evaluation), Side.of("reference", evaluation))
    assert pair.order == [e.node for e in evaluation.problem.equations]
    assert pair.formulas["dense_1/dE_dbias"] == ("dense_1", "dE/db = Σ_N δ")


def test_of_one_run_only_what_the_other_side_asks_for_is_brought(evaluation: Evaluation) -> None:
    given = Side.of("hand", {"dense_2/dE_du": evaluation.nodes["dense_2/dE_du"]})
    pair = Pair.of(given, Side.of("reference", evaluation))
    assert set(pair.reference) == {"dense_2/dE_du", *(f"dense_{i}/dE_d{k}" for i in (1, 2) for k in ("kernel", "bias"))}
    assert pair.order[0] == "dense_2/dE_du"
    turned = Pair.of(Side.of("hand", evaluation), given)
    assert set(turned.hand) == set(pair.reference)


def test_the_hands_own_nodes_are_known_before_the_references(evaluation: Evaluation) -> None:
    other = dataclasses.replace(evaluation, nodes={n: a + 1 for n, a in evaluation.nodes.items()})
    known = Pair.of(Side.of("hand", other), Side.of("reference", evaluation)).known
    assert np.array_equal(known["dense_1/u"], evaluation.nodes["dense_1/u"] + 1)
    assert known["x"] is evaluation.problem.x
    assert Pair({}, {}).known == {}


def test_what_one_side_alone_has_since_the_other_fuses_is_no_difference() -> None:
    short, long = _softmax(True), _softmax(False)
    assert "dense_1/dE_dz" in long.nodes
    pair = Pair.of(Side.of("hand", long), Side.of("reference", short))
    assert "dense_1/dE_dz" not in pair.order


def test_the_longer_way_says_how_much_rounding_to_expect() -> None:
    short, long = (Side.of("", _softmax(fused)) for fused in (True, False))
    for pair in (Pair.of(short, long), Pair.of(long, short)):
        assert isinstance(pair.noisier, Problem)
        assert not pair.noisier.fused


def test_runs_of_two_problems_are_refused_by_what_differs(evaluation: Evaluation) -> None:
    problem = dataclasses.replace(evaluation.problem, x=evaluation.problem.x + 1)
    other = Side.of("reference", dataclasses.replace(evaluation, problem=problem))
    with pytest.raises(ValueError, match=r"of different problems: x differ\. Evaluate both sides on the same"):
        Pair.of(Side.of("hand", evaluation), other)


def test_a_run_with_weights_and_one_without_are_of_two_problems(evaluation: Evaluation) -> None:
    ones = np.ones(evaluation.problem.batch)
    weighted = evaluation_of(dataclasses.replace(evaluation.problem, sample_weight=ones))
    for hand, reference in ((evaluation, weighted), (weighted, evaluation)):
        with pytest.raises(ValueError, match=r"of different problems: sample_weight differ\. Evaluate both sides"):
            Pair.of(Side.of("hand", hand), Side.of("reference", reference))
    assert Pair.of(Side.of("hand", weighted), Side.of("reference", weighted)).known["sample_weight"] is ones
