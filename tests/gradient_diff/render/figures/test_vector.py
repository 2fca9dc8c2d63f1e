"""A figure of matplotlib's on a page: the page's ink, rectangles in place of images, nothing that a policy forbids."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure

from gradient_diff.render.figures.vector import svg_of


@pytest.fixture
def figure() -> Figure:
    figure = Figure((4, 2))
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="#1a5fa0", label="a <b> line")
    left.legend()
    left.grid(color="0.9")
    right.imshow(np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 1.0]]), cmap="gray")
    return figure


def test_it_is_well_formed_without_style_link_or_image(figure: Figure) -> None:
    drawn = svg_of(figure, 'a "name"')
    assert ET.fromstring(drawn).get("aria-label") == 'a "name"'
    for forbidden in ("style=", "<style", "<image", "data:", "http:", "xlink", "<script"):
        assert forbidden not in drawn


def test_black_is_the_ink_of_the_page_white_its_paper_and_colours_stay(figure: Figure) -> None:
    drawn = svg_of(figure, "f")
    assert 'stroke="currentColor"' in drawn
    assert 'stroke="#1a5fa0"' in drawn
    assert "color-mix(in srgb, currentColor 10%, transparent)" in drawn
    assert "#000000" not in re.sub(r"<svg x=.*?</svg>", "", drawn)


def test_words_are_words(figure: Figure) -> None:
    assert "a &lt;b&gt; line" in svg_of(figure, "f")


def test_an_image_is_its_own_cells(figure: Figure) -> None:
    inner = re.search(r"<svg x=.*?</svg>", svg_of(figure, "f"))
    assert inner is not None
    assert 'viewBox="0 0 3 2"' in inner[0]
    assert {c: d for d, c in re.findall(r'd="(.*?)" fill="(.*?)"', inner[0])} == {
        "#000000": "M0 0h2v1h-2z",
        "#ffffff": "M2 0h1v1h-1zM0 1h3v1h-3z",
    }


def test_two_drawings_on_a_page_share_no_id_and_one_gives_the_same_text_twice(figure: Figure) -> None:
    one, other = svg_of(figure, "one"), svg_of(figure, "other")
    ids = [set(re.findall(r' id="(.*?)"', drawn)) for drawn in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    links = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", one))
    assert links <= ids[0]
    assert one == svg_of(figure, "one")
