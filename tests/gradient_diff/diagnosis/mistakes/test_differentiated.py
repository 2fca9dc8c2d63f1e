from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from experiments.students.slips import Slip
from gradient_diff import GradientDiff, compare, rounding_noise
from gradient_diff.diagnosis.mistakes.differentiated import likely_shifts
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import MLP, Dense, Loss, Problem, evaluation_of
from manual_mlp.extend import is_gradient, variable_of


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("name", ["output_not_loss", "other_loss", "wrong_target", "targets_broadcast"])
def test_what_was_differentiated_is_named(name: str, rightly_named: Callable[[str], None]) -> None:
    rightly_named(name)


def article_d() -> tuple[MLP, dict[str, np.ndarray], np.ndarray, np.ndarray]:
    mlp = MLP(10, [Dense(10), Dense(1, "sigmoid")])
    rng = np.random.default_rng(0)
    return mlp, mlp.initialize(0), rng.random((100, 10)), np.round(rng.random((100, 1)))


def test_article_d_differentiates_the_output() -> None:
    mlp, w, x, y = article_d()
    e = mlp.backpropagate(w, x, y, "binary_crossentropy")
    z1 = x @ w["dense_1/kernel"] + w["dense_1/bias"]
    p = 1 / (1 + np.exp(-(z1 @ w["dense_2/kernel"] + w["dense_2/bias"])))
    d2 = p * (1 - p)  # dy/du, summed over the samples: tape.gradient(ys, w)
    d1 = d2 @ w["dense_2/kernel"].T
    mine = {
        "dense_2/kernel": z1.T @ d2,
        "dense_2/bias": d2.sum(0),
        "dense_1/kernel": x.T @ d1,
        "dense_1/bias": d1.sum(0),
    }
    causes = compare(mine, e).causes
    assert "output_not_loss" in (causes[0].id, *causes[0].same_as)
    by_id = {cause.id: cause for cause in causes}
    assert "dE/dz is 1" in by_id["output_not_loss"].message


def test_article_d_takes_the_mse_for_cross_entropy() -> None:
    mlp, w, x, y = article_d()
    e = mlp.backpropagate(w, x, y, "binary_crossentropy")
    z1 = x @ w["dense_1/kernel"] + w["dense_1/bias"]
    p = 1 / (1 + np.exp(-(z1 @ w["dense_2/kernel"] + w["dense_2/bias"])))
    d2 = 2 * (p - y) / 100 * p * (1 - p)
    d1 = d2 @ w["dense_2/kernel"].T
    mine = {
        "dense_2/kernel": z1.T @ d2,
        "dense_2/bias": d2.sum(0),
        "dense_1/kernel": x.T @ d1,
        "dense_1/bias": d1.sum(0),
    }
    (cause,) = compare(mine, e).causes
    assert cause.id == "other_loss"
    assert "it is the gradient of mean_squared_error, not of binary_crossentropy" in cause.message


@pytest.mark.parametrize(
    ("output", "other", "times"),
    [
        ("sigmoid", "binary_crossentropy", 1),
        ("sigmoid", "binary_crossentropy, summed over the outputs", 3),
        ("softmax", "categorical_crossentropy", 1),
    ],
)
def test_the_cross_entropy_is_that_of_the_output(output: str, other: str, times: int) -> None:
    mlp, rng = MLP(4, [Dense(5, "tanh"), Dense(3, output)]), np.random.default_rng(0)
    x, y = rng.normal(size=(7, 4)), np.eye(3)[rng.integers(0, 3, 7)]
    w = mlp.initialize(0)
    entropy = mlp.backpropagate(w, x, y, other.split(",")[0])
    mine = {n: times * g for n, g in entropy.gradients.items()}
    causes = compare(mine, mlp.backpropagate(w, x, y, "quadratic_cost")).causes
    cause = next(c for c in causes if c.id == "other_loss")
    assert cause.id in (causes[0].id, *causes[0].same_as)
    assert f"it is the gradient of {other}, not of quadratic_cost" in cause.message


@pytest.mark.parametrize("scale", [1.0, 1e-3, 7.0])
def test_the_absolute_error_keeps_the_weight_of_e(scale: float) -> None:
    mlp, rng = MLP(4, [Dense(3)]), np.random.default_rng(0)
    x, y = rng.normal(size=(7, 4)), rng.normal(size=(7, 3))
    e = mlp.backpropagate(mlp.initialize(0), x, y, Loss("mean_squared_error", scale=scale))
    delta = scale * np.sign(e.nodes["dense_1/z"] - y) / 21
    cause = compare({"dense_1/kernel": x.T @ delta, "dense_1/bias": delta.sum(axis=0)}, e).causes[0]
    assert "the mean of |z − y|" in cause.message


def test_article_d_overwrites_its_targets() -> None:
    mlp, w, x, y = article_d()
    e = mlp.backpropagate(w, x, y, "binary_crossentropy")
    causes = compare({n: np.zeros_like(g) for n, g in e.gradients.items()}, e).causes
    assert "wrong_target" in (causes[0].id, *causes[0].same_as)


@pytest.mark.parametrize("net", ["regression", "sigmoid output", "softmax output", "classes", "labels", "logits"])
def test_shifted_targets_are_found_whatever_the_output(
    net: str, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    result = diff(problem(net), Slip("wrong_target", form="shifted", value=3))
    assert result.causes[0].id == "wrong_target"
    assert "shifted by 3 samples" in result.causes[0].message


@pytest.mark.parametrize("shift", [3, 17, 60])
def test_the_likeliest_shift_of_the_targets_is_found_where_samples_are_weighed(shift: int) -> None:
    """Among 89 shifts, and a random projection tells of three: it has to be sharp."""
    mlp, rng = MLP(3, [Dense(4, "tanh"), Dense(2)]), np.random.default_rng(0)
    x, y, w = rng.normal(size=(89, 3)), rng.normal(size=(89, 2)), 10 ** rng.uniform(-2, 2, 89)
    problem = mlp.problem(mlp.initialize(0), x, y, "mse", sample_weight=w)
    shifted = evaluation_of(replace(problem, y=np.roll(y, shift, axis=0))).nodes
    hand = {n: a for n, a in shifted.items() if is_gradient(n, "kernel", "bias")}
    scene = Scene(problem, rounding_noise(problem), hand)
    assert likely_shifts(scene, y)[0] == shift
    found = compare({variable_of(n): a for n, a in hand.items()}, evaluation_of(problem)).causes
    assert [(c.id, f"shifted by {shift} samples" in c.message) for c in found] == [("wrong_target", True)]
