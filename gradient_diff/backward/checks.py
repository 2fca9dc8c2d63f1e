"""The check itself: rows from the evidence, and the mistakes that explain those that are off."""

from __future__ import annotations

import numpy as np

from gradient_diff.backward.at_dtype import AtDtype
from gradient_diff.backward.causes import function_causes, not_linear
from gradient_diff.backward.evidence import Evidence
from gradient_diff.backward.meanings import meanings, other_function
from gradient_diff.backward.modes import notes_of_modes
from gradient_diff.backward.overwritten import overwritten_causes
from gradient_diff.backward.reenactment import reenacted_causes
from gradient_diff.backward.rows import OPEN, Checked, idle_of, rows_of
from gradient_diff.backward.singular import singular_causes
from gradient_diff.backward.statistics import statistics_causes
from gradient_diff.backward.surrogates import surrogate_causes
from gradient_diff.diagnosis.idle import without_effect
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from manual_mlp import Array

TURN = -2.0  # exact in every dtype, and of the other sign
FREEZE = "Let two runs be alike, as the row says, and check again."


def diff_of(evidence: Evidence, remarks: tuple[str, ...], cure: str) -> GradientDiff:
    """The whole check; `remarks` are what is to be said of the function, `cure` how to have more proved."""
    found = rows_of(evidence)
    rows = tuple(c.row for c in found)
    off = _off(evidence, rows)
    doubtful = (*_of_no_number(evidence, rows), *_of_what_is_flat(evidence, rows))
    causes = (*doubtful, *_causes(evidence, off), *without_effect(idle_of(evidence, rows)))
    title, plain, compiled = evidence.subject.title, evidence.plain, bool(evidence.subject.eagerly)
    return GradientDiff(
        rows,
        *_shown(found),
        _hand_origin(evidence, remarks),
        _reference_origin(evidence),
        causes=causes,
        unexplained=evidence.finest.unexplained if off and not causes else "",
        meanings=meanings(rows, plain is not None, compiled, FREEZE if evidence.unsteady else cure),
        notes=(evidence.subject.left_out, *notes_of_modes(evidence)),
        title=f"The gradient of {title} against {plain.title if plain else 'its values'}",
    )


def _shown(found: list[Checked]) -> tuple[dict[str, Array], dict[str, Array]]:
    """The arrays of the rows, as they were judged."""
    diffs = {c.row.name: c.at.diff for c in found if c.at is not None}
    compared = {n: d for n, d in diffs.items() if d is not None and n in d.hand}
    return {n: d.hand[n] for n, d in compared.items()}, {n: d.reference[n] for n, d in compared.items()}


def _off(evidence: Evidence, rows: tuple[Row, ...]) -> list[str]:
    """Gradients that are off by the function's own fault."""
    if evidence.unsteady or other_function(rows):
        return []
    blameless = Status.REFERENCE_OFF, Status.NONFINITE  # of NaN nothing is known
    own = (r for r in rows if r.status.bad and r.status not in blameless)
    return [r.name for r in own if r.name in evidence.subject.point]


def _of_no_number(evidence: Evidence, rows: tuple[Row, ...]) -> tuple[Cause, ...]:
    """What makes values or gradients NaN or infinite, told of the first array that is."""
    unknown = [n for n, d in evidence.derivatives.items() if d.unknown]
    lost = [r.name for r in rows if r.status is Status.NONFINITE or r.name in unknown]
    return singular_causes(lost[0], evidence.subject.singular) if lost and not evidence.unsteady else ()


def _of_what_is_flat(evidence: Evidence, rows: tuple[Row, ...]) -> tuple[Cause, ...]:
    """What stands for a derivative of 0, where that is too doubtful to convict."""
    if evidence.unsteady:
        return ()
    at = evidence.finest
    open_rows = [r.name for r in rows if r.status in OPEN and r.name in at.names and r.name in evidence.derivatives]
    flat = [n for n in open_rows if not np.any(at.reference[n])]
    found = _of_what_is_overwritten(at, flat)
    return (*found, *surrogate_causes(_unnamed(flat, list(found)), at))


def _of_what_is_overwritten(at: AtDtype, names: list[str]) -> tuple[Cause, ...]:
    found = at.subject.overwriting(at.cotangents) if names else None
    return () if found is None else overwritten_causes(names, at.hand, found, at.near, at.subject.terms)


def _causes(evidence: Evidence, names: list[str]) -> tuple[Cause, ...]:
    if not names:
        return ()
    at, shapes = evidence.finest, {n: a.shape for n, a in evidence.subject.point.items()}
    subject, hand = at.subject, {n: h for n, h in at.hand.items() if n in shapes}
    other = subject.gradients(subject.point, evidence.other.cotangents)
    found = list(_of_what_is_overwritten(at, names))
    found += surrogate_causes(_unnamed(names, found), at)
    rest = _unnamed(names, found)
    found += function_causes(rest, hand, shapes, other, at.fits, lambda name: _steady_factor(evidence, name))
    found += statistics_causes(_unnamed(names, found), at)
    found += reenacted_causes(_unnamed(names, found), at)
    grown = subject.gradients(subject.point, {n: TURN * c for n, c in evidence.cotangents.items()})
    return (*found, *not_linear(_unnamed(names, found), hand, grown, TURN, subject.terms))


def _steady_factor(evidence: Evidence, name: str) -> float:
    """What the hand has to be multiplied by, if that is a constant: the same for another cotangent."""
    factor, error = evidence.finest.factor(name)
    if not np.isfinite(factor):
        return factor
    again, its_error = evidence.other.finest.factor(name)
    return factor if abs(factor - again) <= error + its_error else float("nan")


def _unnamed(names: list[str], causes: list[Cause]) -> list[str]:
    named = {c.layer for c in causes}
    return [n for n in names if n not in named]


def _hand_origin(evidence: Evidence, remarks: tuple[str, ...]) -> str:
    second = "a second run is bit-equal" if evidence.repeats else "a second run differs in its last digits"
    return "; ".join([evidence.subject.title, *remarks, "not reproducible" if evidence.unsteady else second])


def _reference_origin(evidence: Evidence) -> str:
    if evidence.plain is not None:
        return f"{evidence.plain.title} by the tape"
    return f"Ridders' differences of the values, in {(evidence.fine or evidence.subject).dtype}"
