from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.slips import Slip
from gradient_diff import GradientDiff, compare, diagnose
from gradient_diff.mistakes.scale import fit
from manual_mlp import Problem, evaluation_of

IDS = (
    "sign",
    "missing_batch_mean",
    "factor_two",
    "missing_output_mean",
    "batch_mean_twice",
    "mean_for_sum",
    "bias_mean",
    "learning_rate_inside",
    "stray_constant",
)


@pytest.mark.parametrize("name", IDS)
def test_a_factor_is_named(name: str, rightly_named: Callable[[str], None]) -> None:
    rightly_named(name)


def test_a_missing_mean_is_one_cause_with_its_numbers(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    (cause, *others) = diff(problem("regression"), Slip("missing_batch_mean")).causes
    assert cause.message == (
        "your gradients are 7 times the reference's; 7 is the batch size. Divide δ of the output by N, once."
    )
    assert (cause.layer, cause.written, cause.right) == ("", "7 · dE/dW", "dE/dW")
    ids = [other.id for other in others]
    assert ids[0] == "missing_output_mean"  # K is 2, so K·N/2 is N
    assert "learning_rate_inside" not in ids  # nobody learns at a rate of 7


def test_half_may_also_be_a_learning_rate(problem: Callable[..., Problem], diff: Callable[..., GradientDiff]) -> None:
    causes = diff(problem("classes"), Slip("factor_two", form="½")).causes
    assert causes[0].id == "factor_two"
    assert causes[-1].id == "learning_rate_inside"  # a free constant explains any factor, so it comes last


def test_twice_is_also_what_a_second_call_gives(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    cause = diff(problem("classes"), Slip("factor_two", form="2")).causes[0]
    assert (cause.id, cause.same_as) == ("factor_two", ("accumulated",))
    other = diff(problem("classes"), Slip("accumulated", form="twice")).causes[1]
    assert (other.id, other.same_as) == ("accumulated", ("factor_two",))
    assert other.tell_apart == "a second step from the same weights"


def test_with_one_sample_and_one_output_every_mean_is_the_same(problem: Callable[..., Problem]) -> None:
    mlp = problem("one output").mlp
    e = mlp.backpropagate(mlp.initialize(3), np.ones((1, 2)), np.zeros((1, 1)), "mse")
    assert diagnose(dict(e.gradients), e) == ()
    cause = diagnose({n: 0.5 * g for n, g in e.gradients.items()}, e)[0]
    assert cause.id == "factor_two"
    assert "missing_output_mean" in cause.same_as  # ½ of a squared error's 2/(N·K) is its factor


@pytest.mark.parametrize("layer", [0, 1])
def test_a_mean_in_one_bias_names_its_layer(
    layer: int, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    cause = diff(problem("regression"), Slip("bias_mean", layer)).causes[0]
    assert (cause.id, cause.layer) == ("bias_mean", f"dense_{layer + 1}")


def test_the_mean_in_the_kernel_instead_of_in_delta_is_a_convention(problem: Callable[..., Problem]) -> None:
    known = problem("regression")
    e = evaluation_of(known)
    signals = ("/dE_du", "/dE_dz", "/dE_dx")
    mine = {n: known.batch * a if n.endswith(signals) else a for n, a in e.nodes.items() if "/dE_d" in n}
    (cause,) = compare(mine, e).causes
    assert (cause.id, cause.convention) == ("mean_in_kernel", True)


def test_the_root_of_the_loss_is_another_loss(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    cause = diff(problem("regression"), Slip("other_loss", form="rmse")).causes[0]
    assert cause.id == "other_loss"
    assert "the gradient of √E" in cause.message


def test_fit_is_least_squares_over_the_arrays_whose_shapes_agree() -> None:
    hand = {"a": np.array([2.0, 4.0]), "b": np.array([6.0])}
    assert fit(hand, {"a": np.array([1.0, 2.0]), "b": np.array([[3.0]])}, ["a", "b"]) == 2.0
    assert fit(hand, {"a": np.zeros(2), "b": np.zeros(1)}, ["a", "b"]) is None
