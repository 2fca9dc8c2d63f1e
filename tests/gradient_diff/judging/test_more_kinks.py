"""Kinks that are not at 0, jumps, and those of losses: found, named, and no excuse for a wrong derivation."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff import Status, compare, rounding_noise
from gradient_diff.judging.kinks import kinks
from manual_mlp import MLP, Array, Dense, Loss, Problem, evaluation_of
from manual_mlp.equations.activations import activation

AT = {
    "leaky_relu": 0.0,
    "selu": 0.0,
    "elu(0.5)": 0.0,
    "hard_tanh": 1.0,
    "hard_sigmoid": -3.0,
    "hard_silu": 3.0,
    "relu6": 6.0,
    "sparse_sigmoid": 1.0,
    "soft_shrink": 0.5,
    "relu(max_value=2)": 2.0,
}
"""Activation → one of its kinks, at which one unit of one sample is put."""


def _at_a_kink(name: str, edge: float) -> Problem:
    """u of the first unit of the first sample is exactly there."""
    rng = np.random.default_rng(0)
    mlp = MLP(3, [Dense(4, name), Dense(2)])
    w = mlp.initialize(1)
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    x[0] = 0
    w["dense_1/bias"] = np.array([edge, 0.3, -0.2, 0.7])
    return mlp.problem(w, x, y, "mse")


def _on_side(problem: Problem, name: str, edge: float, side: int, factor: float = 1.0) -> dict[str, Array]:
    """Gradients of a hand that takes the slope of one side at the kink."""
    e = evaluation_of(problem)
    u, g = e.nodes["dense_1/u"].copy(), e.nodes["dense_1/dE_dz"]
    u[0, 0] = np.nextafter(edge, side * np.inf)
    record = activation(name)
    assert record.backward is not None
    delta = factor * record.backward(g, u)
    return {**e.gradients, "dense_1/kernel": problem.x.T @ delta, "dense_1/bias": delta.sum(axis=0)}


@pytest.mark.parametrize(("name", "edge"), AT.items())
def test_either_slope_at_a_kink_is_right_or_named_and_another_factor_is_wrong(name: str, edge: float) -> None:
    problem = _at_a_kink(name, edge)
    found = kinks(problem, rounding_noise(problem))
    assert [(k.node, k.index, k.edge) for k in found] == [("dense_1/u", (0, 0), edge)]
    left, right = found[0].slopes
    slope = float(evaluation_of(problem).nodes["dense_1/dE_dz"][0, 0])
    sides = [
        activation(name).backward(np.ones((1, 1)), np.array([[np.nextafter(edge, s * np.inf)]]))[0, 0] for s in (-1, 1)
    ]  # type: ignore[misc]
    np.testing.assert_allclose([left, right], [slope * s for s in sides], rtol=1e-12)
    verdicts = [compare(_on_side(problem, name, edge, s), evaluation_of(problem)).verdict for s in (-1, 1)]
    assert set(verdicts) == {Status.MATCH, Status.KINK}
    wrong = _on_side(problem, name, edge, -1, factor=1.001)
    assert compare(wrong, evaluation_of(problem)).verdict is Status.MISMATCH


@pytest.mark.parametrize("name", ["mae", "mape", "hinge"])
def test_a_loss_at_its_kink_may_take_either_slope(name: str) -> None:
    rng = np.random.default_rng(0)
    mlp = MLP(3, [Dense(4, "tanh"), Dense(2)])
    w, x = mlp.initialize(1), rng.normal(size=(6, 3))
    y = np.sign(rng.normal(size=(6, 2)))
    x[0], w["dense_2/bias"] = 0, np.array([0.5, -0.25])
    w["dense_1/bias"] = np.zeros(4)
    y[0] = 2.0, -4.0
    if name != "hinge":
        y[0] = 0.5, -0.25
    problem = mlp.problem(w, x, y, Loss(name))
    found = kinks(problem, rounding_noise(problem))
    assert [(k.node, k.index) for k in found] == [("dense_2/z", (0, 0)), ("dense_2/z", (0, 1))]
    assert "there the slope of the loss jumps" in str(found[0])
    e = evaluation_of(problem)
    for side in (-1, 1):
        delta = e.nodes["dense_2/dE_dz"].copy()
        size = {"mae": 1.0, "mape": 200.0, "hinge": 0.0}[name] / 12
        delta[0, 0] = side * size if name != "hinge" else (0.0 if side > 0 else -2.0 / 12)
        below = delta @ w["dense_2/kernel"].T * (1 - e.nodes["dense_1/z"] ** 2)
        mine = {"dense_2/bias": delta.sum(axis=0), "dense_2/kernel": e.nodes["dense_1/z"].T @ delta}
        mine |= {"dense_1/bias": below.sum(axis=0), "dense_1/kernel": x.T @ below}
        assert compare(mine, e).verdict in (Status.KINK, Status.MATCH)
    wrong = {n: 1.001 * g for n, g in e.gradients.items()}
    assert compare(wrong, e).verdict is Status.MISMATCH


@pytest.mark.parametrize(
    ("nodes", "silent", "said"),
    [
        (False, False, Status.KINK),
        (True, False, Status.KINK),
        (True, True, Status.KINK),
        (False, True, Status.DIFFERENT),  # three numbers of a bias say little of two kinks: nobody is convicted
    ],
)
def test_where_outputs_tie_in_a_categorical_hinge_anyone_may_be_the_best(
    nodes: bool, silent: bool, said: Status
) -> None:
    """As where a ReLU gives two zeros: TensorFlow shares the slope, `argmax` takes the first, rounding takes either."""
    mlp = MLP(3, [Dense(3)])
    w, rng = mlp.initialize(1), np.random.default_rng(0)
    x, y = np.round(8 * rng.normal(size=(4, 3))) / 8, np.eye(3)[[2, 0, 1, 1]]
    w["dense_1/kernel"] = np.round(8 * w["dense_1/kernel"]) / 8  # so that the tie is exact
    if silent:
        x[0] = 0
    w["dense_1/bias"] = -x[0] @ w["dense_1/kernel"]
    e = mlp.backpropagate(w, x, y, "categorical_hinge")
    assert [k.index for k in kinks(e.problem, rounding_noise(e.problem))] == [(0, 0), (0, 1)]
    assert e.nodes["dense_1/dE_dz"][0].tolist() == pytest.approx([1 / 12, 1 / 12, -0.25])
    for first in ([0.25, 0, -0.25], [0, 0.25, -0.25], [0, 0, -0.25]):  # the last: the right class counts as 0, too
        delta = e.nodes["dense_1/dE_dz"].copy()
        delta[0] = first
        mine = {"dense_1/kernel": x.T @ delta, "dense_1/bias": delta.sum(axis=0)}
        mine |= {"dense_1/dE_dz": delta} if nodes else {}
        assert compare(mine, e).verdict is said
        wrong = {n: 1.001 * g for n, g in mine.items()}
        assert compare(wrong, e).verdict is Status.MISMATCH


@pytest.mark.parametrize(("name", "edge"), [("hard_shrink", 0.5), ("threshold(0.5, 0)", 0.5)])
def test_at_a_jump_the_value_itself_hangs_on_the_branch(name: str, edge: float) -> None:
    problem = _at_a_kink(name, edge)
    assert [(k.index, k.edge) for k in kinks(problem, rounding_noise(problem))] == [((0, 0), edge)]
    base = evaluation_of(problem)
    moved = evaluation_of(_at_a_kink(name, float(np.nextafter(edge, np.inf))))
    assert abs(moved.nodes["dense_1/z"] - base.nodes["dense_1/z"]).max() > 0.4
    assert compare(dict(moved.gradients), base).verdict is Status.KINK
    wrong = {n: 1.001 * g for n, g in moved.gradients.items()}
    assert compare(wrong, base).verdict is Status.MISMATCH
