"""Many comparisons with one reference in one table: a line per file, also for one that could not be read."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from gradient_diff.render.causes import name as cause_name
from gradient_diff.render.causes import sentence
from gradient_diff.render.code_words import findings_of
from gradient_diff.render.sheet import GAP, STYLES, Sheet, to_csv, to_markdown, to_rich, to_table
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.status import Status
from gradient_diff.wording import mark, printable, tone

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

UNREADABLE = "UNREADABLE"
_LONGEST_NAME = 40
_ROOM_FOR_CAUSE = 24  # below that a sentence becomes a column of single words
_TITLES = ("file", "verdict", "culprit", "line", "cause")


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
        unproved: the rows that prove nothing, by name.
        line: the first line of code that is to blame, as `net.py:33`; empty where none is known.
        mistake: the identity of the best explanation, as `explain` takes it; empty where there is none.
        letter: where the letter to its author is, if one was written.
    """

    file: str
    verdict: str
    culprit: str = ""
    cause: str = ""
    message: str = ""
    report: str = ""
    unproved: str = ""
    line: str = ""
    mistake: str = ""
    letter: str = ""

    @property
    def status(self) -> Status | None:
        """The verdict; None where there is none."""
        return Status.__members__.get(self.verdict)

    @property
    def outcome(self) -> Status | None:
        """Whose colour is shown: a MATCH of which not all is proved has that of what proves nothing."""
        return Status.VACUOUS if self.status is Status.MATCH and self.unproved else self.status


_FIELDS = tuple(f.name for f in fields(SummaryLine))
_FIRST_FIELDS = 6  # of version 0.1; each later version has some more behind them


def summary_line(file: str, diff: GradientDiff, report: str = "") -> SummaryLine:
    """The line of a comparison."""
    if diff.causes:
        cause, message = cause_name(diff.causes[0]), sentence(diff.causes[0].message)
    elif diff.unexplained:
        cause, message = diff.unexplained.partition(". ")[0], diff.unexplained
    elif diff.verdict in (Status.SHAPE, Status.MISSING, Status.NONFINITE):
        cause = next(row.reason for row in diff.rows if row.status is diff.verdict)
        message = f"{cause}. {diff.meaning(diff.verdict).advice}"
    else:
        cause, message = "", "" if diff.ok else diff.meaning(diff.outcome).message
    unproved, line, mistake = "; ".join(diff.unproved), _line_of(diff), diff.causes[0].id if diff.causes else ""
    return SummaryLine(file, diff.verdict.name, diff.culprit or "", cause, message, report, unproved, line, mistake)


def _line_of(diff: GradientDiff) -> str:
    """That of the first cause, or of the first finding."""
    told = [cause.finding for cause in diff.causes[:1] if cause.finding] + [*findings_of(diff)]
    return told[0].place if told else ""


def unreadable(file: str, reason: str) -> SummaryLine:
    """The line of a file that could not be read or compared, and how to mend it."""
    return SummaryLine(file, UNREADABLE, message=reason)


def summary_to_csv(lines: Sequence[SummaryLine]) -> str:
    """One line per file, with all that is known."""
    return to_csv(Sheet(_FIELDS, tuple(tuple(getattr(line, name) for name in _FIELDS) for line in lines)))


def summary_from_csv(text: str) -> list[SummaryLine]:
    """The lines that `summary_to_csv` wrote; what it spelled out stays so, and is written again as it is.

    The mark that spreadsheets put before UTF-8 may stand before it; the last columns are missing where an earlier
    version wrote it, and other columns are a ValueError.
    """
    head, *rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))) or [[]]
    known = [_FIELDS[:count] for count in range(_FIRST_FIELDS, len(_FIELDS) + 1)]
    if tuple(head) not in known or any(len(row) != len(head) for row in rows):
        raise ValueError(f"expected the columns {', '.join(_FIELDS)}, and as many cells in each line")
    return [SummaryLine(*row) for row in rows]


def summary_to_markdown(lines: Sequence[SummaryLine]) -> str:
    """The summary as a GitHub table."""
    return "\n".join(to_markdown(_side_by_side(lines, [line.file for line in lines]))) + "\n"


def _verdict(line: SummaryLine) -> str:
    lost = f", {line.unproved.count('; ') + 1} unproved" if line.unproved else ""
    return f"{mark(line.outcome) if line.outcome else '?'} {line.verdict}{lost}"


def print_summary(lines: Sequence[SummaryLine], console: Console | None = None) -> None:
    """Print the summary, and how many files came to which verdict."""
    from rich.console import Console
    from rich.padding import Padding

    console = console or Console()
    console.print(_layout(lines, console.width), soft_wrap=False, highlight=False)
    if any(line.status is None for line in lines):
        console.print(to_rich(f"\n? {UNREADABLE}: not compared", STYLES["open"]))
    for line in lines:
        if line.status is None:
            console.print(Padding(to_rich(_told(line)), (0, 0, 0, GAP)))
    verdicts = [line.verdict for line in lines]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in [*Status.__members__, UNREADABLE] if v in verdicts)
    lost = sum(line.outcome is not line.status for line in lines)
    unproved = f"; {lost} MATCH with rows that prove nothing" if lost else ""
    console.print(to_rich(f"\n{len(lines)} file{'s' * (len(lines) != 1)}: {counts}{unproved}"))


def _layout(lines: Sequence[SummaryLine], width: int) -> Table:
    """Columns side by side where no name has to be broken for that, with long ones shortened if need be."""
    titles = _titles(lines)
    room = width - _widest([_verdict(line) for line in lines]) - _widest([printable(line.culprit) for line in lines])
    room -= _widest([printable(line.line) for line in lines]) + GAP * (len(titles) - 1) + _ROOM_FOR_CAUSE
    names = [printable(line.file) for line in lines]
    if _widest(names) > room:
        names = [_short(name) for name in names]
    if _widest(names) <= room:
        return to_table(_side_by_side(lines, names), whole=titles[:-1])
    return to_table(_stacked(lines, names), whole=("verdict",))


def _widest(texts: Sequence[str]) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, texts), default=0)


def _titles(lines: Sequence[SummaryLine]) -> tuple[str, ...]:
    """The column of lines takes no space where none is known."""
    return tuple(title for title in _TITLES if title != "line" or any(line.line for line in lines))


def _side_by_side(lines: Sequence[SummaryLine], names: Sequence[str]) -> Sheet:
    titles = _titles(lines)
    every = [
        {"file": name, "verdict": _verdict(line), "culprit": line.culprit, "line": line.line, "cause": line.cause}
        for name, line in zip(names, lines, strict=True)
    ]
    cells = tuple(tuple(cells[title] for title in titles) for cells in every)
    return Sheet(titles, cells, (), tuple(map(_tone, lines)), "verdict")


def _stacked(lines: Sequence[SummaryLine], names: Sequence[str]) -> Sheet:
    """Beside the verdict the name, and below that what is off, and on which line."""
    off = [": ".join(printable(text) for text in (line.culprit, line.cause) if text) for line in lines]
    below = [" · ".join(filter(None, (printable(line.line), text))) for line, text in zip(lines, off, strict=True)]
    texts = ["\n".join(filter(None, both)) for both in zip(names, below, strict=True)]
    cells = tuple(zip(map(_verdict, lines), texts, strict=True))
    return Sheet(("verdict", "file, culprit: cause"), cells, (), tuple(map(_tone, lines)), "verdict")


def _tone(line: SummaryLine) -> str:
    return tone(line.outcome) if line.outcome else "open"


def _short(plain: str) -> str:
    """A name that leaves room for the other columns; its end tells files apart."""
    return (
        plain if len(plain) <= _LONGEST_NAME else f"{plain[: _LONGEST_NAME // 2]}…{plain[-(_LONGEST_NAME // 2 - 1) :]}"
    )


def _told(line: SummaryLine) -> str:
    """Why, with the file's name once."""
    text = "\n".join(map(printable, line.message.split("\n")))
    return text if printable(line.file) in text else f"{printable(line.file)}: {text}"
