"""One line per layer: how far it is off, beside what rounding explains."""

import dataclasses
import re

import pytest

from gradient_diff import GradientDiff
from gradient_diff.render.figures.layers import explained, layers_figure


def test_each_layer_is_told_by_its_worst_row(different: GradientDiff) -> None:
    drawn = layers_figure(different)
    assert re.findall(r'text-anchor="end">(.*?)<', drawn) == ["dense_1", "dense_2"]
    assert re.findall(r'class="gd-ink-(\w+)">(.) ', drawn) == [("good", "✓"), ("bad", "✗")]
    assert drawn.count('class="gd-dot gd-bad"') == 1


def test_what_rounding_explains_is_where_this_difference_would_be_16_sigma(different: GradientDiff) -> None:
    row = different["dense_2/dE_dkernel"]
    assert row.metrics is not None
    told = explained(dataclasses.replace(row, distance=32.0))
    assert told == pytest.approx(row.metrics.relative_l2 / 2)
    assert explained(dataclasses.replace(row, distance=None)) is None
    assert explained(dataclasses.replace(row, distance=0.0)) is None


def test_it_can_be_drawn_of_anything(extreme: GradientDiff) -> None:
    assert layers_figure(extreme).startswith("<svg ")
