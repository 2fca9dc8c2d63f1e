from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.students.slips import Slip
from gradient_diff import GradientDiff
from gradient_diff.diagnosis.mistakes.output_delta import dense
from manual_mlp import Problem

IDS = ("output_derivative_kept", "softmax_elementwise", "softmax_twice", "bce_inner_sign", "probability_clip")


@pytest.mark.parametrize("name", IDS)
def test_a_wrong_delta_of_the_output_is_named(name: str, rightly_named: Callable[[str], None]) -> None:
    rightly_named(name)


@pytest.mark.parametrize("net", ["yes or no", "logits"])
def test_it_is_named_whether_the_loss_is_fused_or_from_logits(
    net: str, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    assert diff(problem(net), Slip("bce_inner_sign")).causes[0].id == "bce_inner_sign"


def test_a_clip_says_how_many_samples_it_concerns(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    cause = diff(problem("certain"), Slip("probability_clip", form="no gradient outside", value=1e-7)).causes[0]
    assert "clipped to [1e-07, 1 − 1e-07], so that no gradient reaches" in cause.message
    assert "of 11 samples" in cause.message


def test_class_indices_become_rows() -> None:
    assert dense(np.array([1, 0]), np.zeros((2, 3))).tolist() == [[0, 1, 0], [1, 0, 0]]
