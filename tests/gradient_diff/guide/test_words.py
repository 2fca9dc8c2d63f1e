"""One table of titles and cures in two languages, complete."""

from __future__ import annotations

import re

import pytest

from gradient_diff.guide.korean import KOREAN
from gradient_diff.guide.words import LABELS, RECORDS, label, said

HANGUL = re.compile(r"[가-힣]")


def test_every_mistake_has_its_title_and_cure_in_korean() -> None:
    assert KOREAN.keys() == RECORDS.keys()


@pytest.mark.parametrize("name", RECORDS)
def test_each_is_korean_where_it_is_asked_for_and_english_where_not(name: str) -> None:
    english, korean = said(name), said(name, "ko")
    assert HANGUL.search(korean.title)
    assert korean.cure
    assert not HANGUL.search("".join(english))


def test_titles_differ() -> None:
    assert len({title for title, _ in KOREAN.values()}) == len({r.title for r in RECORDS.values()})


def test_every_part_has_a_heading_in_both() -> None:
    assert all(HANGUL.search(label(part, "ko")) and not HANGUL.search(label(part)) for part in LABELS)
