"""The rows of a ladder: in order, right ones folded beside a culprit, and never too many."""

import dataclasses

import pytest

from gradient_diff import GradientDiff
from gradient_diff.render.figures.panels import panels_of
from gradient_diff.render.ladder import MOST, opened, rungs, told


def long(diff: GradientDiff, times: int) -> GradientDiff:
    rows = [dataclasses.replace(row, name=f"{row.name} {i}") for i in range(times) for row in diff.rows]
    return dataclasses.replace(diff, rows=tuple(rows))


def test_a_run_of_right_rows_is_folded_beside_a_culprit_only(match: GradientDiff, different: GradientDiff) -> None:
    assert [len(rung.rows) for rung in rungs(match)] == [1] * 14
    assert [(len(rung.rows), rung.folded) for rung in rungs(different)] == [(7, True), (1, False), (6, True)]


@pytest.mark.parametrize("times", [40, 200])
def test_what_a_page_does_not_hold_is_counted(match: GradientDiff, different: GradientDiff, times: int) -> None:
    for diff in (long(match, times), long(different, times)):
        found = rungs(diff)
        assert sum(len(rung.rows) for rung in found) <= 2 * MOST
        assert sum(len(rung.rows) + rung.left for rung in found) == len(diff.rows)
    assert "more arrays, which diff.csv holds" in rungs(long(match, times))[-1].words


def test_the_culprit_is_open_and_else_the_gradients(match: GradientDiff, different: GradientDiff) -> None:
    assert opened(different, panels_of(different)) == {"dense_2/dE_dkernel"}
    assert opened(match, panels_of(match)) == {f"dense_{i}/dE_d{kind}" for i in (1, 2) for kind in ("kernel", "bias")}
    assert told(different, panels_of(different)) == {"dense_2/dE_dkernel"}
    assert len(told(long(match, 99), panels_of(match))) <= 80
