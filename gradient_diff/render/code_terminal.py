"""The lines to blame for the terminal, as a good compiler shows them: source, carets, what it should be, the fix."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from gradient_diff.plain import as_written, encoding_ahead
from gradient_diff.render import code_words as words
from gradient_diff.render.code_lines import source_of
from gradient_diff.render.excerpts import Underlined, excerpt, shown_line
from gradient_diff.render.sheet import GAP, to_plain, to_rich
from gradient_diff.result.code import Code, Finding
from gradient_diff.result.diff import GradientDiff

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.padding import Padding
    from rich.text import Text

_STYLES = {"old": "red", "new": "green", "head": "dim", "same": ""}
_BAD = "bold red"


def code_text(diff: GradientDiff, width: int | None = None, brief: bool = False) -> str:
    """The same as plain text, in brief without the fix; empty where nothing is to be said."""
    return to_plain(partial(_print, brief=brief), diff, width)


def _print(diff: GradientDiff, console: Console, brief: bool) -> None:
    for part in code_parts(diff, console, brief):
        console.print(part, soft_wrap=False, highlight=False)


def code_parts(diff: GradientDiff, console: Console, brief: bool = False) -> Iterator[RenderableType]:
    """The first finding in full, the others in short; or why there is none."""
    if words.silence(diff):
        yield to_rich(f"\n{words.silence(diff)}", "yellow")
    if diff.code is None or not diff.code.findings:
        return
    yield to_rich(f"\n{words.HEADING}", "bold")
    for part in _finding(diff.code, diff.code.findings[0], console, brief):
        yield _indented(part)
    for other in diff.code.findings[1 : 1 + words.MOST_OTHERS]:
        yield _indented(to_rich(f"also {words.in_a_line(other)}", _BAD))
    if more := words.more_others(diff.code):
        yield _indented(to_rich(more, "dim"))


def _indented(part: RenderableType, by: int = GAP) -> Padding:
    from rich.padding import Padding

    return Padding(part, (0, 0, 0, by))


def _finding(code: Code, finding: Finding, console: Console, brief: bool) -> Iterator[RenderableType]:
    yield to_rich(words.where(finding), "bold")
    yield from _source(code, finding, console)
    yield to_rich(words.says(finding))
    if finding.operands:
        yield _operands(finding)
    if words.healed(finding):
        yield to_rich(words.healed(finding), "dim")
    if finding.fix and not brief:
        yield to_rich(words.fix_title(finding), "bold")
        yield _indented(_fix(finding, console))
    yield from (to_rich(text, "dim") for text in words.called_from(finding))


def _source(code: Code, finding: Finding, console: Console) -> Iterator[Text]:
    """Each line of the span with carets below it, and behind or below the last ones what it should be."""
    encoding = _encoding(console)
    lines, span = source_of(code, finding)
    digits, bar = len(str(lines[-1][0])), as_written("│", encoding)
    room = console.width - GAP - digits - len(f" {bar} ")
    shown = list(excerpt(lines, span, room, encoding))
    label = as_written(words.should_be(finding), encoding)
    for line in shown:
        yield to_rich(f"{line.number:>{digits}} {bar} {line.text}")
        yield from _carets(line, f"{'':{digits}} {bar} ", label if line is shown[-1] else "", room)


def _carets(line: Underlined, empty: str, label: str, room: int) -> Iterator[Text]:
    """The label stands behind the carets where there is room for it."""
    from rich.cells import cell_len

    carets = " " * line.before + "^" * line.marked
    if len(carets) + 1 + cell_len(label) <= room:
        carets, label = f"{carets} {label}".rstrip(), ""
    if carets:
        yield to_rich(empty) + to_rich(carets, _BAD)
    if label:
        yield to_rich(label, _BAD)


def _operands(finding: Finding) -> RenderableType:
    from rich.table import Table

    table = Table.grid(padding=(0, GAP, 0, 0))
    for _ in range(2):
        table.add_column(overflow="fold")
    for expression, what in finding.operands:
        table.add_row(to_rich(words.one_line(expression)), to_rich(f"is {what}", "dim"))
    return _indented(table)


def _fix(finding: Finding, console: Console) -> RenderableType:
    """The sign in a column of its own, so that it is seen how far a line goes that has to be broken."""
    from rich.table import Table

    encoding = _encoding(console)
    table = Table.grid()
    table.add_column(width=1)
    table.add_column(overflow="fold")
    for kind, sign, text in words.fix_lines(finding):
        style = _STYLES[kind]
        table.add_row(to_rich(sign, style), to_rich(shown_line(text, encoding).text, style))
    return table


def _encoding(console: Console) -> str:
    """Of what the text is printed to in the end."""
    return encoding_ahead() or console.encoding
