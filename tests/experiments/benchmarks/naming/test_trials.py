from __future__ import annotations

import pytest

from experiments.benchmarks.naming.trials import correct_pairs_on, derive, named_first, pairs_on, trials_on
from experiments.students.slips import Slip
from experiments.students.small_nets import small_net
from gradient_diff import Cause, compare


def test_a_tie_for_the_first_place_counts_as_first() -> None:
    cause = Cause("factor_two", "", "", "", "", 0.0, ("accumulated",))
    assert named_first((cause,)) == {"factor_two", "accumulated"}
    assert named_first(()) == set()


def test_what_cannot_be_made_or_overflows_is_none() -> None:
    problem = small_net(1)
    assert sorted(derive(problem, Slip("sign")) or ()) == sorted(problem.parameters)
    assert derive(problem, Slip("accumulated", form="step", value=1e6)) is None


@pytest.mark.slow
def test_trials_of_one_net() -> None:
    trials = list(trials_on(1))
    assert {trial.dtype for trial in trials} == {"float64", "float32"}
    assert trials[0].first
    assert not any(trial.wrong for trial in trials if trial.first)


def test_pairs_are_of_two_mistakes() -> None:
    pairs = list(pairs_on(6, "float64"))
    assert pairs
    assert all(pair.dtype == "float64" and pair.first != pair.second and 0 <= pair.named <= 2 for pair in pairs)


def test_everyone_who_derives_rightly_matches() -> None:
    pairs = list(correct_pairs_on(1))
    assert [who for who, _, _ in pairs][:2] == ["NumPy float32 | float64", "student float64 | float64"]
    for who, hand, reference in pairs:
        if "float32 | float64" not in who:  # that one is a rounded computation against an exact one
            assert compare(hand, reference).ok, who


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_without_a_mistake_the_student_is_right(dtype: str) -> None:
    from manual_mlp import evaluation_of

    problem = small_net(2, dtype)
    assert compare(derive(problem) or {}, evaluation_of(problem)).ok
