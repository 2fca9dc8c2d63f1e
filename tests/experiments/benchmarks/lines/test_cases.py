from __future__ import annotations

import pytest

from experiments.benchmarks.lines.cases import FOLDERS, Case, pair_cases, right_cases, sample, single_cases, styles_of


@pytest.mark.parametrize("part", FOLDERS)
def test_all_that_is_planted_can_be_planted(part: str) -> None:
    """Also two at once: neither is taken for what the other replaces."""
    cases = [*single_cases(part), *pair_cases(part)]
    for case in cases:
        spots = [case.planted.text[spot.start : spot.end] for spot in case.planted.spots]
        assert spots == [plant.guilty or plant.wrong for plant in case.plants], case.name
    assert len(cases) == sum(len(c.variant.plants) + len(c.variant.pairs) for c in right_cases(part))


def test_the_parts_share_no_style_and_four_are_kept_aside() -> None:
    tuned, aside = ({style.file for style in styles_of(part)} for part in ("tuned", "aside"))
    assert tuned.isdisjoint(aside)
    assert len(aside) >= 4
    assert len(tuned | aside) >= 12
    assert len(list(single_cases("aside"))) >= 120


def test_right_code_has_nothing_planted() -> None:
    case = next(right_cases("tuned"))
    assert (case.planted.spots, case.what, case.square) == ((), "", False)


def test_a_case_is_square_where_one_of_its_plants_is() -> None:
    case = next(c for c in right_cases("tuned") if any(p.square for p in c.variant.plants))
    whole = Case(case.part, case.style, case.variant, case.variant.plants)
    assert whole.square
    assert whole.what.count(";") == len(case.variant.plants) - 1


def test_a_sample_is_drawn_once_and_keeps_the_order() -> None:
    cases = list(single_cases("tuned"))
    few = sample(cases, 10, 3)
    assert few == sample(cases, 10, 3) != sample(cases, 10, 4)
    assert [cases.index(c) for c in few] == sorted({cases.index(c) for c in few})
    assert len(few) == 10
    assert sample(cases, None, 3) == sample(cases, len(cases) + 1, 3) == cases
