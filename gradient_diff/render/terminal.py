"""A GradientDiff for the terminal: headline, rows, causes, matrix ledger, and what to do about each bad row."""

from __future__ import annotations

import io
import itertools
import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gradient_diff.ledger.ledger import LedgerLine
from gradient_diff.render.causes import heading, name, notes, sentence, sides
from gradient_diff.render.columns import COLUMNS, Column
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.wording import mark, printable, tone

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, RenderableType
    from rich.table import Table
    from rich.text import Text

_STYLES = {"good": "green", "bad": "bold red", "open": "yellow"}
_EQUATIONS = {"written": "red", "right": "green"}
_GAP = 2  # spaces between columns
_NARROWEST_NAME = 24


def to_text(diff: GradientDiff, width: int | None = None, *, ledger: bool = True) -> str:
    """The diff as plain text, without colour.

    Args:
        diff: the comparison.
        width: columns to fill; None for the terminal's, or 100 where there is none.
        ledger: whether the matrix ledger is part of it.

    Returns:
        The text, without trailing spaces.

    Raises:
        ValueError: a width below 40.

    Example:
        >>> import numpy as np
        >>> from gradient_diff import compare
        >>> print(to_text(compare({"w": np.ones(2)}, {"w": np.ones(2)}), width=80))
        ✓ MATCH: the difference is no larger than rounding explains (1 of 1 rows)
        hand: given arrays · reference: given arrays
        <BLANKLINE>
        node  shape  relative L2  max |diff|  at   hand  reference  scale  status
        ──────────────────────────────────────────────────────────────────────────
        w     (2,)             0           0  [0]     1          1      1  ✓ MATCH
    """
    from rich.console import Console

    width = shutil.get_terminal_size((100, 24)).columns if width is None else width
    if width < 40:
        raise ValueError(f"to_text(width={width}): expected at least 40 columns.")
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, legacy_windows=False)
    print_diff(diff, console, ledger=ledger)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip()


def print_diff(diff: GradientDiff, console: Console | None = None, *, ledger: bool = True) -> None:
    """Print the diff, coloured where the console can.

    Args:
        diff: the comparison.
        console: a rich Console; None for one on the standard output.
        ledger: whether the matrix ledger is part of it.

    Example:
        >>> import numpy as np
        >>> from rich.console import Console
        >>> from gradient_diff import compare
        >>> print_diff(compare({"w": np.zeros(1)}, {"w": np.zeros(1)}), Console(width=90))  # doctest: +ELLIPSIS
        ? VACUOUS: both are zero or lost in rounding noise: proves nothing (1 of 1 rows)
        ...
    """
    from rich.console import Console

    console = console or Console()
    for part in _parts(diff, console.width, ledger):
        console.print(part, soft_wrap=False, highlight=False)


def _parts(diff: GradientDiff, width: int, ledger: bool) -> Iterator[RenderableType]:
    yield _text(f"{mark(diff.verdict)} {diff.headline()}", _style(diff.verdict))
    if diff.remark:
        yield _text(diff.remark, "")
    yield _text(_about(diff), "dim")
    yield ""
    yield _rows(diff.rows, width)
    if judges := _judges(diff.rows):
        yield _text(judges, "dim")
    yield from _causes(diff)
    if ledger and diff.ledger:
        yield _text("\nMatrix ledger", "bold")
        yield _ledger(diff.ledger, width)
    yield from _reasons(diff)


def _causes(diff: GradientDiff) -> Iterator[RenderableType]:
    """What is wrong, best explanation first, with the equation as written above the right one."""
    from rich.padding import Padding
    from rich.table import Table

    if not heading(diff):
        return
    yield _text(f"\n{heading(diff)}", "bold")
    for place, cause in enumerate(diff.causes, 1):
        yield Padding(_text(f"{place}. {name(cause)}", "yellow" if cause.convention else "bold red"), (0, 0, 0, _GAP))
        yield Padding(_text(sentence(cause.message), ""), (0, 0, 0, _GAP + 3))
        if sides(cause):
            table = Table.grid(padding=(0, _GAP, 0, 0))
            for label, equation in sides(cause):
                table.add_row(_text(label, "dim"), _text(equation, _EQUATIONS.get(label, "yellow")))
            yield Padding(table, (0, 0, 0, _GAP + 3))
        for note in notes(cause):
            yield Padding(_text(note, "dim"), (0, 0, 0, _GAP + 3))
    if diff.unexplained:
        yield Padding(_text(diff.unexplained, ""), (0, 0, 0, _GAP))


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
    others = sum(_width(c, rows) + _GAP for c in columns[1:])
    limits = [max(width - others, _GAP), *[None] * (len(columns) - 1)]  # only the name is ever cut
    table = _table()
    for column, limit in zip(columns, limits, strict=True):
        side: JustifyMethod = "right" if column.numeric else "left"
        table.add_column(column.title, justify=side, no_wrap=True, overflow="ellipsis", max_width=limit)
    for row in rows:
        table.add_row(*[_text(c.cell(row), _style(row.status) if c.title == "status" else "") for c in columns])
    return table


def _fitting(columns: Sequence[Column], rows: Sequence[Row], width: int) -> Sequence[Column]:
    """The columns that fit, the least important dropped first; the name may be cut down to _NARROWEST_NAME.

    A column in which nothing is known takes no space.
    """
    columns = [c for c in columns if c.rank == 0 or not rows or any(c.cell(row) != "–" for row in rows)]
    for limit in sorted({c.rank for c in columns}, reverse=True):
        kept = [c for c in columns if c.rank <= limit]
        needed = [_width(c, rows) for c in kept]
        if sum(needed) + _GAP * (len(kept) - 1) - max(needed[0] - _NARROWEST_NAME, 0) <= width:
            return kept
    return [c for c in columns if c.rank == 0]


def _width(column: Column, rows: Sequence[Row]) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, [column.title, *(column.cell(row) for row in rows)]))


def _ledger(lines: Sequence[LedgerLine], width: int) -> Table:
    """One line per equation where all fit; where the terminal is too narrow, the shapes stand below the formula."""
    from rich.cells import cell_len

    cells = [(x.layer, x.formula, x.shapes, x.counterpart, "fits" if x.fits else f"✗ {x.clash}") for x in lines]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    if sum(widths) + _GAP * 4 > width:
        cells = [(a, f"{b}\n  {c}", "\n" + d, "\n" + e) for a, b, c, d, e in cells]  # type: ignore[misc]  # four cells
    table = _table(head=False)
    for line, row in zip(lines, cells, strict=True):
        style = _STYLES["good" if line.fits else "bad"]
        table.add_row(*[_text(cell, "") for cell in row[:-1]], _text(row[-1], style))
    return table


def _reasons(diff: GradientDiff) -> Iterator[RenderableType]:
    from rich.padding import Padding

    not_match = sorted((row for row in diff.rows if not row.status.ok), key=lambda row: list(Status).index(row.status))
    for status, group in itertools.groupby(not_match, key=lambda row: row.status):
        said = diff.meaning(status)
        yield _text(f"\n{mark(status)} {status.name}: {said.message}. {said.advice}", _style(status))
        for line in _lines_of(list(group)):
            yield Padding(_text(line, ""), (0, 0, 0, _GAP))


def _lines_of(rows: Sequence[Row]) -> Iterator[str]:
    """Each reason once, with the rows that share it; of those downstream only the names."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        reasons.setdefault("downstream" if row.downstream else row.reason, []).append(printable(row.name))
    for reason, names in reasons.items():
        yield f"{', '.join(names)}: {reason}"


def _table(head: bool = True) -> Table:
    from rich import box
    from rich.table import Table

    return Table(
        box=box.SIMPLE_HEAD if head else None,
        padding=(0, _GAP - 1 if head else _GAP, 0, 0),  # the box brings one space itself
        show_edge=False,
        pad_edge=False,
        show_header=head,
        header_style="bold",
    )


def _text(text: str, style: str) -> Text:
    """Text, never markup or control characters: a name such as [red] means nothing."""
    from rich.text import Text

    return Text("\n".join(map(printable, text.split("\n"))), style)


def _style(status: Status) -> str:
    return _STYLES[tone(status)]
