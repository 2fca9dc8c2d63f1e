from __future__ import annotations

from pathlib import Path

import pytest

from experiments.benchmarks.lines.plant import Plant, Style, Variant
from experiments.benchmarks.lines.planting import planted, text_of

TEXT = "d = y - t\ng = x.T @ d\nb = d.sum(0)\ng2 = x.T @ d\n"


def guilty(text: str, *plants: Plant) -> list[str]:
    bad = planted(text, *plants)
    return [bad.text[spot.start : spot.end] for spot in bad.spots]


def test_all_of_what_is_written_is_guilty_where_nothing_else_is_said() -> None:
    assert guilty(TEXT, Plant("", "sign", "y - t", "t - y")) == ["t - y"]


def test_the_guilty_expression_may_stand_beside_what_was_changed() -> None:
    plant = Plant("", "order_of_statements", "b = d.sum(0)\n", "", "g2 = x.T @ d")
    assert guilty(TEXT, plant) == ["g2 = x.T @ d"]


def test_spots_follow_what_is_planted_above_them_later() -> None:
    low, high = Plant("", "wrong_axis", "d.sum(0)", "d.sum()"), Plant("", "sign", "y - t", "2.0 * (t - y)")
    for plants in ((low, high), (high, low)):
        assert guilty(TEXT, *plants) == [p.wrong for p in plants]
    assert planted(TEXT, low, high).line(0) == 3
    assert planted(TEXT, low, high).line(1) == 1


def test_nth_counts_occurrences_from_0() -> None:
    assert planted(TEXT, Plant("", "transposed", "x.T @ d", "d.T @ x", nth=1)).line() == 4


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (Plant("", "sign", "t - y", "y - t"), "stands 0 times"),
        (Plant("", "transposed", "x.T @ d", "d.T @ x"), "stands 2 times"),
        (Plant("", "transposed", "x.T @ d", "d.T @ x", nth=2), "stands 2 times"),
        (Plant("", "sign", "y - t", "t - y", "x.T @ d"), "stands 0 times"),
        (Plant("", "sign", "y - t", "t - y - t", "t"), "stands 2 times"),
    ],
)
def test_what_does_not_stand_there_or_more_than_once_is_refused(plant: Plant, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        planted(TEXT, plant)


def test_a_variant_that_replaces_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "style.py").write_text(TEXT, encoding="utf-8")
    style = Style("style.py", "gradients")
    assert text_of(style, Variant((), "mse", (("x.T", "z.T"),)), tmp_path).count("z.T") == 2
    with pytest.raises(ValueError, match=r"holds no 'w\.T'"):
        text_of(style, Variant((), "mse", (("w.T", "z.T"),)), tmp_path)
