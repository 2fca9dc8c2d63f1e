"""The search through all mistakes: one alone, one in several places, two at once."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff import compare, rounding_noise
from gradient_diff.diagnosis.reenactment.scene import Scene
from gradient_diff.diagnosis.search import all_mistakes, explanations
from manual_mlp import MLP, Array, Dense, Evaluation, gradient_node

N = 11


@pytest.fixture(scope="module")
def right() -> Evaluation:
    mlp, rng = MLP(7, [Dense(5, "tanh"), Dense(5, "tanh"), Dense(5, "tanh"), Dense(3)]), np.random.default_rng(0)
    return mlp.backpropagate(mlp.initialize(0), rng.normal(size=(N, 7)), rng.normal(size=(N, 3)), "mse")


def found(e: Evaluation, hand: dict[str, Array], alone: bool = False) -> list[tuple[tuple[str, str], ...]]:
    nodes = {gradient_node(n): a for n, a in hand.items()}
    scene = Scene(e.problem, rounding_noise(e.problem, "float64"), nodes)
    return [tuple((m.id, m.layer) for m in x.mistakes) for x in explanations(scene, alone=alone)]


def turned(e: Evaluation, *layers: str) -> dict[str, Array]:
    return {n: g.T if n in {f"{layer}/kernel" for layer in layers} else g for n, g in e.gradients.items()}


def test_one_mistake_is_found_in_its_layer(right: Evaluation) -> None:
    assert found(right, turned(right, "dense_2")) == [(("transposed", "dense_2"),)]


def test_the_same_in_some_layers_is_one_mistake(right: Evaluation) -> None:
    hand = turned(right, "dense_3", "dense_2")
    assert set(found(right, hand)) == {(("transposed", "dense_2, dense_3"),)}
    assert found(right, hand, alone=True) == []


def test_two_at_once_come_after_one_alone(right: Evaluation) -> None:
    hand = {n: N * g for n, g in turned(right, "dense_2").items()}
    pairs = [{name for name, _ in pair} for pair in found(right, hand)]
    assert {"missing_batch_mean", "transposed"} in pairs
    assert found(right, hand, alone=True) == []


def test_a_multiple_is_made_of_known_factors_alone(right: Evaluation) -> None:
    first, *_ = found(right, {n: -N * g for n, g in right.gradients.items()})
    assert {name for name, _ in first} == {"sign", "missing_batch_mean"}
    assert found(right, {n: 1.2345 * g for n, g in right.gradients.items()}) == []


def test_the_fewest_constants_come_first(right: Evaluation) -> None:
    first, *others = found(right, {n: g / N for n, g in right.gradients.items()})
    assert first == (("batch_mean_twice", ""),)
    assert (("learning_rate_inside", ""),) in others


def test_every_family_makes_mistakes(right: Evaluation) -> None:
    hand = {gradient_node(n): 2 * g for n, g in right.gradients.items()}
    made = {m.id for m in all_mistakes(Scene(right.problem, rounding_noise(right.problem, "float64"), hand))}
    assert made >= {"sign", "derivative_wrong", "transposed", "bias_not_summed", "mini_batch_dropped", "wrong_target"}


# next to a saturated unit some entries are known to seven digits, while the array on the whole is noise


@pytest.fixture(scope="module")
def saturated() -> Evaluation:
    mlp = MLP(2, [Dense(2, "softmax")])
    kernel = np.array([[-4.0, 6.0], [3.0, -7.0]], np.float32)
    w = {"dense_1/kernel": kernel, "dense_1/bias": np.zeros(2, np.float32)}
    return mlp.backpropagate(w, np.array([[1.0, -1.0]], np.float32), np.array([[0.2, 0.7]], np.float32), "mse")


@pytest.mark.parametrize(("factor", "name"), [(-1, "sign"), (2, "factor_two")])
def test_a_factor_is_named_by_the_entries_that_are_known(saturated: Evaluation, factor: int, name: str) -> None:
    hand = {n: np.float32(factor) * g for n, g in saturated.gradients.items()}
    assert compare(hand, saturated).causes[0].id == name


def test_another_derivation_is_named_by_its_digits(saturated: Evaluation) -> None:
    z, x, y = saturated.nodes["dense_1/z"], saturated.problem.x, saturated.problem.y
    delta = (z - y) * z * (1 - z)
    hand = {"dense_1/kernel": x.T @ delta, "dense_1/bias": delta.sum(axis=0)}
    assert compare(hand, saturated).causes[0].id == "softmax_elementwise"


@pytest.mark.parametrize("seed", range(8))
def test_what_nobody_knows_is_not_named_by_them(saturated: Evaluation, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hand = {n: (g * rng.normal(size=g.shape)).astype(np.float32) for n, g in saturated.gradients.items()}
    diff = compare(hand, saturated)
    assert not diff.ok
    assert diff.causes == ()


def test_no_constant_is_fitted_to_them(saturated: Evaluation) -> None:
    assert compare({n: np.float32(0.37) * g for n, g in saturated.gradients.items()}, saturated).causes == ()
