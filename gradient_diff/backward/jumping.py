"""A row of a function whose values jump at the point: its gradient there is held against the slopes on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradient_diff.backward.at_dtype import AtDtype
from gradient_diff.backward.directions import Jumping
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.witnesses.along_a_line import Estimate

SHARP = 0.25  # of the gap: slopes whose own error is larger convict nobody
MOST_LISTED = 3
JUMPS = "the values jump at {places}, where they have no derivative"


def over_jumps(at: AtDtype, row: Row, jumps: Sequence[Jumping]) -> Row:
    """The row of all else, with what is to be said of the places where the values jump."""
    if row.status.bad:
        return row
    words = JUMPS.format(places=_places([j for j in jumps if j.direction.entry] or jumps))
    off = [j for j in jumps if not _between(at, row.name, j)]
    convicted = [j for j in off if j.direction.entry and _clearly_off(at, row.name, j)]
    if convicted:
        words = f"{words}, and {_unlike(at, row.name, convicted[0])}"
        return replace(row, status=Status.MISMATCH, reason=words)
    if off:
        return replace(row, status=Status.INCONCLUSIVE, reason=f"{row.reason}; {words}, which hides what is right")
    return replace(row, status=Status.KINK, reason=f"{words}, and the gradient lies between the slopes on both sides")


def _places(jumps: Sequence[Jumping]) -> str:
    listed = list(dict.fromkeys(f"{j.direction.place}, {j.jump.side}" for j in jumps))
    more = f"; and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
    return "; ".join(listed[:MOST_LISTED]) + more


def _sides(jumping: Jumping) -> tuple[Estimate, Estimate]:
    low, high = sorted((jumping.below, jumping.above), key=lambda side: side.value)
    return low, high


def _between(at: AtDtype, name: str, jumping: Jumping) -> bool:
    """Whether the hand is one of the slopes on the sides that have one, or between them."""
    hand, limit = at.along(name, jumping.direction.vector)
    low, high = _sides(jumping)
    known = [side for side in (low, high) if side.known]
    if not known:
        return True  # nothing to hold it against
    return known[0].value - known[0].error - limit <= hand <= known[-1].value + known[-1].error + limit


def _clearly_off(at: AtDtype, name: str, jumping: Jumping) -> bool:
    hand, _ = at.along(name, jumping.direction.vector)
    return all(side.known and side.error <= SHARP * abs(hand - side.value) for side in _sides(jumping))


def _unlike(at: AtDtype, name: str, jumping: Jumping) -> str:
    hand, _ = at.along(name, jumping.direction.vector)
    return (
        f"at {jumping.direction.place} your gradient {hand:.6g} is not between the slopes "
        f"{jumping.below.value:.6g} and {jumping.above.value:.6g} on both sides"
    )
