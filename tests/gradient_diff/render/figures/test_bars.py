"""The bars of the ladder: one scale for all, and the line at 16 σ on each."""

import dataclasses
import re

import pytest

from gradient_diff import GradientDiff
from gradient_diff.render.figures.bars import accumulated_bar, axis, ladder_scale, own_bar


def widths(drawn: str) -> list[float]:
    return [float(w) for w in re.findall(r'<rect x="0" y="[\d.]+" width="([\d.]+)"', drawn)]


def test_a_bar_crosses_the_line_where_its_distance_is_above_16(different: GradientDiff) -> None:
    row = dataclasses.replace(different.rows[0], distance=1.0, isolated_hand=17.0, isolated_reference=15.0)
    scale = ladder_scale([row])
    gate = float(re.search(r'd="M([\d.]+) ', accumulated_bar(row, scale))[1])  # type: ignore[index]  # each has one
    (accumulated,), (hand, reference) = widths(accumulated_bar(row, scale)), widths(own_bar(row, scale))
    assert accumulated < reference < gate < hand
    assert gate == pytest.approx(100 * scale.at(16), rel=1e-3)


def test_where_nothing_is_known_only_the_line_is_drawn(different: GradientDiff) -> None:
    row = dataclasses.replace(different.rows[0], distance=None, isolated_hand=None, isolated_reference=None)
    assert widths(accumulated_bar(row, ladder_scale([row]))) == widths(own_bar(row, ladder_scale([row]))) == []
    assert "16 σ" in axis(ladder_scale([row]))
