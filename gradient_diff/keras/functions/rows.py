"""A row for everything that is checked of a function: outputs, inputs, weights, and what cannot be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gradient_diff.keras.functions.meanings import SKIPPED, other_function
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status

if TYPE_CHECKING:
    from gradient_diff.keras.functions.checks import Check

OPEN = (Status.VACUOUS, Status.INCONCLUSIVE)
UNSTEADY = (
    "two runs on the same arrays differ by more than the order of a sum explains. "
    "Freeze the seed: only a function of its inputs has a gradient"
)


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a check.

    Attributes:
        check: what is known of both sides.
    """

    check: Check

    @property
    def all(self) -> list[Row]:
        """In the order of the arguments, what has no place among them first."""
        return [*self._skipped(), *self._lost_outputs(), *_without_blame(self._judged_all())]

    def _judged_all(self) -> list[Row]:
        if self.check.unsteady:
            return [self._plain_row(n, Status.INCONCLUSIVE, UNSTEADY) for n in self.check.subject.point]
        if self.check.plain is None:
            return [self._row(n) for n in self.check.subject.point]
        return [*(self._row(n) for n in self.check.subject.outputs), *(self._row(n) for n in self.check.subject.point)]

    def _row(self, name: str) -> Row:
        size = (self.check.subject.point | self.check.subject.outputs)[name].size
        if not size:
            return self._plain_row(name, Status.VACUOUS, "the array is empty")
        given = self.check.sides[0]
        if name not in given.reference:
            return self._unanswered(name)
        if name not in given.hand:
            return self._none(name)
        if name not in given.names:
            return self._misshapen(name)
        row = self._judged(name)
        return (
            replace(row, reason=f"{row.reason}; {self.check.answers[name].words} asked")
            if name in self.check.answers
            else row
        )

    def _judged(self, name: str) -> Row:
        """As it ran; in float64, where that says more."""
        finer = [sides.row(name) for sides in self.check.sides[1:] if name in sides.names]
        if finer and finer[0].status.bad:
            return replace(finer[0], reason=f"in float64: {finer[0].reason}")
        row = self.check.sides[0].row(name)
        if finer and row.status in OPEN and finer[0].status not in OPEN:
            return replace(finer[0], reason=f"in float64: {finer[0].reason}")
        if finer and row.status is finer[0].status is Status.MATCH:
            return replace(row, reason=f"{row.reason}; in float64: {finer[0].reason}")
        return row

    def _unanswered(self, name: str) -> Row:
        if self.check.plain is not None:
            return self._plain_row(name, Status.VACUOUS, "neither the function nor the reference depends on it")
        return self._plain_row(
            name,
            Status.INCONCLUSIVE,
            "no derivative was found: the values have none, or not within reach of a step",
        )

    def _none(self, name: str) -> Row:
        """The function says None: right, if nothing depends on it."""
        reference = np.asarray(self.check.sides[0].reference[name], np.float64)
        error = self.check.answers[name].error if name in self.check.answers else 0.0
        if (np.abs(reference) <= error).all():
            return self._plain_row(name, Status.VACUOUS, "its gradient is None, and the values do not depend on it")
        reason = (
            f"the gradient is None, but the values depend on it: the reference reaches {np.abs(reference).max():.3g}"
        )
        return replace(self._plain_row(name, Status.MISSING, reason), shape_hand=None)

    def _misshapen(self, name: str) -> Row:
        h = self.check.sides[0].hand[name]
        row = self._plain_row(name, Status.SHAPE, "")
        reason = f"the gradient has the shape {h.shape}, {name} has {row.shape_reference}; the tape says nothing"
        return replace(row, shape_hand=h.shape, reason=reason)

    def _plain_row(self, name: str, status: Status, reason: str) -> Row:
        array = (self.check.subject.point | self.check.subject.outputs)[name]
        return Row(name, name.rpartition("/")[0], "", array.dtype.name, array.shape, array.shape, status, reason)

    def _skipped(self) -> list[Row]:
        rows = []
        for name, why in self.check.subject.arguments.skipped.items():
            leaf = self.check.subject.arguments.leaves[name]
            shape = leaf.shape if isinstance(leaf, np.ndarray) else ()
            dtype = leaf.dtype.name if isinstance(leaf, np.ndarray) else type(leaf).__name__
            rows.append(Row(name, "inputs", "", dtype, shape, shape, Status.VACUOUS, f"{SKIPPED}{why}"))
        return rows

    def _lost_outputs(self) -> list[Row]:
        lost = {n: int((c == 0).sum()) for n, c in self.check.cotangents.items()}
        words = "of its values are NaN or Inf: they have no gradient to check"
        return [self._plain_row(n, Status.NONFINITE, f"{k} {words}") for n, k in lost.items() if k]


def _without_blame(rows: list[Row]) -> list[Row]:
    """Where the two are not the same function, neither one's gradient is off because the other's is another."""
    if not other_function(rows):
        return rows
    words = "the reference is another function"
    return [
        replace(row, status=Status.DIFFERENT, reason=f"{row.reason}; {words}")
        if row.status in (Status.REFERENCE_OFF, Status.DIFFERENT)
        else row
        for row in rows
    ]
