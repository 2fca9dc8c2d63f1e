"""A broadcast backwards: the upstream summed along other axes, averaged, or with its axes left in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff import GradientDiff, Status, check_backward
from manual_mlp import Array

Backward = Callable[[Array], Array]
OTHER, MEAN, LEFT_IN = "bias_summed_over_all", "bias_mean", "bias_column"
WRONG: dict[str, tuple[tuple[int, ...], tuple[int, ...], Backward, str, str]] = {
    "axis": ((4, 3), (3,), lambda u: u.sum(1), OTHER, "upstream summed over axis 1. Sum it over axis 0."),
    "axis, square": ((4, 4), (4,), lambda u: u.sum(1), OTHER, "upstream summed over axis 1. Sum it over axis 0."),
    "axis, left in": (
        (4, 3),
        (3,),
        lambda u: u.sum(1, keepdims=True),
        OTHER,
        "summed over axis 1. Sum it over axis 0.",
    ),
    "everything": ((4, 3), (3,), lambda u: u.sum(), OTHER, "summed over axes 0 and 1. Sum it over axis 0."),
    "samples alone": ((2, 4, 3), (4, 3), lambda u: u.sum(2), OTHER, "summed over axis 2. Sum it over axis 0."),
    "three axes": ((2, 4, 3), (3,), lambda u: u.sum((1, 2)), OTHER, "over axes 1 and 2. Sum it over axes 0 and 1."),
    "one of three": ((2, 4, 3), (3,), lambda u: u.sum(2), OTHER, "over axis 2. Sum it over axes 0 and 1."),
    "a column": ((2, 4, 3), (4, 1), lambda u: u.sum((0, 1)), OTHER, "over axes 0 and 1. Sum it over axes 0 and 2."),
    "mean along another": (
        (4, 3),
        (3,),
        lambda u: u.mean(1),
        OTHER,
        "mean of the upstream over axis 1. Sum",
    ),
    "mean": ((4, 3), (3,), lambda u: u.mean(0), MEAN, "mean of the upstream over axis 0. Sum it over axis 0."),
    "mean of three": ((2, 4, 3), (3,), lambda u: u.mean((0, 1)), MEAN, "mean of the upstream over axes 0 and 1."),
    "mean, left in": ((4, 3), (3,), lambda u: u.mean(0, keepdims=True), MEAN, "mean of the upstream over axis 0."),
    "left in": ((4, 3), (3,), lambda u: u.sum(0, keepdims=True), LEFT_IN, "of shape (1, 3) for an input of (3,)."),
    "turned": ((4, 3), (3,), lambda u: u.sum(0)[:, None], LEFT_IN, "of shape (3, 1) for an input of (3,)."),
    "left out": ((4, 3), (1, 3), lambda u: u.sum(0), LEFT_IN, "of shape (3,) for an input of (1, 3)."),
    "large": ((40, 30), (30,), lambda u: u.sum(1), OTHER, "upstream summed over axis 1. Sum it over axis 0."),
}


def _checked(shape: tuple[int, ...], bias: tuple[int, ...], backward: Backward, dtype: str) -> GradientDiff:
    inputs = [np.ones(shape, dtype), np.arange(np.prod(bias)).reshape(bias).astype(dtype)]
    return check_backward(lambda x, b: x + b, lambda u, x, b: (u, backward(u)), inputs)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", WRONG)
def test_it_is_named_with_its_axes(name: str, dtype: str) -> None:
    shape, bias, backward, cause, words = WRONG[name]
    diff = _checked(shape, bias, backward, dtype)
    assert diff.verdict in (Status.SHAPE, Status.MISMATCH)
    assert [c.id for c in diff.causes] == [cause]
    assert words in diff.causes[0].message


@pytest.mark.parametrize("name", WRONG)
def test_what_is_nearly_it_is_not_named(name: str) -> None:
    shape, bias, backward, _, _ = WRONG[name]
    diff = _checked(shape, bias, lambda u: np.asarray(1.001 * backward(u)), "float64")
    assert not diff.ok
    assert not {c.id for c in diff.causes} & {OTHER, MEAN, LEFT_IN}


@pytest.mark.parametrize(
    ("shape", "bias", "backward"),
    [
        ((4, 3), (3,), lambda u: u),
        ((1, 3), (3,), lambda u: u),  # of one sample, nobody knows
        ((2, 4, 3), (3,), lambda u: u.sum(0)),
        ((4, 3), (), lambda u: u.sum(0)),
    ],
)
def test_what_is_not_summed_or_only_in_part_keeps_its_name(
    shape: tuple[int, ...], bias: tuple[int, ...], backward: Backward
) -> None:
    assert [c.id for c in _checked(shape, bias, backward, "float64").causes] == ["broadcast_not_summed"]


@pytest.mark.parametrize(
    ("shape", "bias", "axes"),
    [((4, 3), (3,), 0), ((4, 4), (4,), 0), ((2, 4, 3), (3,), (0, 1)), ((1, 1, 3), (3,), (0, 1))],
)
def test_a_right_sum_has_no_cause(shape: tuple[int, ...], bias: tuple[int, ...], axes: int) -> None:
    diff = _checked(shape, bias, lambda u: u.sum(axes), "float64")
    assert diff.ok
    assert diff.causes == ()
