"""A hand that brings E or outputs: where these differ, no gradient below is called a wrong derivation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradient_diff import Status, compare
from manual_mlp import MLP, Array, Dense, Evaluation

NET = MLP(4, [Dense(5, "tanh"), Dense(3, "softmax")])
W = NET.initialize(0)
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 4)), np.eye(3)


def _at(x: Array) -> Evaluation:
    return NET.backpropagate(W, x, Y, "categorical_crossentropy")


RIGHT, OTHER = _at(X), _at(X / 255)


def _both(e: Evaluation) -> dict[str, Any]:
    return {**e.gradients, "loss": e.loss}


@pytest.mark.parametrize(
    "hand", [_both, lambda e: (e.loss, e.gradients), lambda e: lambda w, x, y: (e.loss, e.gradients)]
)
def test_e_beside_the_gradients_is_compared_too(hand: Any) -> None:
    assert compare(hand(RIGHT), RIGHT).verdict is Status.MATCH
    diff = compare(hand(OTHER), RIGHT)
    assert {row.status for row in diff.rows} == {Status.DIFFERENT}
    mine, right = float(OTHER.loss), float(RIGHT.loss)
    words = f"DIFFERENT: your E is {mine:.6g}, the reference's {right:.6g}: the forward passes part at loss"
    assert diff.headline().startswith(words)
    assert diff.culprit == "loss"
    assert diff.causes == ()


def test_the_first_output_that_differs_is_where_they_part() -> None:
    hand = {**_both(OTHER), "dense_1/z": OTHER.nodes["dense_1/z"]}
    diff = compare(hand, RIGHT)
    assert diff.culprit == "dense_1/z"
    assert "the forward passes part at dense_1/z" in diff.headline()
    assert [row.name for row in diff.rows if row.downstream] == [
        row.name for row in diff.rows if row.name != "dense_1/z"
    ]


def test_a_right_forward_pass_excuses_no_gradient() -> None:
    wrong = {**_both(RIGHT), "dense_1/z": RIGHT.nodes["dense_1/z"]}
    wrong["dense_1/bias"] = 2 * wrong["dense_1/bias"]
    diff = compare(wrong, RIGHT)
    assert (diff.verdict, diff.culprit) == (Status.MISMATCH, "dense_1/dE_dbias")


def test_a_whole_evaluation_is_judged_node_by_node() -> None:
    """Both know the same problem: there its own equation says who is off."""
    off = _at(X)
    off.nodes["dense_1/z"][0, 0] += 1e-3
    assert compare(off, RIGHT).verdict is Status.MISMATCH


@pytest.mark.parametrize(("hand", "reference"), [(RIGHT, OTHER), (OTHER, RIGHT)])
def test_either_e_may_be_the_larger(hand: Evaluation, reference: Evaluation) -> None:
    words = f"your E is {float(hand.loss):.6g}, the reference's {float(reference.loss):.6g}: the forward passes part"
    assert words in compare(_both(hand), reference).headline()


def test_only_where_they_part_is_the_distance_in_σ_the_reason() -> None:
    rows = compare(_both(OTHER), RIGHT).rows
    assert {row.name for row in rows if row.by_sigma} == {"loss"}
