"""A row for everything that is checked of a function: outputs, inputs and weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradient_diff.backward.at_dtype import AtDtype
from gradient_diff.backward.evidence import Evidence
from gradient_diff.backward.jumping import over_jumps
from gradient_diff.backward.meanings import other_function
from gradient_diff.backward.modes import rows_of_modes
from gradient_diff.backward.proving import proved_row
from gradient_diff.backward.zeros import constant_in
from gradient_diff.diagnosis.idle import NO_PATH
from gradient_diff.judging.zeros import BY_STRUCTURE
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from manual_mlp import Array

OPEN = (Status.VACUOUS, Status.INCONCLUSIVE)
VALUES, GRADIENTS = "runs on the same arrays", "gradients of the same values by the same upstream"  # that differ


@dataclass(frozen=True, eq=False)
class Checked:
    """A row, and at which dtype its two arrays were compared, where they were."""

    row: Row
    at: AtDtype | None = None

    def saying(self, reason: str) -> Checked:
        return replace(self, row=replace(self.row, reason=reason))


def rows_of(evidence: Evidence) -> list[Checked]:
    """In the order of the arguments, what has no place among them first."""
    others = () if evidence.unsteady else (Checked(row) for row in rows_of_modes(evidence))
    found = [*_lost_outputs(evidence), *others, *_without_blame(_proved(evidence, _judged(evidence)))]
    order = evidence.subject.names
    return sorted(found, key=lambda c: order.index(c.row.name) if c.row.name in order else -1)


def idle_of(evidence: Evidence, rows: Iterable[Row]) -> list[str]:
    """Weights without a gradient that no value depends on."""
    weights = set(evidence.subject.weights) - evidence.as_run.hand.keys()
    return [row.name for row in rows if row.status is Status.VACUOUS and row.name in weights]


def _proved(evidence: Evidence, found: list[Checked]) -> list[Checked]:
    """A zero of any point is proved; unless it is that of a weight without effect, which is a mistake."""
    rows = [c.row for c in found if c.row.status is Status.VACUOUS]
    lost = {row.name for row in rows if row.name in evidence.subject.point and 0 not in (row.shape_reference or ())}
    fine, idle = evidence.fine or evidence.subject, set(idle_of(evidence, rows))
    always = constant_in(fine, lost - idle) if lost - idle and fine.dtype == "float64" else set()
    said: dict[str, Any] = {n: {"status": Status.MATCH, "reason": BY_STRUCTURE, "by_sigma": False} for n in always}
    said |= {n: {"reason": NO_PATH} for n in idle}
    return [replace(c, row=replace(c.row, **said.get(c.row.name, {}))) for c in found]


def _judged(evidence: Evidence) -> list[Checked]:
    if evidence.unsteady:
        subject = evidence.subject
        words = (VALUES, subject.freeze) if evidence.other_values else (GRADIENTS, subject.reset)
        reason = f"two {words[0]} differ by more than the order of a sum explains. {words[1]}"
        return [_plain(evidence, n, Status.INCONCLUSIVE, reason) for n in evidence.subject.point]
    outputs = () if evidence.plain is None else evidence.subject.outputs
    return [_checked(evidence, n) for n in (*outputs, *evidence.subject.point)]


def _checked(evidence: Evidence, name: str) -> Checked:
    if not evidence.arrays[name].size:
        return _plain(evidence, name, Status.VACUOUS, "the array is empty")
    found, asked = _looked_at(evidence, name), evidence.derivatives.get(name)
    if asked is None or not asked.jumps or found.row.status is Status.SHAPE:
        return found
    return replace(found, row=over_jumps(evidence.finest, found.row, asked.jumps))


def _looked_at(evidence: Evidence, name: str) -> Checked:
    as_run, asked = evidence.as_run, evidence.derivatives.get(name)
    hand = as_run.hand.get(name) if name in evidence.subject.point else None
    if hand is not None and not np.isfinite(np.asarray(hand, np.float64)).all():
        return _plain(evidence, name, Status.NONFINITE, _not_finite(hand))
    if name in as_run.hand and as_run.hand[name].shape != evidence.arrays[name].shape:
        return _misshapen(evidence, name)
    if name in evidence.subject.doubts:
        return _plain(evidence, name, Status.INCONCLUSIVE, evidence.subject.doubts[name])
    if name not in as_run.reference:
        return _unanswered(evidence, name)
    if name not in as_run.hand:
        return _none(evidence, name)
    found = _at_best(evidence, name)
    return found.saying(f"{found.row.reason}; {asked.words} asked") if asked else found


def _not_finite(gradient: Array) -> str:
    """How many entries of a gradient are no numbers, and the first of them."""
    lost = np.argwhere(~np.isfinite(np.asarray(gradient, np.float64)))
    return f"{len(lost)} of {gradient.size} entries of the gradient are NaN or Inf, the first at {lost[0].tolist()}"


def _at_best(evidence: Evidence, name: str) -> Checked:
    """As it ran; in float64, where that says more."""
    as_run, fine = evidence.as_run, evidence.in_float64
    finer = proved_row(fine, name) if fine is not None and name in fine.names else None
    if finer is None:
        return Checked(proved_row(as_run, name), as_run)
    in_float64 = f"in float64: {finer.reason}"
    if finer.status.bad:
        return Checked(replace(finer, reason=in_float64), fine)
    row = proved_row(as_run, name)
    if row.status in OPEN and finer.status not in OPEN:
        return Checked(replace(finer, reason=in_float64), fine)
    if row.status is finer.status is Status.MATCH:
        row = replace(row, reason=f"{row.reason}; {in_float64}")
    return Checked(row, as_run)


def _unanswered(evidence: Evidence, name: str) -> Checked:
    if evidence.plain is not None:
        return _plain(evidence, name, Status.VACUOUS, "neither the function nor the reference depends on it")
    reason = "no derivative was found: the values have none, or not within reach of a step"
    return _plain(evidence, name, Status.INCONCLUSIVE, reason)


def _none(evidence: Evidence, name: str) -> Checked:
    """The function says None: right, if nothing depends on it."""
    reference = np.asarray(evidence.as_run.reference[name], np.float64)
    error = evidence.derivatives[name].error if name in evidence.derivatives else 0.0
    if (np.abs(reference) <= error).all():
        return _plain(evidence, name, Status.VACUOUS, "its gradient is None, and the values do not depend on it")
    reason = f"the gradient is None, but the values depend on it: the reference reaches {np.abs(reference).max():.3g}"
    return Checked(replace(_plain(evidence, name, Status.MISSING, reason).row, shape_hand=None))


def _misshapen(evidence: Evidence, name: str) -> Checked:
    h = evidence.as_run.hand[name]
    row = _plain(evidence, name, Status.SHAPE, "").row
    reason = f"the gradient has the shape {h.shape}, {name} has {row.shape_reference}"
    return Checked(replace(row, shape_hand=h.shape, reason=reason))


def _plain(evidence: Evidence, name: str, status: Status, reason: str) -> Checked:
    array = evidence.arrays[name]
    return Checked(Row(name, name.rpartition("/")[0], "", array.dtype.name, array.shape, array.shape, status, reason))


def _lost_outputs(evidence: Evidence) -> list[Checked]:
    lost = {n: int((c == 0).sum()) for n, c in evidence.cotangents.items()}
    words = "of its values are NaN or Inf: they have no gradient to check"
    at = None if evidence.unsteady else evidence.as_run
    found = (_plain(evidence, n, Status.NONFINITE, f"{k} {words}") for n, k in lost.items() if k)
    return [replace(checked, at=at) for checked in found]


def _without_blame(found: list[Checked]) -> list[Checked]:
    """Where the two are not the same function, neither one's gradient is off because the other's is another."""
    if not other_function([c.row for c in found]):
        return found
    blamed = Status.REFERENCE_OFF, Status.DIFFERENT
    return [_of_another(c) if c.row.status in blamed else c for c in found]


def _of_another(checked: Checked) -> Checked:
    reason = f"{checked.row.reason}; the reference is another function"
    return replace(checked, row=replace(checked.row, status=Status.DIFFERENT, reason=reason))
