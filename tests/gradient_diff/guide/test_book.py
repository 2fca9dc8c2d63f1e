"""Every mistake of the list has its entry, and its code does what the page says, in both layouts."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gradient_diff import MISTAKES, GradientDiff
from gradient_diff.diagnosis.settings import SETTINGS
from gradient_diff.guide.book import ENTRIES
from gradient_diff.guide.derivations import DERIVATIONS
from gradient_diff.guide.entries.settings import NO_CODE, WHY
from gradient_diff.guide.nets import NETS
from gradient_diff.guide.planting import planted
from gradient_diff.guide.skeletons import LAYOUTS, Layout
from gradient_diff.guide.words import RECORDS


def named(diff: GradientDiff) -> set[str]:
    """What the first cause is, and what these data cannot tell it from."""
    return {diff.causes[0].id, *diff.causes[0].same_as} if diff.causes else set()


def test_every_mistake_has_an_entry_and_everything_else_its_why() -> None:
    assert list(ENTRIES)[: len(MISTAKES)] == list(MISTAKES)
    assert WHY.keys() == NO_CODE.keys() == RECORDS.keys() - ENTRIES.keys()
    assert all(entry.id == name and entry.why.endswith(".") for name, entry in ENTRIES.items())


def test_what_is_said_to_have_the_code_has_it() -> None:
    named = {word for text in NO_CODE.values() for word in re.findall(r"\w+_\w+", text)}
    assert len(named) > 4
    assert named <= ENTRIES.keys()


def test_every_derivation_and_every_net_is_used() -> None:
    assert {entry.derivation for entry in ENTRIES.values()} == DERIVATIONS.keys()
    assert {entry.net for entry in ENTRIES.values()} == NETS.keys()


@pytest.mark.matrix
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ENTRIES)
def test_the_code_before_makes_the_mistake_and_the_code_after_is_right(name: str, layout: Layout) -> None:
    assert planted(ENTRIES[name], layout, wrong=False).ok
    wrong = planted(ENTRIES[name], layout)
    assert wrong.verdict.bad
    assert name in named(wrong) or name in SETTINGS


def test_code_that_makes_another_mistake_would_be_seen() -> None:
    other = replace(ENTRIES["sign"], rows=("2 * (u2 - y)", "3.7 * (u2 - y)"))
    assert "sign" not in named(planted(other))


def test_code_that_changes_nothing_would_be_seen() -> None:
    same = replace(ENTRIES["sign"], rows=("2 * (u2 - y)", "2 * (-y + u2)"))
    assert not planted(same).verdict.bad


def test_a_change_without_a_place_of_its_own_is_refused() -> None:
    lost = replace(ENTRIES["sign"], rows=("no such line", ""))
    with pytest.raises(ValueError, match="sign, rows: 'no such line' stands 0 times in it"):
        lost.code("rows", wrong=True)


def test_both_layouts_give_the_same_gradients() -> None:
    for name in ("transposed", "bias_not_summed", "statistics_axis"):
        rows, columns = (planted(ENTRIES[name], layout) for layout in LAYOUTS)
        assert [r.status for r in rows] == [r.status for r in columns]
