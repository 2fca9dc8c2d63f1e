from __future__ import annotations

from collections.abc import Callable

import pytest

from experiments.students.slips import Slip
from gradient_diff import GradientDiff
from manual_mlp import Problem

IDS = ("bias_not_summed", "bias_summed_over_all", "bias_from_kernel", "bias_missing", "row_missing")


@pytest.mark.parametrize("name", IDS)
def test_a_wrong_sum_is_named(name: str, rightly_named: Callable[[str], None]) -> None:
    rightly_named(name)


@pytest.mark.parametrize("name", ["bias_not_summed", "bias_from_kernel", "bias_missing"])
def test_in_every_layer_it_is_one_cause(
    name: str, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    causes = diff(problem("classes"), Slip(name)).causes
    assert [(cause.id, cause.layer) for cause in causes] == [(name, "")]


def test_the_rows_that_are_zero_are_listed(problem: Callable[..., Problem], diff: Callable[..., GradientDiff]) -> None:
    (cause,) = diff(problem("regression"), Slip("row_missing", 0, "last row")).causes
    assert cause.message.startswith("dense_1: row 2 of your kernel gradient is all zero.")
