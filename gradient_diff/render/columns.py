"""The columns in which people read rows, in every rendering. A new column is one more record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gradient_diff.render.sheet import Sheet
from gradient_diff.result.row import Row
from gradient_diff.wording import entry, index, mark, near_one, number, printable, shapes, sigmas, tone


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: its head.
        cell: the text of a row.
        rank: where space is short, columns go in descending order of it, equal ones together; 0 stays.
        explanation: one line for the page's "how to read".
        numeric: aligned to the right.
    """

    title: str
    cell: Callable[[Row], str]
    rank: int
    explanation: str
    numeric: bool = True


def _metric(name: str, write: Callable[[Any], str]) -> Callable[[Row], str]:
    return lambda row: "–" if row.metrics is None else write(getattr(row.metrics, name))


def _shapes(row: Row) -> str:
    return shapes(row.shape_hand, row.shape_reference)


def _status(row: Row) -> str:
    follows = " (downstream)" if row.downstream else ""
    return f"{mark(row.status)} {row.status.name}{follows}"


def _distance(row: Row) -> str:
    return "–" if row.distance is None else sigmas(row.distance)


def _isolated(row: Row) -> str:
    sides = (row.isolated_hand, row.isolated_reference)
    return "–" if sides == (None, None) else " ".join("–" if s is None else sigmas(s) for s in sides)


COLUMNS: tuple[Column, ...] = (
    Column("node", lambda row: printable(row.name), 0, "the array compared, in the order of the computation", False),
    Column("shape", _shapes, 1, "of both sides, or hand ≠ reference", False),
    Column("relative L2", _metric("relative_l2", number), 0, "‖hand − reference‖ / ‖reference‖, over the whole array"),
    Column("max |diff|", _metric("max_abs_difference", number), 3, "the largest difference of any one entry"),
    Column("at", _metric("worst_index", index), 4, "the index of that entry", False),
    Column("hand", _metric("worst_hand", entry), 5, "the derivation's value there"),
    Column("reference", _metric("worst_reference", entry), 5, "the reference's value there"),
    Column("needs rtol", _metric("needed_rtol", number), 7, "the smallest relative tolerance that would have passed"),
    Column("cosine", _metric("cosine", near_one), 8, "1 where both point the same way; blind to a wrong factor"),
    Column("scale", _metric("scale", near_one), 6, "the factor of the reference that fits the hand side best"),
    Column("σ", _distance, 1, "the largest difference as it ran, in units of its rounding; 16 pass"),
    Column("own σ", _isolated, 2, "hand and reference, each by its own equation on its own operands; 16 pass"),
    Column("judge", lambda row: printable(row.judge) or "–", 8, "what decided the status", False),
    Column("status", _status, 0, "the judgement of this row", False),
)


def row_sheet(rows: Iterable[Row], columns: Sequence[Column] = COLUMNS) -> Sheet:
    """The rows for eyes."""
    rows, numeric = list(rows), tuple(column.title for column in columns if column.numeric)
    cells = tuple(tuple(column.cell(row) for column in columns) for row in rows)
    return Sheet(tuple(c.title for c in columns), cells, numeric, tuple(tone(row.status) for row in rows), "status")
