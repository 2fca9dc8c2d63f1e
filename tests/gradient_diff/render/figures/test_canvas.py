"""Labels that cannot fail, powers of ten, and differences of any numbers."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gradient_diff.render.figures import canvas


def test_a_label_has_only_signs_of_the_font_and_room_beside_it() -> None:
    assert canvas.label("dense_1/dE_dkernel δ⁽²⁾") == "dense_1/dE_dkernel δ⁽²⁾"
    assert canvas.label("層\n") == "\\u5c64\\n"
    assert canvas.label("a" * 60, 20) == f"{'a' * 10}…{'a' * 9}"


@pytest.mark.parametrize(("exponent", "text"), [(-7, "10⁻⁷"), (0, "10⁰"), (12.2, "10¹²")])
def test_a_power_of_ten(exponent: float, text: str) -> None:
    assert canvas.power_of_ten(exponent) == text


def test_the_largest_is_finite_and_nothing_is_divided_by_zero() -> None:
    arrays = [np.array([np.nan, -3.0]), np.array([np.inf, 2.0]), np.array([])]
    assert canvas.largest(arrays) == 3.0
    assert canvas.largest([]) == 0.0
    assert canvas.over(np.array([6.0]), 3.0).tolist() == [2.0]
    assert canvas.over(np.zeros(1), 0.0).tolist() == [0.0]


def test_a_difference_overflows_without_a_warning() -> None:
    assert canvas.difference(np.array([1.7e308, np.nan]), np.array([-1.7e308, 0.0])).tolist()[0] == np.inf


def test_a_figure_that_says_why_there_is_none(tmp_path: Path) -> None:
    empty = canvas.nothing("No data.")
    assert [text.get_text() for text in empty.texts] == ["No data."]
    with Image.open(canvas.save_figure(empty, tmp_path / "a.png")) as image:
        assert image.format == "PNG"
