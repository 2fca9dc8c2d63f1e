from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np

from gradient_diff.guide.heatmaps import to_svg

SVG = ET.fromstring(to_svg({"wrong": np.array([[2.0, -1.0]]), "right": np.array([0.5])}))


def test_one_scale_for_all_and_its_end_is_told() -> None:
    boxes = [b for b in SVG.iter("rect") if b.get("class") != "frame"]
    assert [(b.get("class"), b.get("fill-opacity")) for b in boxes] == [
        ("above", "1"),
        ("below", "0.5"),
        ("above", "0.25"),
    ]
    assert SVG.get("aria-label") == "wrong, right; the scale ends at ±2"


def test_titles_shapes_and_values_are_there() -> None:
    assert [t.text for t in SVG.iter("text")] == ["wrong", "(1, 2)", "right", "(1,)"]
    assert [t.text for t in SVG.iter("title")] == ["[0, 0] 2", "[0, 1] -1", "[0, 0] 0.5"]


def test_the_sign_does_not_hang_on_colour_alone() -> None:
    assert len(list(SVG.iter("path"))) == 1


def test_zeros_are_drawn_too() -> None:
    assert 'fill-opacity="0"' in to_svg({"zero": np.zeros((1, 1))})
