from __future__ import annotations

import pytest

from experiments import STUDIES
from experiments.frame.articles import ARTICLES, SAME_BITS, origin_of


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_says_where_it_comes_from_but_the_benchmarks(name: str) -> None:
    module = STUDIES[name].module
    text = origin_of(module)
    if module.startswith("benchmarks."):
        assert text == ()
        return
    (only,) = text
    assert only.endswith(SAME_BITS)
    assert ("Article " + module[8].upper() in only) is module.startswith("article_")


def test_every_article_has_a_study() -> None:
    for start in ARTICLES:
        assert any(entry.module.startswith(start) for entry in STUDIES.values())
