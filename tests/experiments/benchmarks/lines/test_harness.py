"""The harness on one mistake of each outcome; and that it counts a product that errs as one that errs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gradient_diff
from experiments.benchmarks.lines.aiming import Aim
from experiments.benchmarks.lines.cases import Case, pair_cases, right_cases, single_cases
from experiments.benchmarks.lines.harness import lines_found, pointed, pointed_pair, right_run
from experiments.benchmarks.lines.loading import weights_of
from gradient_diff import Code, Finding, GradientDiff

CASE = next(c for c in single_cases("tuned") if c.name == "matrices")
PAIR = next(c for c in pair_cases("tuned") if c.name == "matrices")
RIGHT = next(c for c in right_cases("tuned") if c.name == "matrices")
STEP = next(c for c in single_cases("tuned") if c.style.call == "step")
SCRIPT = next(c for c in single_cases("aside") if c.style.call == "script")
GUILTY = CASE.planted.line()

Saying = Callable[..., None]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Saying:
    """Let the product say this of whatever is wrong."""
    compare = gradient_diff.compare

    def put(*lines: int, fix: str = "") -> None:
        def saying(given: Any, evaluation: Any, *, trace: bool | None) -> GradientDiff:
            found = tuple(Finding("matrices.py", at, (at, at, 0, 1), "f", (), "", "", (), "", (), fix) for at in lines)
            return replace(compare(given, evaluation, trace=False), code=Code(found))

        monkeypatch.setattr(gradient_diff, "compare", saying)

    return put


def fix_to(text: str) -> str:
    """A fix of the guilty line."""
    lines = CASE.planted.text.splitlines(keepends=True)
    old = lines[GUILTY - 1]
    return f"--- a/m.py\n+++ b/m.py\n@@ -{GUILTY} +{GUILTY} @@\n-{old}+{text}\n"


def test_the_product_points_at_the_line_and_mends_it() -> None:
    found = pointed(CASE)
    assert (found.aim, found.fix, found.mends) == (Aim.EXACT, True, True)
    assert (found.part, found.style, found.loss, found.kind) == ("tuned", "matrices", "mse", "missing_f_prime")
    assert found.wanted == "d2 = d3 @ W3.T"
    assert found.said.startswith(f"matrices.py:{GUILTY} d3 @ W3.T: ")
    assert 10 < found.hands < 1e6


def test_the_product_finds_both_of_two() -> None:
    found = pointed_pair(PAIR)
    assert (found.found, found.fix, found.mends) == (2, True, True)


def test_another_line_is_another_line(say: Saying) -> None:
    say(GUILTY + 1)
    assert pointed(CASE).aim is Aim.OTHER
    say(GUILTY + 1, GUILTY)
    assert pointed(CASE).aim is Aim.OTHER  # the first counts
    say()
    assert pointed(CASE).aim is Aim.SILENT


@pytest.mark.parametrize(
    ("text", "mends"),
    [
        ("    d2 = (d3 @ W3.T) * sigmoid_prime(a2)", True),
        ("    d2 = (d3 @ W3.T) * sigmoid_prime(a2) * 1.01", False),
        ("    d2 = (", False),
    ],
)
def test_a_fix_is_run(say: Saying, text: str, mends: bool) -> None:
    say(GUILTY, fix=fix_to(text))
    found = pointed(CASE)
    assert (found.fix, found.mends) == (True, mends)


def test_one_line_stands_for_one_of_two_mistakes() -> None:
    assert lines_found([3, 9], ({3}, {8, 9})) == 2
    assert lines_found([3, 4], ({3}, {8, 9})) == 1
    assert lines_found([3], ({3}, {3})) == 1
    assert lines_found([3, 3], ({3}, {3})) == 2
    assert lines_found([3, 3], ({3}, {8})) == 1
    assert lines_found([], ({3}, {8})) == 0


def test_what_a_product_raises_is_counted_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> GradientDiff:
        raise IndexError("out of luck")

    monkeypatch.setattr(gradient_diff, "compare", broken)
    found = pointed(CASE)
    assert (found.aim, found.said, found.fix) == (Aim.SILENT, "IndexError: out of luck", False)
    assert math.isnan(found.hands)
    assert pointed_pair(PAIR).said == "IndexError: out of luck"
    run = right_run(RIGHT, 0, "own")
    assert run.accused == "IndexError: out of luck"


@pytest.mark.parametrize("sizes", ["own", "wider", "square"])
def test_right_code_is_not_accused_unless_a_line_is_named(say: Saying, sizes: str) -> None:
    run = right_run(RIGHT, 1, sizes)
    assert (run.accused, run.sizes, run.seed) == ("", sizes, 1)
    say(7)
    run = right_run(RIGHT, 1, sizes)
    assert run.accused.startswith("MATCH: matrices.py:7 ")


def test_wrong_code_would_not_pass_as_right(say: Saying) -> None:
    run = right_run(CASE, 0, "own")
    assert run.accused.startswith("MISMATCH: matrices.py:")
    say()
    run = right_run(CASE, 0, "own")
    assert run.accused.startswith("MISMATCH: MISMATCH, and nothing is said")


def test_scripts_are_run_as_they_are() -> None:
    right = right_run(Case(SCRIPT.part, SCRIPT.style, SCRIPT.variant), 0, "own")
    assert right.accused == ""
    assert pointed(SCRIPT).aim is not Aim.SILENT


def test_steps_go_to_compare_step(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def compare_step(step: Any, evaluation: Any) -> GradientDiff:
        asked.append((step.__self__, evaluation))
        return gradient_diff.compare(dict(evaluation.gradients), evaluation)

    monkeypatch.setattr(gradient_diff, "compare_step", compare_step, raising=False)
    assert pointed(STEP).said == "MATCH, and no code was traced"
    net, evaluation = asked[0]
    assert all(np.array_equal(a, evaluation.problem.parameters[n]) for n, a in weights_of(net).items())
