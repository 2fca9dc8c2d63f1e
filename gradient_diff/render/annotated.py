"""The listing: each line of the functions that were traced, with what it is beside it. A lesson in itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from gradient_diff.plain import as_written, output_encoding
from gradient_diff.render.code_lines import CodeLine, code_lines
from gradient_diff.render.excerpts import shown_line
from gradient_diff.render.sheet import GAP
from gradient_diff.result.code import Code
from gradient_diff.wording import printable

_NARROWEST = 40
_ROOM_FOR_WORDS = 20  # below that what a line is stands below it


def annotated(code: Code, width: int | None = None, encoding: str | None = None) -> str:
    """Line number, source text and what it is, in columns; a line that leaves no room has its words below it.

    Width and encoding are those of the standard output where none are named, 100 columns where there is no terminal;
    ValueError of a width below 40.
    """
    width = shutil.get_terminal_size((100, 24)).columns if width is None else width
    if width < _NARROWEST:
        raise ValueError(f"annotated(width={width}): expected at least {_NARROWEST} columns.")
    encoding = encoding or output_encoding()
    if not code.lines:
        return as_written(printable(code.silent) or "No line of it was traced.", encoding)
    return "\n".join(line.rstrip() for line in _lines(code_lines(code), width, encoding))


def _lines(lines: Sequence[CodeLine], width: int, encoding: str) -> Iterator[str]:
    from rich.cells import cell_len

    digits = len(str(lines[-1].number))
    bar = as_written("│", encoding)
    empty = f"  {'':{digits}} {bar} "
    room = width - len(empty)
    shown = [shown_line(line.text, encoding).text for line in lines]
    limit = room - GAP - _ROOM_FOR_WORDS
    described = (cell_len(text) for text, line in zip(shown, lines, strict=True) if line.what)
    column = max((cells for cells in described if cells <= limit), default=0)  # a long line moves no other's words
    for line, text in zip(lines, shown, strict=True):
        if line.gap:
            yield f"  {as_written('⋮', encoding):>{digits}}"
        head = f"{as_written(line.mark.sign, encoding) or ' '} {line.number:>{digits}} {bar} "
        words = folded(as_written(printable(line.what), encoding), room - GAP - column)
        for first, row in zip_longest([head], _beside(text, words, column, room), fillvalue=empty):
            yield f"{first}{row}"


def _beside(text: str, words: Sequence[str], column: int, room: int) -> Iterator[str]:
    """The rows of one line: its words beside it, or below where it is too long."""
    from rich.cells import cell_len, chop_cells

    fits = cell_len(text) <= column
    if not (fits and words):
        yield from chop_cells(text, room) or [""]
    for place, part in enumerate(words):
        left = text if fits and not place else ""
        yield left + " " * (column - cell_len(left) + GAP) + part


def folded(text: str, room: int) -> list[str]:
    """Text in lines that fit, broken between words where it can be; none of no text."""
    from rich.console import Console
    from rich.text import Text

    if not text:
        return []
    return [line.plain.rstrip() for line in Text(text).wrap(Console(width=room), room, overflow="fold")]
