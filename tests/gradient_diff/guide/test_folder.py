"""The guide as pages: complete, linked, and closed in themselves."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gradient_diff import MISTAKES
from gradient_diff.guide.folder import write_guide
from gradient_diff.guide.words import RECORDS, said
from gradient_diff.render.causes import sentence


class Links(HTMLParser):
    """Where a page leads, and where it can be led to; which tags are open at its end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.to: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [i] if (i := found.get("id")) else []
        self.to += [to] if (to := found.get("href")) else []
        self.open += [] if tag in ("meta", "br", "link", "img") else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_guide(tmp_path_factory.mktemp("guide") / "book").parent


def test_there_is_a_page_for_each_and_an_index(guide: Path) -> None:
    assert {path.stem for path in guide.glob("*.html")} == {*RECORDS, "index"}


def test_every_link_leads_somewhere(guide: Path) -> None:
    pages = {path.name: Links(path.read_text("utf-8")) for path in guide.glob("*.html")}
    for page in pages.values():
        assert page.open == []
        assert len(set(page.ids)) == len(page.ids)
        for to in page.to:
            name, _, place = to.partition("#")
            assert name in pages
            assert not place or place in pages[name].ids


@pytest.mark.parametrize(
    "heading",
    [
        "Every gradient is N times too large",
        "Only biases are off",
        "A gradient has another shape, such as (5, 7) for (7, 5)",
        "A gradient has an axis too many, such as (5, 7) for (7,)",
    ],
)
def test_the_index_begins_with_what_is_seen(guide: Path, heading: str) -> None:
    index = (guide / "index.html").read_text("utf-8")
    assert heading in index.partition("All, by family")[0]


def test_every_mistake_is_in_the_index_by_what_is_seen(guide: Path) -> None:
    seen = (guide / "index.html").read_text("utf-8").partition("All, by family")[0]
    assert [name for name in MISTAKES if f'href="{name}.html"' not in seen] == []


@pytest.mark.parametrize("name", RECORDS)
def test_a_page_has_its_words_in_both_languages_and_needs_nothing_else(guide: Path, name: str) -> None:
    text = (guide / f"{name}.html").read_text("utf-8")
    plain = unescape(text)
    assert f"<title>{sentence(said(name).title)} · field guide</title>" in plain
    assert [words for words in (said(name).cure, *said(name, "ko")) if words not in plain] == []
    assert re.search("https?:", text) is None
    assert "<script" not in text
    assert len(text) < 60_000


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_formula_code_in_two_layouts_and_its_picture(guide: Path, name: str) -> None:
    text = (guide / f"{name}.html").read_text("utf-8")
    assert text.count("<math ") > 3
    assert text.count('<span class="old">') + text.count('<span class="new">') >= 2
    assert text.count('<pre class="code"') == 2
    assert 'class="map"' in text
    assert re.search(r"<h2>How it looks in the numbers</h2>\s*<ul", text)


def test_a_folder_of_somebody_else_s_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OSError, match="holds files that gradient-diff did not write"):
        write_guide(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"
