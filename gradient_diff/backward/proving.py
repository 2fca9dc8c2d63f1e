"""The row of a comparison, looked at again: is something proved at all, and is it more than a kink?"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto

import numpy as np

from gradient_diff.backward.at_dtype import AtDtype
from gradient_diff.backward.directions import Direction, entry_direction, jump_along, sided_derivatives
from gradient_diff.judging.zeros import lost_words
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from manual_mlp import Array

MOST_KINKS = 8  # entries of one row, the worst and as many at random, at which both sides are looked at
FLAT = (
    "the values do not change near the point, but do from afar: as those of a step function, whose derivative is 0, "
    "or as those of a coarse computation"
)


class Place(Enum):
    """What the function is like where its two gradients differ."""

    SMOOTH = auto()
    BETWEEN = auto()  # at a kink, both between its two slopes
    JUMP = auto()  # the same where the values jump
    MIXED = auto()  # over kinks that hide what is right
    UNKNOWN = auto()


def proved_row(at: AtDtype, name: str) -> Row:
    """The row of one name, as `compare` made it, looked at again."""
    assert at.diff is not None
    row = next(r for r in at.diff.rows if r.name == name)
    if row.status is Status.MATCH or (row.status is Status.VACUOUS and np.any(at.hand[name])):
        row = _proved(at, row)
    if row.status is Status.DIFFERENT and name in at.derivatives:
        row = replace(row, status=Status.MISMATCH)  # the values are the definition, and no third is needed
    if row.status in (Status.MISMATCH, Status.DIFFERENT, Status.REFERENCE_OFF) and name in at.subject.point:
        row = _smooth(at, row)
    return row


def _proved(at: AtDtype, row: Row) -> Row:
    if lost := _lost(at, row.name):
        return replace(row, status=lost[0], reason=lost[1])
    missing = [d.place for d in at.derivatives[row.name].unknown] if row.name in at.derivatives else []
    if missing:
        reason = f"{row.reason}; but the values gave no derivative by {', '.join(dict.fromkeys(missing))}"
        return replace(row, status=Status.INCONCLUSIVE, reason=reason)
    return row


def _lost(at: AtDtype, name: str) -> tuple[Status, str] | None:
    """Where zeros would have passed, too."""
    if name not in at.noise.sigma or name not in at.subject.point:
        return None
    size, limit = np.abs(np.asarray(at.reference[name], np.float64)), at.limit(name)
    if (size > limit).any():
        return None
    error = at.derivatives[name].error if name in at.derivatives else np.zeros(1)
    if not size.any() and error.any() and np.any(at.hand[name]):
        return Status.INCONCLUSIVE, FLAT
    if 2 * error.max() > limit.max():  # √2 of it is in the limit
        words = f"Ridders' error, {error.max():.1e}, is as large as the gradient, {size.max():.1e}"
        return Status.INCONCLUSIVE, f"{words}: zeros would pass too"
    return Status.VACUOUS, lost_words(size)


def _smooth(at: AtDtype, row: Row) -> Row:
    """KINK if at all that is off the derivatives from left and right differ, and both sides are between them."""
    hand, reference = (
        np.asarray(a, np.float64) for a in (at.read(row.name, at.hand[row.name]), at.reference[row.name])
    )
    limit = at.limit(row.name)
    off = np.abs(hand - reference) > limit
    places = []
    for index in _worst_and_some(off, hand - reference):
        places.append(_place(at, row.name, index, (hand[index], reference[index], limit[index])))
        if places[-1] is Place.SMOOTH:
            return row
    if not places:
        return row
    if set(places) <= {Place.BETWEEN, Place.JUMP}:
        what = "jump" if Place.JUMP in places else "have a kink"
        words = f"the values {what} at {int(off.sum())} places, and both sides are between the two slopes there"
        return replace(row, status=Status.KINK, reason=f"{row.reason}; {words}")
    words = "the values have kinks there, which hide what is right; move the data a little"
    if Place.UNKNOWN in places:
        words = "no derivative was found there: the values have none, or not within reach of a step"
    return replace(row, status=Status.INCONCLUSIVE, reason=f"{row.reason}; {words}")


def _worst_and_some(off: Array, difference: Array) -> list[tuple[int, ...]]:
    order = np.argsort(-np.abs(np.where(off, difference, 0.0)), axis=None, kind="stable")[: int(off.sum())]
    worst, rest = order[:MOST_KINKS], order[MOST_KINKS:]
    some = np.random.default_rng(0).permutation(rest)[:MOST_KINKS]
    return [tuple(int(i) for i in np.unravel_index(k, off.shape)) for k in (*worst, *some)]


def _place(at: AtDtype, name: str, index: tuple[int, ...], entries: tuple[float, float, float]) -> Place:
    """What is there; `entries` are both sides' and the largest difference that is explained."""
    hand, reference, limit = entries
    direction = _direction(at, name, index)
    jump = None if name in at.derivatives else jump_along(at.subject, name, at.cotangents, direction)
    below, above = sided_derivatives(at.subject, name, at.cotangents, direction, jump)
    if not below.known or not above.known:
        return Place.UNKNOWN
    if below.agrees(above) and jump is None:
        # In float32 no step is so small that a kink beside it could not mislead the central differences.
        near = all(abs(hand - d.value) <= d.error + limit for d in (below, above))
        misled = near and name in at.derivatives and at.subject.dtype != "float64"
        return Place.MIXED if misled else Place.SMOOTH
    low, high = sorted((below, above), key=lambda d: d.value)
    sides = (hand,) if name in at.derivatives else (hand, reference)
    if all(low.value - low.error - limit <= side <= high.value + high.error + limit for side in sides):
        return Place.BETWEEN if jump is None else Place.JUMP
    return Place.SMOOTH if direction.entry else Place.MIXED


def _direction(at: AtDtype, name: str, index: tuple[int, ...]) -> Direction:
    if name in at.derivatives and not at.derivatives[name].whole:
        return at.derivatives[name].directions[index[0]]
    return entry_direction(np.asarray(at.subject.point[name], np.float64), index)
