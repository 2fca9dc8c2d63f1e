"""Lines of a user's source for eyes: tabs are spread, what does not print is spelled out, and a span stays in place."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gradient_diff.plain import as_written
from gradient_diff.wording import printable

_TAB = 4
_BEFORE = 3  # of a line that is cut, one part in so many is kept before its span
_MOST_LINES = 6  # of one span

Span = tuple[int, int, int, int]  # line, last line, first column, column behind the last


@dataclass(frozen=True)
class ShownLine:
    """A line as it is shown.

    Attributes:
        text: what is shown.
        places: column of the source → place in `text`, also of the column behind the last.
    """

    text: str
    places: tuple[int, ...]

    def part(self, begin: int, end: int) -> tuple[int, int]:
        """Columns of the source as places in `text`; of a line that is shorter, what is there."""
        last = len(self.places) - 1
        return self.places[min(begin, last)], self.places[min(end, last)]


def shown_line(line: str, encoding: str = "utf-8") -> ShownLine:
    """A line for an output of this encoding, where a sign that it cannot write is replaced by one or more others."""
    from rich.cells import cell_len

    parts, places, width = [], [0], 0
    for sign in line.rstrip():
        part = " " * (_TAB - width % _TAB) if sign == "\t" else as_written(printable(sign), encoding)
        parts.append(part)
        places.append(places[-1] + len(part))
        width += cell_len(part)
    return ShownLine("".join(parts), tuple(places))


def columns_of(span: Span, number: int, line: str) -> tuple[int, int] | None:
    """The columns of a line that a span covers, without its indentation; None where it covers none."""
    first, last, begin, end = span
    if not first <= number <= last:
        return None
    start = begin if number == first else len(line) - len(line.lstrip())
    stop = end if number == last else len(line.rstrip())
    return (start, stop) if start < stop else None


def window(text: str, begin: int, end: int, room: int, cut: str) -> tuple[str, int, int]:
    """As much of a line as there is room for, with the beginning of a part of it; `cut` stands where more was."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= room:
        return text, begin, end
    left = max(0, begin - room // _BEFORE)
    piece = cut + text[left + len(cut) :] if left else text
    if cell_len(piece) > room:
        piece = set_cell_size(piece, room - len(cut)).rstrip() + cut
    return piece, begin - left, min(end - left, len(piece))


@dataclass(frozen=True)
class Underlined:
    """One line of an excerpt.

    Attributes:
        number: of the line.
        text: the line, or what there is room for.
        before: cells before the span.
        marked: cells of the span; 0 where the line has none of it.
    """

    number: int
    text: str
    before: int = 0
    marked: int = 0


def excerpt(lines: Iterable[tuple[int, str]], span: Span, room: int, encoding: str = "utf-8") -> Iterator[Underlined]:
    """The lines of a span, each with where it stands in cells of a terminal; of very many the first."""
    from rich.cells import cell_len

    several = list(lines)
    cut = as_written("…", encoding)
    for number, line in several[:_MOST_LINES]:
        shown, columns = shown_line(line, encoding), columns_of(span, number, line)
        begin, end = shown.part(*columns) if columns else (0, 0)
        text, begin, end = window(shown.text, begin, end, room, cut)
        yield Underlined(number, text, cell_len(text[:begin]), cell_len(text[begin:end]))
    if len(several) > _MOST_LINES:
        yield Underlined(several[_MOST_LINES][0], cut)


def lit_parts(number: int, line: str, spans: Iterable[Span]) -> list[tuple[str, bool]]:
    """A line in parts, each with whether one of the spans covers it."""
    shown = shown_line(line)
    covered = [shown.part(*columns) for span in spans if (columns := columns_of(span, number, line))]
    cuts = sorted({0, len(shown.text), *(place for pair in covered for place in pair)})
    return [
        (shown.text[begin:end], any(a <= begin and end <= b for a, b in covered))
        for begin, end in itertools.pairwise(cuts)
    ]
