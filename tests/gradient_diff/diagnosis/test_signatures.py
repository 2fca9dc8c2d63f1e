"""What arrays alone give away, and what the sizes of a network add to it."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff import Cause, compare, diagnose
from manual_mlp import MLP, Dense, Dropout, Evaluation

N, K = 7, 3


@pytest.fixture(scope="module")
def right() -> Evaluation:
    mlp, rng = MLP(4, [Dense(5, "tanh"), Dropout(0.3), Dense(K)]), np.random.default_rng(0)
    x, y = rng.normal(size=(N, 4)), rng.normal(size=(N, K))
    return mlp.backpropagate(mlp.initialize(0), x, y, "mse", mlp.draws(0, N))


def times(factor: float, right: Evaluation) -> dict[str, np.ndarray]:
    return {n: factor * g for n, g in right.gradients.items()}


def first(causes: tuple[Cause, ...]) -> str:
    return causes[0].id if causes else "nothing"


@pytest.mark.parametrize(
    ("factor", "named", "words"),
    [
        (N, "missing_batch_mean", "7 is the batch size"),
        (1 / N, "batch_mean_twice", "7 is the batch size"),
        (K, "missing_output_mean", "that is K, with N = 7 and K = 3"),
        (K / 2, "missing_output_mean", "that is K/2"),
        (N * K, "missing_output_mean", "that is N·K,"),
        (N * K / 2, "missing_output_mean", "that is N·K/2"),
        (0.7, "dropout_scale_missing", "0.3 is dropped"),
        (1 / 0.7, "dropout_scale_missing", "0.3 is dropped"),
        (2, "factor_two", "2 times"),
        (-1, "sign", "-1 times"),
        (1 / K, "missing_output_mean", "that is 1/K"),
        (N / K, "missing_output_mean", "that is N/K"),
        (N / 4, "mini_batch_dropped", "divided by 4 samples, not 7"),
    ],
)
def test_quick_knows_the_sizes_of_the_network(factor: float, named: str, words: str, right: Evaluation) -> None:
    cause = diagnose(times(factor, right), right, quick=True)[0]
    assert cause.id == named
    assert words in cause.message
    assert "?" not in cause.message


@pytest.mark.parametrize(
    ("factor", "named"),
    [
        (10.5, "missing_output_mean"),
        (21, "missing_batch_mean"),
        (0.7, "dropout_scale_missing"),
        (8 / 7, "mini_batch_dropped"),
        (-7, "sign"),
        (0.0123457, "learning_rate_inside"),
    ],
)
def test_without_a_network_a_factor_is_a_question(factor: float, named: str, right: Evaluation) -> None:
    causes = {c.id: c for c in diagnose(times(factor, right), right.gradients)}
    assert named in causes
    assert "?" in causes[named].message or named == "sign"


def test_any_other_factor_has_no_name(right: Evaluation) -> None:
    assert diagnose(times(1.2345, right), right.gradients) == ()


@pytest.mark.parametrize("factor", [1 + 1e-9, 1 + 4e-8, 1.000001, 1.0001, -1.0001, 0.999, 0.9999, 7.3, -7.3])
def test_nor_has_one_that_is_nearly_1_or_no_rate(factor: float, right: Evaluation) -> None:
    assert diagnose(times(factor, right), right.gradients) == ()
    assert diagnose(times(factor, right), right, quick=True) == ()


@pytest.mark.parametrize(
    ("factor", "named"),
    [(5, []), (0.01, ["learning_rate_inside"]), (21 / 20, []), (3.5, ["mini_batch_dropped"])],
)
def test_sizes_that_are_known_are_not_asked_for(factor: float, named: list[str], right: Evaluation) -> None:
    causes = diagnose(times(factor, right), right.gradients, sizes=(N, K))
    assert [c.id for c in causes] == named
    assert not any("batch size?" in c.message for c in causes)


@pytest.mark.parametrize(("factor", "named"), [(K, "missing_output_mean"), (N, "missing_batch_mean")])
def test_sizes_that_are_known_name_a_factor(factor: float, named: str, right: Evaluation) -> None:
    bare = right.gradients
    for causes in (
        diagnose(times(factor, right), bare, sizes=(N, K)),
        compare(times(factor, right), bare, rtol=1e-9, sizes=(N, K)).causes,
    ):
        assert first(causes) == named
        assert "?" not in causes[0].message


def test_a_mean_in_the_bias_is_one_over_the_batch(right: Evaluation) -> None:
    for n in (N, 5):
        hand = {k: g / n if k.endswith("bias") else g for k, g in right.gradients.items()}
        ids = [c.id for c in diagnose(hand, right.gradients, sizes=(N, K))]
        assert ("bias_mean" in ids) is (n == N)


def test_the_coarser_dtype_says_what_is_equal(right: Evaluation) -> None:
    coarse = {n: g.astype(np.float32) for n, g in right.gradients.items()}
    exact = {n: -g for n, g in right.gradients.items()}
    assert first(diagnose(exact, coarse)) == first(diagnose(coarse, exact)) == "sign"
    stored = {n: -g.astype(np.float64) for n, g in coarse.items()}
    (cause,) = diagnose(stored, right.gradients)
    assert cause.id == "sign"
    assert "the rounding of float32 only" in cause.message
    assert diagnose({n: -g for n, g in stored.items()}, right.gradients) == ()
    tiny = {n: 1e-60 * g for n, g in right.gradients.items()}
    assert diagnose({n: -1e-60 * g for n, g in stored.items()}, tiny) == ()  # float32 holds no such numbers


@pytest.mark.parametrize(("share", "named"), [(0.02, "l2_factor"), (-0.02, "l2_missing")])
def test_a_multiple_of_the_weights_is_a_decay(share: float, named: str, right: Evaluation) -> None:
    weights = right.problem.parameters
    hand = {n: g + share * weights[n] if n.endswith("kernel") else g for n, g in right.gradients.items()}
    assert first(diagnose(hand, right, quick=True)) == named
    noise = {n: g + 1e-4 * np.cos(np.arange(g.size)).reshape(g.shape) for n, g in hand.items()}
    assert first(diagnose(noise, right, quick=True)) == "nothing"


@pytest.mark.parametrize(("axis", "words"), [(0, "row 1 is 5 times"), (1, "column 1 is 5 times")])
def test_a_factor_in_one_row_or_column_is_said(axis: int, words: str, right: Evaluation) -> None:
    hand = dict(right.gradients)
    factors = np.ones(hand["dense_2/kernel"].shape[axis])
    factors[1] = 5
    hand["dense_2/kernel"] = hand["dense_2/kernel"] * (factors if axis else factors[:, None])
    (cause,) = diagnose(hand, right.gradients)
    assert (cause.id, cause.layer) == ("stray_constant", "dense_2")
    assert words in cause.message


def test_factors_beyond_all_numbers_are_no_factors() -> None:
    assert diagnose({"w": np.array([1e300])}, {"w": np.array([1e-300])}) == ()


@pytest.mark.parametrize("turned", [False, True])
def test_a_bias_that_grew_from_a_column_is_the_right_one_many_times(turned: bool, right: Evaluation) -> None:
    bias = right.gradients["dense_1/bias"]
    grown = np.zeros((5, 1)) + bias
    (cause,) = diagnose(right.gradients | {"dense_1/bias": grown.T if turned else grown}, right.gradients)
    assert (cause.id, cause.layer) == ("bias_column", "dense_1")
    grown[2, 2] *= 1.001
    assert "bias_column" not in [c.id for c in diagnose(right.gradients | {"dense_1/bias": grown}, right.gradients)]


def test_a_question_is_asked_and_a_finding_is_not(right: Evaluation) -> None:
    asked = {f: diagnose(times(f, right), right.gradients)[0].asked for f in (21, 0.0123457, 2, -1)}
    assert asked == {21: True, 0.0123457: True, 2: False, -1: False}
    assert not diagnose(times(21, right), right.gradients, sizes=(21, K))[0].asked
