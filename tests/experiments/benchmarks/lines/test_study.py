from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.progress import Progress

from experiments.benchmarks.lines import study
from experiments.benchmarks.lines.aiming import Aim
from experiments.benchmarks.lines.cases import FOLDERS, pair_cases, single_cases
from experiments.benchmarks.lines.harness import Pointed, PointedPair, RightRun
from experiments.benchmarks.lines.study import (
    PAIRS,
    RIGHT,
    SINGLES,
    chosen_pairs,
    chosen_right,
    chosen_singles,
    result,
)
from experiments.frame.running import draw, save
from experiments.frame.study import Result, Settings

MENDED = {"fix": True, "mends": True}
GOOD = Pointed("aside", "rows", "mse", "a sign", "sign", "y - t", "rows.py:3", Aim.EXACT, **MENDED, hands=9.0)
TOLD = replace(GOOD, part="tuned", style="matrices")
BOTH = PointedPair("aside", "rows", "mse", "a sign; an axis", 2, "rows.py:3 | rows.py:4", **MENDED)
FAIR = RightRun("aside", "rows", "mse", "own", 0, "")


def made(*singles: Pointed, pairs: tuple[PointedPair, ...] = (), right: tuple[RightRun, ...] = ()) -> Result:
    """A hundred mistakes and ten pairs that were found, and these."""
    return result([*[GOOD] * 100, TOLD, *singles], [*[BOTH] * 10, *pairs], [FAIR, *right])


def test_all_as_asked() -> None:
    assert made().failed == []
    assert len(made().claims) == 8


def test_a_little_less_is_as_asked_too() -> None:
    silent, chain = replace(GOOD, aim=Aim.SILENT), replace(GOOD, aim=Aim.CHAIN)
    assert made(*[silent] * 4, *[chain] * 11, replace(GOOD, aim=Aim.OTHER)).failed == []
    assert made(pairs=(replace(BOTH, found=1),) * 2).failed == []


@pytest.mark.parametrize(
    ("single", "count", "words"),
    [
        (replace(GOOD, aim=Aim.CHAIN), 18, "kept aside: the exact line in at least 85 % (measured 100 of 118"),
        (replace(GOOD, aim=Aim.SILENT), 6, "kept aside: the line or its call chain in at least 95 % (measured 100"),
        (replace(GOOD, aim=Aim.OTHER), 2, "kept aside: another line in at most 2 of 120 (measured 2 of 102"),
        (replace(GOOD, fix=False, mends=False), 43, "kept aside: a fix that is right for at least 70 % (measured 100"),
        (replace(TOLD, mends=False), 1, "every fix that is offered is right (112 offered, 1 wrong)"),
        (replace(GOOD, hands=4_500.0), 102, "small nets: at most 4,000 hand evaluations in the median (measured 4,500"),
    ],
)
def test_each_claim_of_one_mistake_may_fail(single: Pointed, count: int, words: str) -> None:
    assert made(*[single] * count).failed[0].startswith(f"does not hold: {words}")


def test_what_is_tuned_does_not_make_up_for_what_is_kept_aside() -> None:
    assert "measured 100 of 118, 84.7%" in made(*[replace(GOOD, aim=Aim.CHAIN)] * 18, *[TOLD] * 500).failed[0]


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (replace(BOTH, found=1), "kept aside: both lines in at least 80 % (measured 10 of 13, 76.9%)"),
        (replace(BOTH, mends=False), "every fix that is offered is right (114 offered, 3 wrong)"),
    ],
)
def test_each_claim_of_two_mistakes_may_fail(pair: PointedPair, words: str) -> None:
    assert made(pairs=(pair,) * 3).failed == [f"does not hold: {words}"]


def test_an_accusation_fails_and_of_a_tuned_style_it_is_told() -> None:
    against = RightRun("tuned", "matrices", "mse", "own", 0, "MATCH: matrices.py:7")
    found = made(right=(against, replace(FAIR, accused="MATCH: rows.py:7")))
    assert found.failed == ["does not hold: no line is accused in 3 runs of right code (measured 2)"]
    text = " ".join(found.parts[3].paragraphs)
    assert "matrices.py:7" in text
    assert "rows.py:7" not in text


def test_of_the_part_kept_aside_only_counts_are_told() -> None:
    lost = replace(GOOD, what="a secret", wanted="a secret", said="a secret", aim=Aim.OTHER, mends=False)
    pair = replace(BOTH, what="a secret", said="a secret", found=0, mends=False)
    found = made(lost, replace(TOLD, aim=Aim.OTHER, mends=False), pairs=(pair, replace(pair, part="tuned", what="b")))
    assert len(found.tables["Missed, in the tuned styles"].frame) == 1
    assert found.tables["Pairs not found, in the tuned styles"].frame["what"].tolist() == ["b"]
    assert found.tables["Fixes that are wrong, in the tuned styles"].frame["what"].tolist() == ["a sign", "b"]
    counts = found.tables["Per style"].frame.set_index(["part", "style"])
    assert counts.loc[("aside", "all"), ["mistakes", "exact line", "another line"]].tolist() == [101, 100, 1]
    told = [table.frame.to_string() for caption, table in found.tables.items() if "tuned" not in caption]
    assert not any("a secret" in text for text in told)


def test_a_comparison_that_came_to_no_end_has_no_cost() -> None:
    endless = replace(GOOD, hands=float("nan"))
    found = made(*[endless] * 300, replace(endless, style="loops"))
    assert found.failed == []
    assert found.tables["Cost in hand evaluations"].frame.to_dict("records") == [
        {"part": "aside", "style": "rows", "comparisons": 100, "median": 9, "largest": 9},
        {"part": "tuned", "style": "matrices", "comparisons": 1, "median": 9, "largest": 9},
    ]


def test_a_short_run_is_a_sample_of_both_parts_and_a_full_one_is_all() -> None:
    short, full = Settings(), Settings(full=True)
    for choose, cases_of, count in ((chosen_singles, single_cases, SINGLES), (chosen_pairs, pair_cases, PAIRS)):
        assert Counter(c.part for c in choose(short)) == {"tuned": count // 2, "aside": count // 2}
        assert Counter(c.part for c in choose(full)) == {part: len(list(cases_of(part))) for part in FOLDERS}
    assert chosen_singles(short) == chosen_singles(short) != chosen_singles(Settings(seed=1))


def test_at_least_500_runs_of_right_functions_are_chosen() -> None:
    assert len(chosen_right(Settings())) == RIGHT
    assert len([c for c, _, _ in chosen_right(Settings(full=True)) if c.style.call == "gradients"]) >= 500


@pytest.mark.slow
def test_a_small_run_end_to_end(monkeypatch: pytest.MonkeyPatch, progress: Progress, tmp_path: Path) -> None:
    for name, count in (("SINGLES", 2), ("PAIRS", 2), ("RIGHT", 2)):
        monkeypatch.setattr(study, name, count)
    found = study.run(Settings(), progress)
    save(found, tmp_path)
    assert found.tables["Per style"].frame["mistakes"].sum() == 4  # two, and all of each part
    drawn = draw(found, tmp_path)
    assert drawn.keys() == found.pictures.keys()
    assert all(len(svg) > 2000 for svg in drawn.values())
    assert all(path.stat().st_size > 5000 for path in (tmp_path / "figures").iterdir())
