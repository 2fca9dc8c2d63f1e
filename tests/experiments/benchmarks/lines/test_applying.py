from __future__ import annotations

from difflib import unified_diff

import pytest

from experiments.benchmarks.lines.applying import applied

TEXT = "a = 1\nb = x + y\nc = 3\nd = 4\ne = 5\nf = 6\n"


def diff(new: str, old: str = TEXT, around: int = 2) -> str:
    return "".join(unified_diff(old.splitlines(True), new.splitlines(True), "a/net.py", "b/net.py", n=around))


@pytest.mark.parametrize(
    "new",
    [
        TEXT.replace("x + y", "x - y"),
        TEXT.replace("c = 3\n", ""),
        TEXT.replace("c = 3\n", "c = 3\nc2 = 3.5\n"),
        f"import math\n{TEXT}",
        f"{TEXT}g = 7\n",
        TEXT.replace("a = 1\n", "") + "a = 1\n",
        TEXT.replace("d = 4\ne = 5\n", "e = 4\nd = 5\nd = 6\n"),
        TEXT.replace("a = 1", "a = 11").replace("f = 6", "f = 66"),
    ],
)
def test_a_diff_gives_what_it_was_made_of(new: str) -> None:
    for around in (0, 1, 2):
        assert applied(TEXT, [diff(new, around=around)]) == new


def test_two_fixes_of_one_line_are_both_made_and_the_same_one_once() -> None:
    one, other = (diff(TEXT.replace(*pair)) for pair in (("x", "2 * x"), ("y", "y.T")))
    for diffs in ([one, other], [other, one, one]):
        assert applied(TEXT, diffs) == TEXT.replace("x + y", "2 * x + y.T")


def test_fixes_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="Two fixes change the same place"):
        applied(TEXT, [diff(TEXT.replace("x + y", "z")), diff(TEXT.replace("+", "-"))])


def test_a_fix_of_another_text_is_refused() -> None:
    other = TEXT.replace("x + y", "x * y")
    with pytest.raises(ValueError, match=r"is of another text: it replaces 'b = x \* y\\n' in line 2"):
        applied(TEXT, [diff(TEXT, other)])


def test_nothing_to_apply_changes_nothing() -> None:
    assert applied(TEXT, []) == TEXT
