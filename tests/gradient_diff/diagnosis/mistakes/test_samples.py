from __future__ import annotations

from collections.abc import Callable

import pytest

from experiments.students.slips import Slip
from gradient_diff import GradientDiff
from manual_mlp import Problem


@pytest.mark.parametrize("name", ["only_last_sample", "mini_batch_dropped", "accumulated"])
def test_what_is_lost_or_kept_too_long_is_named(name: str, rightly_named: Callable[[str], None]) -> None:
    rightly_named(name)


@pytest.mark.parametrize("sample", range(7))
def test_which_sample_counts_is_said(
    sample: int, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    cause = diff(problem("regression"), Slip("only_last_sample", form="of N", value=sample)).causes[0]
    assert cause.message.startswith(f"only sample {sample} of 7 counts.")


def test_which_samples_are_left_out_is_said(problem: Callable[..., Problem], diff: Callable[..., GradientDiff]) -> None:
    known = problem("classes")
    cause = diff(known, Slip("mini_batch_dropped", form="ignored", value=4)).causes[0]
    assert cause.message.startswith("only the first 8 of 11 samples are summed.")
    cause = diff(known, Slip("mini_batch_dropped", form="mean of means", value=4)).causes[0]
    assert cause.message.startswith("the mean of 3 means over batches of 4 is taken, though the last one has 3 samples")


def test_the_step_before_is_found_with_its_learning_rate(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    (cause,) = diff(problem("classes"), Slip("accumulated", form="step", value=0.125)).causes
    assert cause.id == "accumulated"
    assert "an update with lr = 0.125 ago" in cause.message
