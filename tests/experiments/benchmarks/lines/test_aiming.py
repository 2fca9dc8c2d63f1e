from __future__ import annotations

import sys
from pathlib import Path

import pytest

from experiments.benchmarks.lines.aiming import Aim, aim_of, lines_above, wanted_lines
from experiments.benchmarks.lines.plant import Plant
from experiments.benchmarks.lines.planting import planted
from gradient_diff import Finding
from gradient_diff.result.code import Caller

TEXT = """def outer(z):
    first = inner(z)
    return inner(first)

def inner(z):
    if z > 1:
        return helper(z)
    return 2 * z

def helper(z):
    return z / 0
"""
OUTER, AGAIN, INNER, CALL, HELPER = 2, 3, 8, 7, 11


def finding(line: int, *callers: int, file: str = "net.py") -> Finding:
    outer = tuple(Caller(file, at, "f") for at in callers)
    return Finding(file, line, (line, line, 0, 1), "f", outer, "", "", (), "", ())


def test_the_line_or_one_that_calls_it_or_another() -> None:
    assert aim_of(finding(4), {4, 5}, int) is Aim.EXACT
    assert aim_of(finding(9, 7, 4), {4}, int) is Aim.CHAIN
    assert aim_of(finding(9, 7, 3), {4}, int) is Aim.OTHER


def test_a_call_through_which_the_guilty_line_runs_is_in_its_chain(tmp_path: Path) -> None:
    path = str(tmp_path / "net.py")
    space: dict[str, object] = {}
    exec(compile(TEXT, path, "exec"), space)
    call = lambda: space["outer"](1)  # type: ignore[operator]  # noqa: E731  # what a module holds is of any type
    before = sys.gettrace()
    assert lines_above(call, path, {INNER}) == {OUTER}
    assert lines_above(call, path, {HELPER}) == {AGAIN, CALL}  # although it raises there
    assert lines_above(call, path, {OUTER}) == set()
    assert lines_above(call, "elsewhere.py", {INNER}) == set()
    assert sys.gettrace() is before
    assert aim_of(finding(OUTER, file=path), {INNER}, call) is Aim.CHAIN
    assert aim_of(finding(AGAIN, file=path), {INNER}, call) is Aim.OTHER


def test_what_is_accepted_beside_the_mistake_is_its_nearest_occurrence() -> None:
    plant = Plant("", "", "2 * z", "3 * z", also=("inner(z)", "return helper(z)"))
    assert wanted_lines(planted(TEXT, plant), (plant,)) == {INNER, 5, CALL}
    lost = Plant("", "", "2 * z", "3 * z", also=("nowhere",))
    with pytest.raises(ValueError, match="'nowhere', which is accepted beside the mistake, does not stand"):
        wanted_lines(planted(TEXT, lost), (lost,))
