"""The ladder of a comparison: its rows in the order of the computation, runs of right ones folded beside a culprit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from gradient_diff.render.figures.panels import Drawn
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row

_SHORTEST = 3  # of a run of right rows that is folded
MOST = 250  # right rows that a page holds, and as many others; diff.csv has all
_TOLD = 80  # rows that are not right of which a page holds the worst entries


@dataclass(frozen=True)
class Rung:
    """A row, or a run of rows that is folded.

    Attributes:
        rows: one, or those of the run.
        folded: whether it is a run.
        left: how many more of the run are in diff.csv alone.
    """

    rows: tuple[Row, ...]
    folded: bool = False
    left: int = 0

    @property
    def words(self) -> str:
        """What a folded run is called."""
        if not self.rows:
            return f"{self.left} more arrays, which diff.csv holds"
        return f"{len(self.rows) + self.left} arrays match: {self.rows[0].name} … {self.rows[-1].name}"


def rungs(diff: GradientDiff) -> list[Rung]:
    """In order; only where something is off are right rows folded."""
    return list(_rungs(diff))


def _rungs(diff: GradientDiff) -> Iterator[Rung]:
    room = {True: MOST, False: MOST}
    for right, group in itertools.groupby(diff.rows, key=lambda row: row.status.ok):
        rows = tuple(group)
        shown, left = rows[: room[right]], len(rows) - len(rows[: room[right]])
        room[right] -= len(shown)
        if right and diff.culprit and len(rows) >= _SHORTEST and shown:
            yield Rung(shown, True, left)
            continue
        yield from (Rung((row,)) for row in shown)
        if left:
            yield Rung((), True, left)


def opened(diff: GradientDiff, drawn: Drawn) -> frozenset[str]:
    """The rows whose detail is open at once: the culprit, or of what is right every gradient of a parameter."""
    if diff.culprit:
        return frozenset({diff.culprit, *(row.name for row in diff.rows if row.status.bad and not row.downstream)})
    return frozenset(drawn)


def told(diff: GradientDiff, drawn: Drawn) -> frozenset[str]:
    """The rows whose worst entries and numbers stand in the ladder."""
    off = [row.name for row in diff.rows if not row.status.ok]
    return frozenset(off[:_TOLD] if diff.culprit else [*off, *drawn][:_TOLD])
