"""A matrix as rectangles on one scale: sign by hue, magnitude by shade."""

import re

import numpy as np

from gradient_diff.render.figures.heatmap import heatmap, legend, three
from gradient_diff.render.figures.panels import Panels


def cells(drawn: str) -> dict[tuple[int, int], str]:
    """(row, column) → class, of every cell that is drawn."""
    found = {}
    for path, kind in re.findall(r'<path d="(.*?)" class="(.*?)"', drawn):
        for x, y, wide in re.findall(r"M(\d+) (\d+)h(\d+)v1", path):
            found |= {(int(y), int(x) + i): kind for i in range(int(wide))}
    return found


def test_the_sign_is_the_hue_and_the_root_of_the_magnitude_the_shade() -> None:
    drawn = heatmap(np.array([[4.0, -4.0, -4.0], [0.0, 1.0, -1e-9]]), 4.0, "w")
    assert cells(drawn) == {
        (0, 0): "gd-plus gd-5",
        (0, 1): "gd-minus gd-5",
        (0, 2): "gd-minus gd-5",
        (1, 1): "gd-plus gd-2",
    }
    assert 'aria-label="w"' in drawn


def test_what_is_not_finite_is_neither_hue() -> None:
    drawn = heatmap(np.array([[np.nan, np.inf, -np.inf, 1.0]]), 1.0, "w")
    assert cells(drawn) == {(0, 0): "gd-nan", (0, 1): "gd-nan", (0, 2): "gd-nan gd-minus", (0, 3): "gd-plus gd-5"}


def test_an_empty_array_and_one_of_zeros_are_drawn_as_nothing() -> None:
    assert heatmap(np.zeros((0, 3)), 1.0, "w") == ""
    assert cells(heatmap(np.zeros((2, 2)), 0.0, "w")) == {}


def test_three_share_a_scale_and_the_legend_says_it() -> None:
    drawn = three(Panels(np.array([[2.0]]), np.array([[1.0]]), np.array([[1.0]])), "w")
    assert drawn.count('class="gd-map"') == 3
    assert "−2.0e+00" in legend(2.0)
    assert "−2.0e+00" in drawn
    assert re.findall(r'class="gd-plus (gd-.)"/></svg>', drawn) == ["gd-5", "gd-4", "gd-4"]
