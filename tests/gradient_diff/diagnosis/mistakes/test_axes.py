from __future__ import annotations

from collections.abc import Callable

import pytest

from experiments.students.slips import Slip
from gradient_diff import GradientDiff, Status
from manual_mlp import Problem


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("name", ["softmax_axis", "bias_column"])
def test_another_axis_is_named(name: str, rightly_named: Callable[[str], None]) -> None:
    rightly_named(name)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("everything", "p is normalised by a sum over the whole batch"),
        ("samples", "p is normalised by a sum over the samples, axis 0"),
    ],
)
def test_what_softmax_summed_over_is_said(
    form: str, words: str, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    (cause,) = diff(problem("classes"), Slip("softmax_axis", form=form)).causes
    assert cause.message.startswith(f"dense_3: {words}.")


def test_without_keepdims_a_square_matrix_is_divided_by_columns(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    (cause,) = diff(problem("square batch"), Slip("softmax_axis", form="no keepdims")).causes
    assert "without keepdims=True" in cause.message


@pytest.mark.parametrize("form", ["rows", "columns"])
def test_a_column_that_grew_is_told_from_a_batch_that_is_not_summed(
    form: str, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    for net in ("regression", "square batch"):
        result = diff(problem(net), Slip("bias_column", 0, form))
        assert (result.verdict, [cause.id for cause in result.causes]) == (Status.SHAPE, ["bias_column"])
        not_summed = diff(problem(net), Slip("bias_not_summed", 0))
        assert [cause.id for cause in not_summed.causes] == ["bias_not_summed"]


def test_a_column_that_was_added_along_the_batch(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    result = diff(problem("square batch"), Slip("bias_column", 0, "forward"))
    (cause,) = result.causes
    assert (result.verdict, cause.id, cause.layer) == (Status.MISMATCH, "bias_column", "dense_1")
    assert (cause.written, cause.right) == ("u = x W + b[:, None]", "u = x W + b")
