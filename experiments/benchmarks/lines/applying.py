"""Fixes put into the text that they are for, all of them at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")


@dataclass(frozen=True, order=True)
class Change:
    """A stretch of text, by offsets, and what stands there instead."""

    start: int
    end: int
    new: str


def applied(text: str, diffs: Sequence[str]) -> str:
    """The text with these unified diffs, each made for the text as it is.

    Raises:
        ValueError: a diff is of another text, or two change the same place in different ways.
    """
    changes = sorted({change for diff in diffs for change in changes_of(text, diff)}, reverse=True)
    behind = len(text) + 1
    for change in changes:
        if change.end > behind:
            raise ValueError(f"Two fixes change the same place, {text[change.start : change.end]!r}.")
        text = text[: change.start] + change.new + text[change.end :]
        behind = change.start
    return text


def changes_of(text: str, diff: str) -> Iterator[Change]:
    """The stretches that a unified diff writes otherwise, as short as they are."""
    lines = text.splitlines(keepends=True)
    at, old, new = 0, "", ""
    for line in [*diff.splitlines(keepends=True), " "]:
        if line[0] in "-+" and not line.startswith(("--- ", "+++ ")):
            old, new = (old + line[1:], new) if line[0] == "-" else (old, new + line[1:])
            continue
        if old or new:
            yield _change(lines, at, old, new)
            at, old, new = at + old.count("\n"), "", ""
        hunk = HUNK.match(line)
        if hunk:
            at = int(hunk[1]) - (hunk[2] != "0")
        elif line[0] == " ":
            at += 1


def _change(lines: list[str], at: int, old: str, new: str) -> Change:
    """Without what is the same at both ends, so that two fixes of one line can both be made."""
    start = sum(map(len, lines[:at]))
    if not "".join(lines[at:]).startswith(old):
        raise ValueError(f"The fix is of another text: it replaces {old!r} in line {at + 1}.")
    before = _common(old, new)
    after = _common(old[before:][::-1], new[before:][::-1])
    return Change(start + before, start + len(old) - after, new[before : len(new) - after])


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
