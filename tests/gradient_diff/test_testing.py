"""What a test suite reads when its gradients are off."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff import GradientMismatch, Status, assert_gradients_match, compare
from manual_mlp import MLP, Dense, Evaluation


def message_of(*args: object, **options: object) -> str:
    with pytest.raises(GradientMismatch) as caught:
        assert_gradients_match(*args, **options)  # type: ignore[arg-type]  # whatever is under test
    return str(caught.value)


def test_a_match_returns_the_diff(evaluation: Evaluation) -> None:
    diff = assert_gradients_match(evaluation.gradients, evaluation)
    assert diff.verdict is Status.MATCH
    assert [row.name for row in diff.rows] == [row.name for row in compare(evaluation.gradients, evaluation).rows]


def test_it_is_an_assertion_error_with_the_diff(evaluation: Evaluation) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_gradients_match({n: 2 * g for n, g in evaluation.gradients.items()}, evaluation)
    assert isinstance(caught.value, GradientMismatch)
    assert caught.value.diff.verdict is Status.MISMATCH


def test_an_error_of_one_in_a_million_fails(evaluation: Evaluation) -> None:
    """Seven digits are right, and float64 has sixteen."""
    kernel = evaluation.gradients["dense_1/kernel"].copy()
    kernel[2, 3] *= 1 + 1e-6
    text = message_of(evaluation.gradients | {"dense_1/kernel": kernel}, evaluation)
    assert "MISMATCH  dense_1/dE_dkernel  (3, 5)\n    worst entry[2, 3]: hand " in text
    assert "entries that differ: 1 of 15" in text


def test_all_failing_arrays_are_in_one_message_and_no_other(evaluation: Evaluation) -> None:
    given = dict(evaluation.gradients)
    given["dense_1/kernel"] = given["dense_1/kernel"] * 1.5
    given["dense_2/bias"] = -given["dense_2/bias"]
    text = message_of(given, evaluation)
    lines = text.splitlines()
    assert lines[0].startswith("MISMATCH: the hand derivation is wrong (2 of 4 rows)")
    assert lines[1] == "hand: given arrays · reference: manual_mlp"
    assert [line.split()[1] for line in lines if line.startswith("MISMATCH  ")] == [
        "dense_2/dE_dbias",
        "dense_1/dE_dkernel",
    ]
    m = compare(given, evaluation)["dense_2/bias"].metrics
    assert m is not None
    assert f"worst entry[{m.worst_index[0]}]: hand {m.worst_hand:.6g}, reference {m.worst_reference:.6g}" in text
    assert "σ, rounding explains 16 σ" in text
    assert "dense_2/dE_dkernel" not in text
    assert lines[-1] == f"MISMATCH: {Status.MISMATCH.advice}"


def test_the_cause_is_named_with_its_cure(evaluation: Evaluation) -> None:
    text = message_of({n: -g for n, g in evaluation.gradients.items()}, evaluation)
    assert "What is wrong\n1. The sign is turned round (sign)\n" in text
    assert "Write prediction − target, or add the minus of the update only once." in text


def test_rows_that_only_follow_are_named_in_one_line(
    evaluation: Evaluation, planted: Callable[..., Evaluation]
) -> None:
    """A hand side whose output δ is off, with everything below computed from it."""
    mlp = MLP(3, [Dense(5, "tanh"), Dense(2)])
    p = evaluation.problem
    other = mlp.backpropagate(p.parameters, p.x, p.y, "half_sum_squared_error")
    nodes = {n: a for n, a in other.nodes.items() if "/dE_d" in n}
    hand = planted(nodes)
    text = message_of(hand, evaluation)
    (line,) = [line for line in text.splitlines() if line.startswith("Off only because a row above is: ")]
    assert "dense_1/dE_dkernel" in line
    assert sum(line.startswith("MISMATCH  ") for line in text.splitlines()) == 1


def test_without_a_known_rounding_it_fails_with_the_advice() -> None:
    text = message_of({"w": np.ones(2)}, {"w": np.full(2, 1 + 1e-9)})
    assert text.startswith("INCONCLUSIVE: nothing says how much rounding to expect")
    assert text.endswith("INCONCLUSIVE: Name the noise: a float64 set, a second run, or rtol=.")
    assert "worst entry[0]: hand 1, reference 1.000000001\n" in text


def test_gradients_that_are_all_zero_prove_nothing() -> None:
    text = message_of({"w": np.zeros(2)}, {"w": np.zeros(2)})
    assert text.startswith("VACUOUS: ")
    assert text.endswith(f"VACUOUS: {Status.VACUOUS.advice}")
    assert "worst" not in text


def test_shapes_missing_arrays_and_nan_are_told_with_the_rest() -> None:
    nan = np.array([1.0, np.nan])
    text = message_of(
        {"w": np.ones((2, 3)), "b": nan, "c": np.array(2.0)},
        {"w": np.ones((3, 2)), "b": np.ones(2), "c": np.array(3.0), "d": np.ones(1)},
        rtol=1e-6,
    )
    assert "SHAPE  w  (2, 3) ≠ (3, 2)" in text
    assert "NONFINITE  b  (2,)" in text
    assert "MISSING  d  – ≠ (1,)" in text
    assert "DIFFERENT  c  ()\n    worst entry: hand 2, reference 3\n" in text
    endings = [f"{s.name}: {s.advice}" for s in (Status.SHAPE, Status.MISSING, Status.NONFINITE, Status.DIFFERENT)]
    assert text.splitlines()[-4:] == endings


def test_noise_names_and_rtol_are_those_of_compare() -> None:
    hand, reference = {"a": np.ones(2)}, {"w": np.full(2, 1 + 1e-9)}
    assert assert_gradients_match(hand, reference, names={"a": "w"}, rtol=1e-6).ok
    assert assert_gradients_match(hand, reference, names={"a": "w"}, noise={"w": np.full(2, 1 + 2e-9)}).ok
    assert "MISSING" in message_of(hand, reference, rtol=1e-6)
    with pytest.raises(ValueError, match="Name the rounding to expect once"):
        assert_gradients_match(hand, reference, noise=reference, rtol=1e-6)


@pytest.fixture
def at_a_kink() -> tuple[dict[str, np.ndarray], Evaluation]:
    """One pre-activation is exactly 0: the reference takes f′ = 0 there, the hand 1."""
    mlp = MLP(1, [Dense(2, "relu"), Dense(1)])
    parameters = {
        "dense_1/kernel": np.array([[1.0, 1.0]]),
        "dense_1/bias": np.array([-1.0, 1.0]),
        "dense_2/kernel": np.array([[1.0], [2.0]]),
        "dense_2/bias": np.array([0.5]),
    }
    x, y = np.array([[1.0], [2.0]]), np.array([[0.0], [0.0]])
    e = mlp.backpropagate(parameters, x, y, "half_sum_squared_error")
    delta = (e.nodes["dense_2/dE_du"] @ parameters["dense_2/kernel"].T)[:, 0] * np.array([1.0, 1.0])
    kernel, bias = e.gradients["dense_1/kernel"].copy(), e.gradients["dense_1/bias"].copy()
    kernel[0, 0], bias[0] = float(delta @ x[:, 0]), float(delta.sum())
    return e.gradients | {"dense_1/kernel": kernel, "dense_1/bias": bias}, e


def test_a_kink_passes_only_where_it_is_allowed(at_a_kink: tuple[dict[str, np.ndarray], Evaluation]) -> None:
    hand, reference = at_a_kink
    text = message_of(hand, reference)
    assert text.startswith("KINK: ")
    assert text.endswith(f"KINK: {Status.KINK.advice}")
    assert assert_gradients_match(hand, reference, allow_kinks=True).verdict is Status.KINK
    worse = hand | {"dense_2/bias": 2 * hand["dense_2/bias"]}
    text = message_of(worse, reference, allow_kinks=True)
    assert "MISMATCH  dense_2/dE_dbias" in text
    assert "KINK  " not in text


def test_the_distance_is_told_once(at_a_kink: tuple[dict[str, np.ndarray], Evaluation], evaluation: Evaluation) -> None:
    """In the reason where that is the distance, and in a line of its own where it is something else."""
    wrong = {n: 2 * g for n, g in evaluation.gradients.items()}
    assert " σ apart" not in message_of(wrong, evaluation)
    assert message_of(*at_a_kink).count(" σ apart; up to 16 σ are rounding") == 2


def test_the_traceback_ends_in_the_test(evaluation: Evaluation) -> None:
    """pytest leaves out frames that say so."""
    with pytest.raises(GradientMismatch) as caught:
        assert_gradients_match({n: 2 * g for n, g in evaluation.gradients.items()}, evaluation)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert last.name == "assert_gradients_match"
    assert caught.traceback.filter(caught)[-1].path.name == "test_testing.py"


def test_it_survives_being_pickled() -> None:
    """As process pools and some test runners do."""
    with pytest.raises(GradientMismatch) as caught:
        assert_gradients_match({"w": np.ones(2)}, {"w": np.zeros(2)}, rtol=1e-3)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert copy.diff.headline() == caught.value.diff.headline()


def test_a_hostile_name_neither_breaks_a_line_nor_colours_the_terminal() -> None:
    text = message_of({"a\n\x1b[31m": np.ones(1)}, {"a\n\x1b[31m": np.zeros(1)}, rtol=1e-3)
    assert "DIFFERENT  a\\n\\x1b[31m  (1,)" in text
    assert "\x1b" not in text
