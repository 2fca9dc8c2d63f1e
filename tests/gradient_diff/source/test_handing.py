"""What is right as it is, but short of a step, is blamed where it is handed on without it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from gradient_diff.source.guilt import find_guilty
from gradient_diff.source.mending import fixes
from gradient_diff.source.tracing import second_problems
from gradient_diff.source.trial import Trial

Blamed = Callable[..., list[tuple[str, str]]]

U1 = ("z1 = s(x @ W1 + b1)", "u1 = x @ W1 + b1\n    z1 = {}")
D1 = ("d1 = d2 @ W2.T * slope(z1)", "back = d2 @ W2.T\n    d1 = {}")


def names(change: tuple[str, str], text: str, *more: str) -> tuple[tuple[str, str], ...]:
    right, wrong = change
    helper = (("def slope(z):", f"{more[0]}\n\n\ndef slope(z):"),) if more else ()
    return ((right, wrong.format(text)), *helper)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (names(U1, "last(u1)", "def last(u):\n    return u"), "u"),
        (names(U1, "last(u=u1)", "def last(u):\n    return [u][0]"), "[u][0]"),
        (names(U1, "last(u1)", "last = lambda u: u"), "u"),
        (names(U1, "u1 * 1"), "u1 * 1"),
        (names(U1, "u1 / 1.0"), "u1 / 1.0"),
        (names(U1, "u1"), "u1"),
        (names(D1, "back * 1"), "back * 1"),
        (names(D1, "back"), "back"),
        (names(D1, "last(back)", "def last(d):\n    return d"), "d"),
        (names(U1, "last(u1, b1)", "def last(u, b):\n    return u + 0"), "x @ W1 + b1"),  # it computes something
    ],
)
def test_where_the_step_is_missing(
    blamed: Blamed, matrices: str, changes: tuple[tuple[str, str], ...], text: str
) -> None:
    node = "dense_1/z" if "u1" in changes[0][1] else "dense_1/dE_du"
    assert blamed(matrices, *changes) == [(text, node)]


def test_what_is_kept_elsewhere_and_given_out_again_was_not_handed_on(blamed: Blamed, matrices: str) -> None:
    """A function that gives what it does not take is no step of the way."""
    kept = "kept = []\n\n\ndef last():\n    return kept[-1]"
    changes = names(U1, "last()", kept)
    right, wrong = changes[0]
    given = (right, wrong.replace("    z1", "    kept.append(u1)\n    z1"))
    assert blamed(matrices, given, *changes[1:]) == [("u1", "dense_1/z")]


def test_the_fix_calls_a_function_of_the_users(tried: Callable[..., Trial], matrices: str) -> None:
    trial = tried(matrices, *names(U1, "last(u1)", "def last(u):\n    return u"))
    found = find_guilty(trial)
    trial.fixed.clear()
    (fix,) = fixes(trial, found, second_problems(trial))
    assert "+    return s(u)\n" in fix.diff


def test_a_profiler_of_the_users_is_there_again(blamed: Blamed, matrices: str) -> None:
    seen: list[str] = []
    profile = lambda frame, event, argument: seen.append(event)  # noqa: E731
    sys.setprofile(profile)
    try:
        blamed(matrices, *names(U1, "last(u1)", "def last(u):\n    return u"))
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)
