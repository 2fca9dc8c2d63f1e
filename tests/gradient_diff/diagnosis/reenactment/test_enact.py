"""Mistakes made in the equations of a network: what comes out, and what is left of a hand's difference."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff import rounding_noise
from gradient_diff.diagnosis.reenactment.enact import (
    Committed,
    after,
    but_decay,
    described,
    enact,
    everywhere,
    explained,
    is_far,
    join,
    residual,
    spoils,
)
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import MLP, Array, Dense, Equation, Evaluation, gradient_node
from manual_mlp.extend import Product, Pullback


@pytest.fixture(scope="module")
def right() -> Evaluation:
    mlp, rng = MLP(3, [Dense(4, "tanh"), Dense(4, "tanh"), Dense(2)]), np.random.default_rng(0)
    return mlp.backpropagate(mlp.initialize(0), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), "mse")


def scene_of(e: Evaluation, hand: dict[str, Array]) -> Scene:
    return Scene(e.problem, rounding_noise(e.problem, "float64"), hand)


def gradients(e: Evaluation) -> dict[str, Array]:
    return {gradient_node(n): g for n, g in e.gradients.items()}


def linear(scene: Scene, layer: str) -> Committed:
    """f′ left out in one layer."""
    swap = scene.swap(f"{layer}/dE_du", Pullback("linear"), f"{layer}/dE_dz", f"{layer}/u")
    return Committed("missing_derivative", layer, "f′ is not applied", swap)


def by_hand(e: Evaluation) -> dict[str, Array]:
    """The same in dense_2, written out."""
    w, v = e.problem.parameters, e.nodes
    top = v["dense_2/dE_dz"]
    below = (top @ w["dense_2/kernel"].T) * (1 - np.square(v["dense_1/z"]))
    return {
        **gradients(e),
        "dense_2/dE_dkernel": v["dense_1/z"].T @ top,
        "dense_2/dE_dbias": top.sum(axis=0),
        "dense_1/dE_dkernel": e.problem.x.T @ below,
        "dense_1/dE_dbias": below.sum(axis=0),
    }


def test_a_mistake_gives_what_a_hand_gives_that_makes_it(right: Evaluation) -> None:
    hand = by_hand(right)
    scene = scene_of(right, hand)
    made = enact(scene, [linear(scene, "dense_2")], is_far)
    assert made is not None
    assert max(float(np.abs(made[n] - a).max()) for n, a in hand.items()) < 1e-14
    assert residual(scene, [linear(scene, "dense_2")]) <= 1


def test_a_permille_beside_it_is_not_explained(right: Evaluation) -> None:
    hand = by_hand(right)
    scene = scene_of(right, {**hand, "dense_1/dE_dbias": 1.001 * hand["dense_1/dE_dbias"]})
    assert residual(scene, [linear(scene, "dense_2")]) > 1


def test_nor_are_a_few_times_what_rounding_explains(right: Evaluation) -> None:
    hand, node = by_hand(right), "dense_1/dE_dbias"
    room = scene_of(right, hand).tolerance(node)
    for times, explains in ((0.1, True), (10.0, False)):
        scene = scene_of(right, {**hand, node: hand[node] + times * room})
        assert (residual(scene, [linear(scene, "dense_2")]) <= 1) is explains


def test_what_is_far_off_is_given_up(right: Evaluation) -> None:
    scene = scene_of(right, by_hand(right))
    assert enact(scene, [linear(scene, "dense_1")], is_far) is None
    assert enact(scene, [linear(scene, "dense_1")]) is not None
    assert residual(scene, [linear(scene, "dense_1")]) == np.inf


def test_a_mistake_that_the_shapes_do_not_allow_is_none(right: Evaluation) -> None:
    scene = scene_of(right, gradients(right))
    swap = scene.swap("dense_2/dE_dz", Product(), "dense_3/dE_du", "dense_3/kernel")
    assert enact(scene, [Committed("backprop_untransposed", "dense_3", "", swap)]) is None


def test_mistakes_that_need_each_others_results_are_none(right: Evaluation) -> None:
    scene = scene_of(right, gradients(right))
    a, b = "dense_1/dE_dbias", "dense_2/dE_dbias"
    same = Formula("{0}", lambda array: array)
    circle = Committed("x", "", "", {**scene.swap(a, same, b), **scene.swap(b, same, a)})
    assert enact(scene, [circle]) is None


def test_after_the_first_mistake_the_second_is_looked_for(right: Evaluation) -> None:
    hand = {n: -a for n, a in by_hand(right).items()}
    scene = scene_of(right, hand)
    turned = Committed("sign", "", "", finish=everywhere(-1.0), undo=everywhere(-1.0))
    granted = after(scene, turned)
    assert granted is not None
    assert residual(granted, [linear(granted, "dense_2")]) <= 1
    assert after(scene, Committed("sign", "", "", finish=everywhere(-1.0))) is None  # nobody knows how to undo it


def test_the_arrays_that_are_explained_are_listed(right: Evaluation) -> None:
    hand = {**by_hand(right), "dense_1/dE_dbias": np.ones(4)}
    scene = scene_of(right, hand)
    made = enact(scene, [linear(scene, "dense_2")])
    assert made is not None
    assert explained(scene, made) == hand.keys() - {"dense_1/dE_dbias"}


def test_the_same_in_two_layers_is_one(right: Evaluation) -> None:
    scene = scene_of(right, gradients(right))
    one = join([linear(scene, "dense_1"), linear(scene, "dense_2")], "in every hidden layer")
    assert (one.id, one.layer, one.places) == ("missing_derivative", "", 2)
    assert one.sentence == "in every hidden layer, f′ is not applied"
    assert one.swaps.keys() == {"dense_1/dE_du", "dense_2/dE_du"}


def test_a_decay_is_spared_by_a_factor() -> None:
    decays = {"w/dE_dkernel": np.array([1.0])}
    spared = but_decay(decays, everywhere(3.0))
    given = {"w/dE_dkernel": np.array([3.0]), "w/dE_dbias": np.array([2.0]), "w/u": np.array([5.0])}
    assert {n: a.tolist() for n, a in spared(given).items()} == {
        "w/dE_dkernel": [7.0],
        "w/dE_dbias": [6.0],
        "w/u": [5.0],
    }


def test_both_equations_are_read_off_the_substitution(right: Evaluation) -> None:
    scene = scene_of(right, gradients(right))
    told = described(scene, linear(scene, "dense_2"))
    assert (told.written, told.right) == (
        Equation("dense_2", "dense_2/dE_du", Pullback("linear"), ("dense_2/dE_dz", "dense_2/u")).formula,
        scene.by_node["dense_2/dE_du"].formula,
    )


def test_what_spoils_an_array_before_the_first_wrong_one_ends_it(right: Evaluation) -> None:
    hand = {**gradients(right), "dense_1/dE_dkernel": np.ones((3, 4))}
    scene = scene_of(right, hand)
    assert "dense_2/dE_dkernel" in scene.before_off
    assert enact(scene, [linear(scene, "dense_1")], spoils) is not None  # it changes what is off, and nothing before
    assert enact(scene, [linear(scene, "dense_2")], spoils) is None
    doubled = scene.swap("dense_2/dE_dkernel", Formula("2 {0}", lambda a: 2 * scene.values["dense_2/dE_dkernel"]), "x")
    assert enact(scene, [Committed("x", "", "", doubled)], spoils) is not None  # a factor of all may be at work, too


def test_only_what_hangs_on_a_mistake_is_computed_again(right: Evaluation) -> None:
    scene = scene_of(right, gradients(right))
    made = enact(scene, [linear(scene, "dense_2")])
    whole = {e.node: e for e in scene.equations}
    assert made is not None
    assert {n for n in made if made[n] is not scene.values[n]} == scene.reached["dense_2/dE_du"]
    assert scene.reached["dense_2/dE_du"] < whole.keys()
