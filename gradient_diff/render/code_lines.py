"""The functions that were traced, line by line, for every rendering: a mark, a number, the text, what it is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from enum import Enum

from gradient_diff.render.excerpts import Span
from gradient_diff.result.code import Code, Finding


class Mark(Enum):
    """What is known of a line; its sign stands beside the colour."""

    RIGHT = ("✓", "good", "what is named beside it is right")
    GUILTY = ("✗", "bad", "to blame")
    UNKNOWN = ("", "", "nothing is known of it")

    def __init__(self, sign: str, tone: str, meaning: str) -> None:
        self.sign = sign
        self.tone = tone
        self.meaning = meaning


@dataclass(frozen=True)
class CodeLine:
    """One line.

    Attributes:
        number: counted from 1.
        text: as the user wrote it.
        mark: right, guilty or unknown.
        what: what it was recognised as, or should be.
        spans: the expressions to blame on it.
        gap: whether lines before it are left out.
    """

    number: int
    text: str
    mark: Mark
    what: str
    spans: tuple[Span, ...] = ()
    gap: bool = False


def code_lines(code: Code) -> list[CodeLine]:
    """Every line of the functions that ran, in order."""
    lines = [_line(code, number) for number in sorted(code.lines)]
    followed = (replace(b, gap=b.number > a.number + 1) for a, b in itertools.pairwise(lines))
    return [*lines[:1], *followed]


def _line(code: Code, number: int) -> CodeLine:
    here = [f for f in code.findings if f.file == code.file and f.span[0] <= number <= f.span[1]]
    if here:
        what = "; ".join(f"should be {f.what}" for f in here if f.span[0] == number)
        return CodeLine(number, code.lines[number], Mark.GUILTY, what, tuple(f.span for f in here))
    what = code.listing.get(number, "")
    return CodeLine(number, code.lines[number], Mark.RIGHT if what else Mark.UNKNOWN, what)


def source_of(code: Code, finding: Finding) -> tuple[list[tuple[int, str]], Span]:
    """The lines of a finding and its span in them; where its file's lines are not known, those of its own text."""
    first, last, begin, end = finding.span
    wanted = range(first, min(last, first + len(code.lines)) + 1)
    if finding.file == code.file and all(number in code.lines for number in wanted):
        return [(number, code.lines[number]) for number in wanted], (first, last, begin, end)
    own = finding.text.split("\n")
    return list(enumerate(own, first)), (first, first + len(own) - 1, 0, len(own[-1]))


def lines_around(code: Code, finding: Finding, around: int = 2) -> list[CodeLine]:
    """The lines of a finding with some around it; where its file's lines are not known, those of its own text."""
    lines, span = source_of(code, finding)
    first, last = lines[0][0], lines[-1][0]
    if finding.file != code.file:
        return [CodeLine(number, text, Mark.GUILTY, "", (span,)) for number, text in lines]
    return [_line(code, n) for n in range(first - around, last + around + 1) if n in code.lines]
