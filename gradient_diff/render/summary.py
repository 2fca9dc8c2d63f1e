"""Many comparisons with one reference in one table: a line per file, also for one that could not be read."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from gradient_diff.render.causes import name as cause_name
from gradient_diff.render.causes import sentence
from gradient_diff.render.markdown import table
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.status import Status
from gradient_diff.wording import mark, printable, tone

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

UNREADABLE = "UNREADABLE"
_STYLES = {"good": "green", "bad": "bold red", "open": "yellow"}
_LONGEST_NAME = 40
_ROOM_FOR_CAUSE = 24  # below that a sentence becomes a column of single words
_TITLES = ("file", "verdict", "culprit", "cause")


@dataclass(frozen=True)
class SummaryLine:
    """What came of one file.

    Attributes:
        file: its name.
        verdict: a `Status` by name, or UNREADABLE.
        culprit: the first bad node; empty where there is none.
        cause: the best explanation in a few words.
        message: the best explanation in full; of an unreadable file why it is.
        report: where the report is, if one was written.

    Example:
        >>> SummaryLine("a.npz", "MATCH").status.name, SummaryLine("b.npz", UNREADABLE).status is None
        ('MATCH', True)
    """

    file: str
    verdict: str
    culprit: str = ""
    cause: str = ""
    message: str = ""
    report: str = ""

    @property
    def status(self) -> Status | None:
        """The verdict; None where there is none."""
        return Status.__members__.get(self.verdict)


def summary_line(file: str, diff: GradientDiff, report: str = "") -> SummaryLine:
    """The line of a comparison.

    Args:
        file: the name of the hand side.
        diff: the comparison.
        report: where its report is.

    Returns:
        The line.

    Example:
        >>> import numpy as np
        >>> from gradient_diff import compare
        >>> line = summary_line("anna.npz", compare({"w": -np.ones(2)}, {"w": np.ones(2)}, rtol=1e-6))
        >>> line.verdict, line.culprit, line.cause
        ('DIFFERENT', 'w', 'The sign is turned round (sign)')
    """
    if diff.causes:
        cause, message = cause_name(diff.causes[0]), sentence(diff.causes[0].message)
    elif diff.unexplained:
        cause, message = diff.unexplained.partition(". ")[0], diff.unexplained
    elif diff.verdict in (Status.SHAPE, Status.MISSING, Status.NONFINITE):
        cause = next(row.reason for row in diff.rows if row.status is diff.verdict)
        message = f"{cause}. {diff.meaning(diff.verdict).advice}"
    else:
        cause, message = "", "" if diff.ok else diff.meaning(diff.verdict).message
    return SummaryLine(file, diff.verdict.name, diff.culprit or "", cause, message, report)


def unreadable(file: str, reason: str) -> SummaryLine:
    """The line of a file that could not be read or compared.

    Args:
        file: its name.
        reason: why, and how to mend it.

    Returns:
        The line.

    Example:
        >>> unreadable("b.npz", "it is empty").verdict
        'UNREADABLE'
    """
    return SummaryLine(file, UNREADABLE, message=reason)


def summary_to_csv(lines: Sequence[SummaryLine]) -> str:
    r"""One line per file, with all that is known; control characters are spelled out.

    Args:
        lines: of the files.

    Returns:
        The text, with a head line and `\n` line ends. A cell that a spreadsheet would take for a formula begins with
        an apostrophe.

    Example:
        >>> print(summary_to_csv([SummaryLine("=1+1.npz", "MATCH")]), end="")
        file,verdict,culprit,cause,message,report
        '=1+1.npz,MATCH,,,,
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(f.name for f in fields(SummaryLine))
    writer.writerows([_cell(getattr(line, f.name)) for f in fields(SummaryLine)] for line in lines)
    return text.getvalue()


def _cell(text: str) -> str:
    plain = printable(text)
    return f"'{plain}" if plain.startswith(("=", "+", "-", "@")) else plain


def summary_from_csv(text: str) -> list[SummaryLine]:
    """The lines that `summary_to_csv` wrote; what it spelled out stays so, and is written again as it is.

    Args:
        text: with or without the mark that spreadsheets put before UTF-8.

    Returns:
        One line per file.

    Raises:
        ValueError: the columns are others, or a line is none of it.

    Example:
        >>> line = SummaryLine("a.npz", "MATCH")
        >>> summary_from_csv(summary_to_csv([line])) == [line]
        True
    """
    columns = [f.name for f in fields(SummaryLine)]
    head, *rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))) or [[]]
    if head != columns or any(len(row) != len(columns) for row in rows):
        raise ValueError(f"expected the columns {', '.join(columns)}, and as many cells in each line")
    return [SummaryLine(*row) for row in rows]


def summary_to_markdown(lines: Sequence[SummaryLine]) -> str:
    r"""The summary as a GitHub table.

    Args:
        lines: of the files.

    Returns:
        The text; whatever a name holds is shown and not interpreted.

    Example:
        >>> print(summary_to_markdown([SummaryLine("<b>.npz", "MATCH")]).splitlines()[2])
        | &lt;b&gt;.npz | ✓ MATCH |  |  |
    """
    cells = [(line.file, _verdict(line), line.culprit, line.cause) for line in lines]
    return "\n".join(table(_TITLES, [False] * len(_TITLES), cells)) + "\n"


def _verdict(line: SummaryLine) -> str:
    return f"{mark(line.status) if line.status else '?'} {line.verdict}"


def print_summary(lines: Sequence[SummaryLine], console: Console | None = None) -> None:
    """Print the summary, and how many files came to which verdict.

    Args:
        lines: of the files.
        console: a rich Console; None for one on the standard output.

    Example:
        >>> from rich.console import Console
        >>> print_summary([SummaryLine("a.npz", "MATCH")], Console(width=60))  # doctest: +NORMALIZE_WHITESPACE
        file   verdict  culprit  cause
        ──────────────────────────────
        a.npz  ✓ MATCH
        <BLANKLINE>
        1 file: 1 MATCH
    """
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = console or Console()
    console.print(_layout(lines, console.width), soft_wrap=False, highlight=False)
    if any(line.status is None for line in lines):
        console.print(Text(f"\n? {UNREADABLE}: not compared", _STYLES["open"]))
    for line in lines:
        if line.status is None:
            console.print(Padding(Text(_told(line)), (0, 0, 0, 2)))
    verdicts = [line.verdict for line in lines]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in [*Status.__members__, UNREADABLE] if v in verdicts)
    console.print(Text(f"\n{len(lines)} file{'s' * (len(lines) != 1)}: {counts}"))


def _layout(lines: Sequence[SummaryLine], width: int) -> Table:
    """Columns side by side where no name has to be broken for that, with long ones shortened if need be."""
    room = width - _widest([_verdict(line) for line in lines]) - _widest([printable(line.culprit) for line in lines])
    room -= 2 * (len(_TITLES) - 1) + _ROOM_FOR_CAUSE  # two columns between two cells
    names = [printable(line.file) for line in lines]
    if _widest(names) > room:
        names = [_short(name) for name in names]
    return _side_by_side(lines, names) if _widest(names) <= room else _stacked(lines, names)


def _widest(texts: Sequence[str]) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, texts), default=0)


def _side_by_side(lines: Sequence[SummaryLine], names: Sequence[str]) -> Table:
    from rich.text import Text

    drawn = _table(_TITLES, unbroken=_TITLES[:3])
    for line, name in zip(lines, names, strict=True):
        cells = Text(name), Text(_verdict(line), _style(line)), Text(printable(line.culprit))
        drawn.add_row(*cells, Text(printable(line.cause)))
    return drawn


def _stacked(lines: Sequence[SummaryLine], names: Sequence[str]) -> Table:
    """Beside the verdict the name, and below that what is off."""
    from rich.text import Text

    drawn = _table(("verdict", "file, culprit: cause"), unbroken=("verdict",))
    for line, name in zip(lines, names, strict=True):
        below = ": ".join(printable(text) for text in (line.culprit, line.cause) if text)
        drawn.add_row(Text(_verdict(line), _style(line)), Text("\n".join(filter(None, (name, below)))))
    return drawn


def _table(titles: Sequence[str], unbroken: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False, header_style="bold")
    for title in titles:
        drawn.add_column(title, overflow="fold", no_wrap=title in unbroken)
    return drawn


def _style(line: SummaryLine) -> str:
    return _STYLES[tone(line.status) if line.status else "open"]


def _short(plain: str) -> str:
    """A name that leaves room for the other columns; its end tells files apart."""
    return (
        plain if len(plain) <= _LONGEST_NAME else f"{plain[: _LONGEST_NAME // 2]}…{plain[-(_LONGEST_NAME // 2 - 1) :]}"
    )


def _told(line: SummaryLine) -> str:
    """Why, with the file's name once."""
    text = "\n".join(map(printable, line.message.split("\n")))
    return text if printable(line.file) in text else f"{printable(line.file)}: {text}"
