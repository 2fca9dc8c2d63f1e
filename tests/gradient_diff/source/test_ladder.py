"""What leads to what: by equations, by what stands between, and step by step."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.source.forms import Form, Recognised
from gradient_diff.source.ladder import Ladder
from gradient_diff.source.piece import Piece
from manual_mlp import MLP, Activation, Dense
from manual_mlp.extend import draw_data
from manual_mlp.layers import BatchNormalization

MINE = MLP(6, [Dense(4, use_bias=False), BatchNormalization(), Activation("tanh"), Dense(3)])
X, Y = draw_data(np.random.default_rng(0), 5, MINE, "mse")
LADDER = Ladder(MINE.problem(MINE.initialize(0), X, Y, "mse"))
OWN = "batch_normalization_1"
DOWN = next(e.node for e in LADDER.equations.values() if e.layer == OWN and e.node.startswith("dense_1/"))


def named(node: str) -> Recognised:
    node = node if node.startswith(("dense_", "activation_")) else f"{OWN}/{node}"
    return Recognised(Form(Piece(node, np.ones(2), np.zeros(2)), "", np.ones(2), np.zeros(2)))


@pytest.mark.parametrize(
    ("name", "node", "leads", "above"),
    [
        ("z_prev − μ", "x̂", True, True),
        ("v + ε", "x̂", True, True),
        ("variance", "x̂", True, True),
        ("Σ (z_prev − μ)²", "variance", True, True),
        ("Σ (z_prev − μ)²", "v + ε", False, True),
        ("Σ (z_prev − μ)²", "x̂", False, True),
        ("x̂", "v + ε", False, False),
        ("gamma", "x̂", False, False),
        ("ĝ", "x̂", False, False),
        ("x̂", "mean ĝ x̂", True, True),
        ("dE_dbeta", "dE_dgamma", False, False),
    ],
)
def test_what_leads_to_a_value_goes_through_no_other_node(name: str, node: str, leads: bool, above: bool) -> None:
    assert LADDER.leads_to(named(name), f"{OWN}/{node}") is leads
    assert LADDER.is_above(named(name), f"{OWN}/{node}") is above


@pytest.mark.parametrize(
    ("names", "together"),
    [
        (("ĝ", "mean ĝ", "x̂", "mean ĝ x̂", "1 ⁄ √(v + ε)"), True),
        (("n ĝ", "Σ ĝ", "x̂", "Σ ĝ x̂", "1 ⁄ √(v + ε)"), True),
        (("ĝ ⁄ √(v + ε)", "dE/dv", "z_prev − μ", "dE/dμ"), True),
        (("ĝ", "mean ĝ", "x̂", "Σ ĝ x̂", "1 ⁄ √(v + ε)"), False),
        (("ĝ", "mean ĝ", "beta"), False),
    ],
)
def test_values_are_on_one_way_to_the_gradient_below_or_not(names: tuple[str, ...], together: bool) -> None:
    assert all(LADDER.is_above(named(n), DOWN) for n in names if n != "beta")
    assert LADDER.lead_to([named(n) for n in names], DOWN) is together


def test_a_sum_and_the_mean_of_the_same() -> None:
    assert LADDER.are_of_one(named("Σ ĝ"), f"{OWN}/mean ĝ")
    assert not LADDER.are_of_one(named("Σ ĝ"), f"{OWN}/mean ĝ x̂")
    assert not LADDER.are_of_one(named("x̂"), f"{OWN}/z")


def test_reductions_are_of_what_is_reduced() -> None:
    found = {n.partition("/")[2] for n in LADDER.reductions_of([f"{OWN}/ĝ x̂"])}
    assert found == {"mean ĝ x̂", "Σ ĝ x̂"}
    assert LADDER.reductions_of(["dense_2/kernel"]) == []


def test_of_a_dense_layer_equations_say_it() -> None:
    assert LADDER.leads_to(named("activation_1/z"), "dense_2/u") is LADDER.is_above(
        named("activation_1/z"), "dense_2/u"
    )
    assert LADDER.roles_into(f"{OWN}/x̂") == {"z_prev − μ", "√(v + ε)", "1 ⁄ √(v + ε)"}
