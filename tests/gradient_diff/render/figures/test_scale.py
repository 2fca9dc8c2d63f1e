"""Decades between two places of their own: zero on the left, infinity on the right."""

import math

import pytest

from gradient_diff.render.figures.scale import Scale


def test_it_spans_all_values_and_what_is_asked() -> None:
    assert Scale.of([None, 0.0, math.inf, math.nan, 3.0], -1, 3) == Scale(-1, 3)
    assert Scale.of([2e-5, 7e8], -1, 3) == Scale(-5, 9)


def test_zero_and_infinity_have_places_of_their_own() -> None:
    scale = Scale(-1, 3)
    assert (scale.at(0.0), scale.at(math.inf), scale.at(math.nan)) == (0, 1, 1)
    assert 0 < scale.at(0.1) < scale.at(1.0) < scale.at(16.0) < scale.at(1000.0) == pytest.approx(1)


@pytest.mark.parametrize(("scale", "ticks"), [(Scale(-1, 3), [-1, 0, 1, 2, 3]), (Scale(-1, 16), [0, 3, 6, 9, 12, 15])])
def test_a_few_decades_are_named(scale: Scale, ticks: list[int]) -> None:
    assert scale.ticks == ticks
