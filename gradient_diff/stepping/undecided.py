"""A comparison in which a choice was left open that would explain the hand: it convicts nobody."""

from __future__ import annotations

from dataclasses import replace

from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.result.status import Meaning, Status


def undecided(diff: GradientDiff, reason: str, cure: str, every: bool = False) -> GradientDiff:
    """Rows that accuse are `INCONCLUSIVE`, or `every` one that is judged by values; `cure` is what settles it."""

    def opened(row: Row) -> Row:
        unproved = row.status.bad or (every and row.status is Status.MATCH)
        return replace(row, status=Status.INCONCLUSIVE, reason=reason, by_sigma=False) if unproved else row

    meanings = {Status.INCONCLUSIVE: Meaning(reason, cure)}
    rows = tuple(map(opened, diff.rows))
    return replace(diff, rows=rows, causes=(), unexplained="", smallest=None, meanings=meanings)
