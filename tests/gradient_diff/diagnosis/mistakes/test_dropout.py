from __future__ import annotations

from collections.abc import Callable

import pytest

from experiments.students.slips import AFTER_DROPOUT, Slip
from gradient_diff import GradientDiff
from manual_mlp import Problem


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("name", ["dropout_mask_missing", "dropout_scale_missing"])
def test_a_mask_that_is_not_used_is_named(name: str, rightly_named: Callable[[str], None]) -> None:
    rightly_named(name)


@pytest.mark.parametrize(
    ("slip", "layer", "words"),
    [
        (Slip("dropout_mask_missing", 0, "no mask"), "dropout_1", "dE/dz is handed down without the mask"),
        (
            Slip("dropout_mask_missing", 1, "scale without mask"),
            "dropout_2",
            "dE/dz is handed down with the 1/(1 − 0.5) = 2 of the mask, but not its zeros",
        ),
        (Slip("dropout_mask_missing", None, "no mask"), "", "in every dropout layer, dE/dz is handed down without"),
        (
            Slip("dropout_scale_missing", 0, "backward"),
            "dropout_1",
            "the mask goes back without its 1/(1 − 0.3) = 1.42857",
        ),
        (
            Slip("dropout_scale_missing", 1, "both"),
            "dropout_2",
            "the mask has no 1/(1 − 0.5) = 2, neither forward nor backward",
        ),
        (Slip("dropout_scale_missing", 0, "forward"), "dropout_1", "the mask goes forward without its 1/(1 − 0.3)"),
        (Slip("dropout_mask_missing", 0, "nowhere"), "dropout_1", "nothing is dropped, neither forward nor backward"),
        (Slip("dropout_scale_missing", 1, "mask twice"), "dropout_2", "the mask is multiplied twice"),
    ],
)
def test_where_and_how_is_said(
    slip: Slip, layer: str, words: str, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    (cause, *_) = diff(problem("dropped"), slip).causes
    assert (cause.id, cause.layer) == (slip.id, layer)
    assert words in cause.message


def test_the_array_before_the_mask_is_another_input(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    (cause, *_) = diff(problem("dropped"), Slip("wrong_input", 1, "unmasked")).causes
    assert (cause.id, cause.layer) == ("wrong_input", "dense_2")
    assert "dE/dW takes z of dense_1 in place of z of dropout_1" in cause.message


def test_a_derivative_of_the_dropped_output_is_named(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    (cause, *_) = diff(problem("dropped"), Slip("derivative_wrong", 0, AFTER_DROPOUT)).causes
    assert (cause.id, cause.layer) == ("derivative_wrong", "dense_1")
    assert "f′ is taken from the output after dropout" in cause.message
