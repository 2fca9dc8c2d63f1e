"""A GradientDiff for the terminal: headline, rows, causes, matrix ledger, and what to do about each bad row."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from gradient_diff.ledger.ledger import LedgerLine
from gradient_diff.render.causes import equations_of, heading, located, notes, sentence, shown
from gradient_diff.render.code_terminal import code_parts
from gradient_diff.render.columns import COLUMNS, Column, row_sheet
from gradient_diff.render.ledgers import ledger_sheet
from gradient_diff.render.sheet import GAP, STYLES, to_plain, to_rich, to_table
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.wording import mark, printable, tone

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

_EQUATIONS = {"written": "red", "right": "green"}
_NARROWEST_NAME = 24


def to_text(diff: GradientDiff, width: int | None = None, *, ledger: bool = True) -> str:
    """The diff as plain text; ValueError of a width below 40."""
    if width is not None and width < 40:
        raise ValueError(f"to_text(width={width}): expected at least 40 columns.")
    return to_plain(partial(print_diff, ledger=ledger), diff, width)


def print_diff(diff: GradientDiff, console: Console | None = None, *, ledger: bool = True) -> None:
    """Print the diff, coloured where the console can."""
    from rich.console import Console

    console = console or Console()
    for part in _parts(diff, console, ledger):
        console.print(part, soft_wrap=False, highlight=False)


def _parts(diff: GradientDiff, console: Console, ledger: bool) -> Iterator[RenderableType]:
    yield to_rich(f"{mark(diff.outcome)} {diff.headline()}", _style(diff.outcome))
    if diff.remark:
        yield to_rich(diff.remark)
    yield to_rich(_about(diff), "dim")
    yield ""
    yield _rows(diff.rows, console.width)
    if judges := _judges(diff.rows):
        yield to_rich(judges, "dim")
    yield from _causes(diff)
    yield from code_parts(diff, console)
    if ledger and diff.ledger:
        yield to_rich("\nMatrix ledger", "bold")
        yield _ledger(diff.ledger, console.width)
    yield from _reasons(diff)


def _causes(diff: GradientDiff) -> Iterator[RenderableType]:
    """What is wrong, best explanation first, with the equation as written above the right one."""
    from rich.padding import Padding
    from rich.table import Table

    if not heading(diff):
        return
    yield to_rich(f"\n{heading(diff)}", "bold")
    for place, cause in enumerate(shown(diff), 1):
        style = "yellow" if cause.convention else "bold red"
        yield Padding(to_rich(f"{place}. {located(cause)}", style), (0, 0, 0, GAP))
        yield Padding(to_rich(sentence(cause.message)), (0, 0, 0, GAP + 3))
        if equations_of(cause):
            table = Table.grid(padding=(0, GAP, 0, 0))
            for label, equation in equations_of(cause):
                table.add_row(to_rich(label, "dim"), to_rich(equation, _EQUATIONS.get(label, "yellow")))
            yield Padding(table, (0, 0, 0, GAP + 3))
        for note in notes(cause):
            yield Padding(to_rich(note, "dim"), (0, 0, 0, GAP + 3))
    if diff.unexplained:
        yield Padding(to_rich(diff.unexplained), (0, 0, 0, GAP))


def _about(diff: GradientDiff) -> str:
    sides = f"hand: {diff.hand_origin} · reference: {diff.reference_origin}"
    problem = diff.problem
    if problem is None:
        return sides
    return f"{sides} · {problem.mlp.outline}, {problem.loss.name}, batch {problem.batch}, {problem.dtype.name}"


def _judges(rows: Sequence[Row]) -> str:
    """Who decided: a judge that decided some rows only is named with them."""
    spoke = {judge: [row.name for row in rows if row.judge == judge] for judge in dict.fromkeys(r.judge for r in rows)}
    for nobody in ("", "none", "bits"):  # names, shapes, finiteness and equality need no judge
        spoke.pop(nobody, None)
    if not spoke:
        return ""
    most = max(spoke, key=lambda judge: len(spoke[judge]))
    others = [f"{judge} ({', '.join(names)})" for judge, names in spoke.items() if judge != most]
    return "\nJudged by " + "; ".join([most, *others])


def _rows(rows: Sequence[Row], width: int) -> Table:
    columns = _fitting(COLUMNS, rows, width)
    others = sum(_width(c, rows) + GAP for c in columns[1:])
    shown = row_sheet(rows, columns)
    return to_table(shown, whole=shown.titles, overflow="ellipsis", widest=max(width - others, GAP))  # the name is cut


def _fitting(columns: Sequence[Column], rows: Sequence[Row], width: int) -> Sequence[Column]:
    """The columns that fit, the least important dropped first; the name may be cut down to _NARROWEST_NAME.

    A column in which nothing is known takes no space.
    """
    columns = [c for c in columns if c.rank == 0 or not rows or any(c.cell(row) != "–" for row in rows)]
    for limit in sorted({c.rank for c in columns}, reverse=True):
        kept = [c for c in columns if c.rank <= limit]
        needed = [_width(c, rows) for c in kept]
        if sum(needed) + GAP * (len(kept) - 1) - max(needed[0] - _NARROWEST_NAME, 0) <= width:
            return kept
    return [c for c in columns if c.rank == 0]


def _width(column: Column, rows: Sequence[Row]) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, [column.title, *(column.cell(row) for row in rows)]))


def _ledger(lines: Sequence[LedgerLine], width: int) -> Table:
    """One line per equation where all fit; where the terminal is too narrow, the shapes stand below the formula."""
    from rich.cells import cell_len

    shown = ledger_sheet(lines)
    widths = [max(map(cell_len, column)) for column in zip(*shown.cells, strict=True)]
    if sum(widths) + GAP * 4 > width:
        stacked = tuple((a, f"{b}\n  {c}", "\n" + d, "\n" + e) for a, b, c, d, e in shown.cells)
        shown = replace(shown, titles=("layer", "equation", "must fit", "fits"), cells=stacked)
    return to_table(shown, head=False, overflow="ellipsis")


def _reasons(diff: GradientDiff) -> Iterator[RenderableType]:
    from rich.padding import Padding

    not_match = sorted((row for row in diff.rows if not row.status.ok), key=lambda row: list(Status).index(row.status))
    for status, group in itertools.groupby(not_match, key=lambda row: row.status):
        said = diff.meaning(status)
        yield to_rich(f"\n{mark(status)} {status.name}: {said.message}. {said.advice}", _style(status))
        for line in _lines_of(list(group)):
            yield Padding(to_rich(line), (0, 0, 0, GAP))


def _lines_of(rows: Sequence[Row]) -> Iterator[str]:
    """Each reason once, with the rows that share it; of those downstream only the names."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        reasons.setdefault("downstream" if row.downstream else row.reason, []).append(printable(row.name))
    for reason, names in reasons.items():
        yield f"{', '.join(names)}: {reason}"


def _style(status: Status) -> str:
    return STYLES[tone(status)]
