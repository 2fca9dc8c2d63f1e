"""Drawings as text: whatever a name holds, they are well formed, and no policy forbids them."""

from xml.etree import ElementTree as ET

from gradient_diff.render.figures.svg import drawing, standing_alone, tag, text
from gradient_diff.wording import printable


def test_names_and_attributes_are_escaped(hostile: str) -> None:
    drawn = drawing(10, 10, hostile, text(hostile, 1, 2.5), tag("rect", aria_label=hostile))
    (words, rect) = ET.fromstring(drawn)
    assert words.text == rect.get("aria-label") == printable(hostile)
    assert "<script>" not in drawn


def test_what_is_none_is_left_out_and_numbers_are_short() -> None:
    assert tag("path", d=None, stroke_width=1 / 3, class_="a") == '<path stroke-width="0.33333" class="a"/>'
    assert tag("g", tag("a"), "<") == "<g><a/>&lt;</g>"


def test_a_file_brings_its_colours_for_light_and_dark() -> None:
    alone = standing_alone(drawing(10, 20, "a name", tag("g")))
    root = ET.fromstring(alone)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("class") == "gd gd-drawing"
    assert "prefers-color-scheme: dark" in alone
