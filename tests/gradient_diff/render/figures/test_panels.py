"""Which arrays a page draws, and that all of them together have room."""

import numpy as np

from gradient_diff import GradientDiff, compare
from gradient_diff.render.figures.panels import drawn_rows, panels_of, side_for
from manual_mlp import Evaluation


def test_what_is_off_is_drawn_and_else_every_gradient_of_a_parameter(
    match: GradientDiff, different: GradientDiff
) -> None:
    assert [row.name for row in drawn_rows(different)] == ["dense_2/dE_dkernel"]
    gradients = [f"dense_{i}/dE_d{kind}" for i in (2, 1) for kind in ("kernel", "bias")]
    assert [row.name for row in drawn_rows(match)] == gradients


def test_what_has_no_values_of_one_shape_is_not_drawn(mixed: GradientDiff) -> None:
    assert [row.name for row in drawn_rows(mixed)] == ["dense_1/dE_dbias"]


def test_three_matrices_of_one_scale(evaluation: Evaluation) -> None:
    name = "dense_2/kernel"
    diff = compare({**evaluation.gradients, name: 3 * evaluation.gradients[name]}, evaluation)
    panels = panels_of(diff)["dense_2/dE_dkernel"]
    np.testing.assert_allclose(panels.difference, 2 * panels.reference)
    assert panels.scale == np.abs(panels.hand).max()


def test_a_difference_without_a_shade_is_said_in_words(match: GradientDiff) -> None:
    words = {name: panels.words for name, panels in panels_of(match).items()}
    assert words["dense_2/dE_dkernel"].startswith("the difference, at most ")
    assert words["dense_1/dE_dkernel"] == ""


def test_many_arrays_get_smaller_ones() -> None:
    assert [side_for(n) for n in (0, 1, 12, 80, 161, 10_000)] == [40, 40, 40, 15, 11, 6]


def test_a_large_array_is_pooled_and_says_so() -> None:
    a = np.ones((784, 50))
    panels = panels_of(compare({"w": a}, {"w": 2 * a}))["w"]
    assert panels.hand.shape == (40, 25)
    assert "each cell the largest magnitude of 20 × 2 entries" in panels.words
