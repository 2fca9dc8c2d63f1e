"""What the first line of every rendering says: the mistakes with their lines; where none is known, the line alone."""

from __future__ import annotations

from collections.abc import Sequence

from gradient_diff.result.code import Code, Finding
from gradient_diff.result.findings import Cause
from gradient_diff.result.status import Meaning

_LONGEST = 60  # of an expression in a sentence


def said_by_causes(causes: Sequence[Cause]) -> Meaning:
    """What was done and where, and its cure: of the first cause, and of one that acts together with it."""
    first = causes[0]
    both = [first, *(c for c in causes[1:] if c.id in first.together and first.id in c.together)][:2]
    what = ", and ".join(map(_located, both)) + ", or a look-alike of it" * bool(first.same_as)
    return Meaning(what, " ".join(cause.cure for cause in both))


def _located(cause: Cause) -> str:
    return cause.place if cause.finding is None else f"{cause.place}, at {cause.finding.place}"


def said_by_line(code: Code) -> Meaning:
    """What belongs at the first line that is to blame, and how to get it there."""
    first, *others = code.findings
    more = f", and {others[0].what} at {others[0].place}" if len(others) == 1 else ""
    more = f", and {len(others)} more lines are to blame" if len(others) > 1 else more
    return Meaning(f"{first.what} belongs at {first.place}{more}", _cure(first))


def _cure(finding: Finding) -> str:
    if finding.fix:
        return f"Apply the fix to {finding.name}: with it every gradient matches."
    return f"Put {finding.what} there, in place of {in_short(finding.text)}."


def in_short(text: str) -> str:
    """An expression in one line, the beginning of a long one."""
    line = " ".join(text.split())
    return f"`{line}`" if len(line) <= _LONGEST else f"`{line[: _LONGEST - 1]}…`"
