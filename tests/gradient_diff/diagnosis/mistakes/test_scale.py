from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from experiments.students.slips import Slip
from gradient_diff import GradientDiff, compare, diagnose
from manual_mlp import MLP, Dense, Problem, evaluation_of

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


@pytest.mark.matrix(most=5)
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


def test_the_root_of_the_loss_keeps_the_weight_of_e_outside(problem: Callable[..., Problem]) -> None:
    known = problem("regression")
    weighted = evaluation_of(replace(known, loss=replace(known.loss, scale=1e-3)))
    root = np.sqrt(1e3 * weighted.loss)
    cause = compare({n: g / (2 * root) for n, g in weighted.gradients.items()}, weighted).causes[0]
    assert cause.id == "other_loss"
    assert "1/(2√(E/0.001))" in cause.message


# one factor in all gradients


def _ids(problem: Problem, factor: float) -> list[str]:
    e = evaluation_of(problem)
    return [cause.id for cause in compare({n: factor * g for n, g in e.gradients.items()}, e).causes]


@pytest.mark.parametrize("factor", [1 + 1e-9, 1 + 4e-8, 1.0001, -1.0001, 0.999, 1.01, 0.9, 1.13, 7.3, -7.3])
@pytest.mark.parametrize("net", ["regression", "classes"])
def test_a_constant_that_is_no_known_number_has_no_name(
    net: str, factor: float, problem: Callable[..., Problem]
) -> None:
    assert _ids(problem(net), factor) == []


def test_a_stray_number_of_outputs_is_no_half_of_a_pair(problem: Callable[..., Problem]) -> None:
    assert _ids(problem("classes"), 1.5) == []  # K is 3


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("net", ["regression", "classes", "labels", "decayed"])
def test_a_free_constant_joins_no_other_factor(net: str, problem: Callable[..., Problem]) -> None:
    rng = np.random.default_rng(0)
    for factor in (*rng.uniform(-0.4, 0.4, 6), *rng.uniform(1, 30, 6)):
        ids = _ids(problem(net), float(factor))
        assert ids == (["learning_rate_inside"] if abs(factor) < 0.5 else []), factor


@pytest.mark.parametrize("net", ["classes", "labels"])
def test_a_mean_that_is_also_over_the_outputs_says_so(net: str, problem: Callable[..., Problem]) -> None:
    known = problem(net)
    k, e = known.mlp.units[-1], evaluation_of(known)
    first, *others = compare({n: g / k for n, g in e.gradients.items()}, e).causes
    assert first.id == "missing_output_mean"
    assert f"{k} is the number of outputs: the mean was also taken over the outputs" in first.message
    assert [cause.id for cause in others] == ["learning_rate_inside"]


@pytest.mark.parametrize("net", ["classes", "labels", "logits", "regression"])
def test_any_other_place_of_the_number_of_outputs_is_named(net: str, problem: Callable[..., Problem]) -> None:
    known = problem(net)
    n, k = known.batch, known.mlp.units[-1]
    for factor in (k, 1 / k, n * k, *((n / k,) if net in ("classes", "labels") else ())):
        assert "missing_output_mean" in _ids(known, factor), factor


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mean_squared_error"])
@pytest.mark.parametrize(("n", "k"), [(2, 2), (3, 3), (2, 3), (3, 2), (4, 2), (6, 3), (7, 3), (7, 1), (1, 3)])
def test_sizes_that_coincide_are_named_together(loss: str, n: int, k: int) -> None:
    if (loss, k) == ("categorical_crossentropy", 1):
        return  # one class alone is no choice
    mlp, rng = MLP(4, [Dense(5, "tanh"), Dense(k, "softmax" if k > 1 else "linear")]), np.random.default_rng(0)
    y = np.eye(k)[rng.integers(0, k, n)] if k > 1 else rng.normal(size=(n, 1))
    e = mlp.backpropagate(mlp.initialize(0), rng.normal(size=(n, 4)), y, loss)
    wanted = {
        n: "missing_batch_mean",
        1 / n: "batch_mean_twice",
        k: "missing_output_mean",
        1 / k: "missing_output_mean",
        n * k: "missing_output_mean",
    }
    for factor in (f for f in {n, 1 / n, k, 1 / k, n * k, 2, 0.5, -1} if f != 1):
        first = diagnose({node: factor * g for node, g in e.gradients.items()}, e)[0]
        meant = [name for f, name in wanted.items() if f == factor]
        meant += {2: ["factor_two", "accumulated"], 0.5: ["factor_two"], -1: ["sign"]}.get(factor, [])
        assert set(meant) <= {first.id, *first.same_as}, (factor, first)
        assert not first.together


def test_an_update_whose_rate_is_one_over_the_batch_comes_before_two_factors() -> None:
    mlp, rng = MLP(4, [Dense(5, "tanh"), Dense(3)]), np.random.default_rng(0)
    e = mlp.backpropagate(mlp.initialize(0), rng.normal(size=(20, 4)), rng.normal(size=(20, 3)), "mse")
    rate, *pair = diagnose({n: -0.05 * g for n, g in e.gradients.items()}, e)
    assert (rate.id, rate.together) == ("learning_rate_inside", ())
    assert [(c.id, c.together) for c in pair] == [("sign", ("batch_mean_twice",)), ("batch_mean_twice", ("sign",))]


@pytest.mark.parametrize("factor", [-1, 0.5, 7])
def test_float32_that_is_stored_in_float64_is_named_all_the_same(
    factor: float, problem: Callable[..., Problem], hand: Callable[..., dict[str, np.ndarray]]
) -> None:
    e, coarse = evaluation_of(problem("regression", "float32").float64), hand(problem("regression", "float32"))
    mine = {n: np.float64(factor) * g.astype(np.float64) for n, g in coarse.items()}
    first = diagnose(mine, e)[0]
    assert first.id == {-1: "sign", 0.5: "factor_two", 7: "missing_batch_mean"}[factor]
    assert "the rounding of float32 only" in first.message
    assert diagnose({n: g / factor for n, g in mine.items()}, e) == ()
