"""A fix was run: each kind of small change, in the user's own words; none that fails on a second problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff.source import mending
from gradient_diff.source.guilt import find_guilty
from gradient_diff.source.mending import Fix, fixes
from gradient_diff.source.tracing import second_problems
from gradient_diff.source.trial import Trial
from manual_mlp import Problem

Tried = Callable[..., Trial]


def mended(trial: Trial, others: list[Trial] | None = None) -> list[Fix]:
    return fixes(trial, find_guilty(trial), second_problems(trial) if others is None else others)


def lines(found: list[Fix]) -> list[str]:
    """What each fix writes."""
    return [line[1:].strip() for f in found for line in f.diff.splitlines() if line[:1] == "+" and line[:2] != "++"]


@pytest.mark.matrix(most=4)
@pytest.mark.parametrize(
    ("right", "wrong", "fix"),
    [
        ("d2 @ W2.T * slope(z1)", "d2 @ W2.T", "d1 = (d2 @ W2.T) * z1 * (1 - z1)"),
        ("(z2 - y)", "(y - z2)", "d2 = 2 * (z2 - y) / y.size"),
        ("d1.sum(axis=0)", "d1.mean(axis=0)", "db1 = d1.sum(axis=0)"),
        ("d2.sum(axis=0)", "d2[0]", "db2 = d2.sum(axis=0)"),
        ("x.T @ d1", "x.T @ (d2 @ W2.T)", "dW1 = x.T @ (d1)"),
        ("x.T @ d1", "d1.T @ x", "dW1 = x.T @ d1"),
        ("x.T @ d1", "-x.T @ d1", "dW1 = x.T @ d1"),
        ("x.T @ d1", "x.T @ d1 / len(x)", "dW1 = x.T @ d1"),
        ("z1.T @ d2", "z2.T @ d2", "dW2 = z1.T @ d2"),
        ("z1.T @ d2", "x[:, :3].T @ d2", "dW2 = z1.T @ d2"),
        ("z1 @ W2 + b2", "z1 @ W2 - b2", "z2 = z1 @ W2 + b2"),
        ("s(x @ W1 + b1)", "s(x @ W1)", "z1 = s(x @ W1 + b1)"),
        ("return z * (1 - z)", "return z * (1 + z)", "return z * (1 - z)"),
        ("2 * (z2 - y) / y.size", "2 * (z2 - y)", "d2 = 2 * (z2 - y) / y.size"),
        ("2 * (z2 - y) / y.size", "(z2 - y) / y.size", "d2 = 2 * ((z2 - y) / y.size)"),
        ("d2 @ W2.T * slope(z1)", "d2 @ W2.T + slope(z1)", "d1 = d2 @ W2.T * slope(z1)"),
        ("(dW1, db1, dW2", "(dW1, 2 * db1, dW2", "return dict(zip(p, (dW1, db1, dW2, db2)))"),
    ],
)
def test_each_kind_of_fix(tried: Tried, matrices: str, right: str, wrong: str, fix: str) -> None:
    found = mended(tried(matrices, (right, wrong)))
    assert lines(found) == [fix]
    assert found[0].widths


def test_several_fixes_together(tried: Tried, matrices: str) -> None:
    two = tried(matrices, ("d1.sum(axis=0)", "d1.mean(axis=0)"), ("z1.T @ d2", "(x @ W1 + b1).T @ d2"))
    assert sorted(lines(mended(two))) == ["dW2 = (z1).T @ d2", "db1 = d1.sum(axis=0)"]


@pytest.mark.parametrize("line", [17, 21])
def test_half_a_mending_is_none(tried: Tried, matrices: str, monkeypatch: pytest.MonkeyPatch, line: int) -> None:
    """With one mistake left, gradients would still be off."""
    two = tried(matrices, ("d1.sum(axis=0)", "d1.mean(axis=0)"), ("z1.T @ d2", "(x @ W1 + b1).T @ d2"))
    proposals = mending._proposals  # noqa: SLF001
    monkeypatch.setattr(mending, "_proposals", lambda t, f, s: () if f.place.line == line else proposals(t, f, s))
    assert mended(two) == []


def test_a_fix_makes_every_gradient_right(tried: Tried, written: Any, matrices: str, problem: Problem) -> None:
    trial = tried(matrices, ("d2 @ W2.T * slope(z1)", "d2 @ W2.T"))
    (fix,) = mended(trial)
    given = written(fix.source.edited(fix.edit).text)["gradients"](dict(problem.parameters), problem.x, problem.y)
    for name, right in trial.right.items():
        np.testing.assert_allclose(given[name], right, 1e-12)


def test_the_code_is_as_it_was(tried: Tried, matrices: str) -> None:
    trial = tried(matrices, ("d1.sum(axis=0)", "d1.mean(axis=0)"))
    code = trial.subject.function.__code__
    assert mended(trial)
    assert trial.subject.function.__code__ is code


LUCKY = ("d1.sum(axis=0)", "d1.mean(axis=0)")


def test_what_fits_here_only_is_no_fix(tried: Tried, matrices: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`5 *` makes this batch of five right, and another wrong; it is never offered, even where nothing else is."""
    trial = tried(matrices, LUCKY)
    guilty, source_text = find_guilty(trial), "d1.mean(axis=0)"
    others = second_problems(trial)
    assert others[0].problem.batch != trial.problem.batch

    def lucky(_: Trial, __: Any, source: Any) -> Any:
        start = source.text.index(source_text)
        yield mending.Edit(start, start + len(source_text), f"5 * {source_text}")

    monkeypatch.setattr(mending, "_proposals", lucky)
    assert lines(fixes(trial, guilty, ())) == ["db1 = 5 * d1.mean(axis=0)"]
    assert fixes(trial, guilty, others) == []


def test_what_fails_on_the_second_problem_is_passed_over(tried: Tried, matrices: str) -> None:
    """Another problem on which nothing is right: whatever fits the first is no fix."""
    trial = tried(matrices, LUCKY)
    (other, *_) = second_problems(trial)
    other.right = {n: a + 1 for n, a in other.right.items()}
    assert mended(trial, [other]) == []


def test_changes_that_raise_mend_nothing(tried: Tried, matrices: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = tried(matrices, LUCKY)
    guilty = find_guilty(trial)

    def bad(_: Trial, __: Any, source: Any) -> Any:
        start = source.text.index("d1.mean(axis=0)")
        for text in ("nobody", "d1.mean(axis=7)", "1 +", "1 / 0"):
            yield mending.Edit(start, start + len("d1.mean(axis=0)"), text)

    monkeypatch.setattr(mending, "_proposals", bad)
    assert fixes(trial, guilty, second_problems(trial)) == []


def test_nothing_found_nothing_mended(tried: Tried, matrices: str) -> None:
    assert fixes(tried(matrices), [], []) == []


def test_code_that_insists_on_its_widths(tried: Tried, matrices: str) -> None:
    trial = tried(matrices.replace("    W1, b1, W2, b2", "    assert x.shape[1] == 4\n    W1, b1, W2, b2"), LUCKY)
    assert len(second_problems(trial)) == 1
    (fix,) = mended(trial)
    assert not fix.widths


def test_the_smaller_change_first(tried: Tried, matrices: str) -> None:
    """`d1` for `d2`, not the whole equation anew."""
    trial = tried(matrices, ("db1 = d1.sum(axis=0)", "db1 = (d2 @ W2.T).sum(axis=0)"))
    assert lines(mended(trial)) == ["db1 = (d1).sum(axis=0)"]


LOOP = """import numpy as np


def gradients(p, x, y):
    W1, b1, W2, b2 = p.values()
    out = [np.zeros(a.shape) for a in p.values()]
    for one, target in zip(x, y):
        z1 = 1 / (1 + np.exp(-(one @ W1 + b1)))
        d2 = 2 * (z1 @ W2 + b2 - target) / y.size
        d1 = W2 @ d2 * z1 * (1 - z1)
        out[0] += np.outer(one, d1)
        out[1] += d1
        out[2] += np.outer(z1, d2)
        out[3] += d2
    return dict(zip(p, out))
"""


def test_in_a_loop_over_samples(tried: Tried) -> None:
    found = mended(tried(LOOP, ("W2 @ d2 * z1 * (1 - z1)", "W2 @ d2 * z1")))
    assert lines(found) == ["d1 = (W2 @ d2) * z1 * (1 - z1)"]
