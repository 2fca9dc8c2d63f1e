"""explain: from rows that are off to what is wrong with the derivation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gradient_diff.diagnosis.diagnosis import find_causes
from gradient_diff.diagnosis.factors import Known
from gradient_diff.diagnosis.signatures import signatures
from gradient_diff.diagnosis.smallest import smallest_wrong
from gradient_diff.diagnosis.traces import Traces
from gradient_diff.diagnosis.visible import OTHERWISE, limit_of, what_is_visible
from gradient_diff.diagnosis.whereabouts import where_it_sits
from gradient_diff.judging.case import Case
from gradient_diff.result.findings import Cause, Findings
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.sides import Derivation
from manual_mlp.extend import LOSS

_FITTED = ("learning_rate_inside", "stray_constant")  # a factor that is known of the hand alone
_EXPLICABLE = (Status.MISMATCH, Status.DIFFERENT, Status.SHAPE, Status.INCONCLUSIVE)


def explain(case: Case, rows: Sequence[Row], derivation: Derivation | None = None) -> Findings:
    """The mistakes that explain the rows that are off; if none does, what can be seen of them, and where they sit."""
    found = _found(case, rows)
    if derivation is None or case.pair.problem is None or not found.unexplained:
        return found
    smallest = smallest_wrong(derivation, case.pair.problem)
    return replace(found, unexplained=f"{found.unexplained} {smallest}", smallest=smallest)


def _found(case: Case, rows: Sequence[Row]) -> Findings:
    wrong = [row for row in rows if row.status in _EXPLICABLE]
    if not wrong and not any(row.status is Status.REFERENCE_OFF for row in rows):  # that may be a decay of its own
        return Findings()
    pair = case.pair
    with np.errstate(all="ignore"):  # a mistake that is tried may divide by zero; then it is not the one
        seen = Traces.of(case)
        if seen.no_gradients:
            return Findings(unexplained=seen.no_gradients)
        known = Known(*case.sizes) if case.sizes else Known(guessing=False)
        hand, reference = ({n: a for n, a in side.items() if n != LOSS} for side in (pair.hand, pair.reference))
        causes = find_causes(hand, reference, pair.problem, case.granted, known)
        valued = [row for row in wrong if row.metrics is not None]
        if all(cause.id in _FITTED for cause in causes) and (clipped := seen.clipped):
            return Findings(unexplained=clipped)
        if causes:
            return Findings(causes, "" if pair.problem else _left_over(case, causes, valued))
        misfits = [row for row in rows if row.status is Status.SHAPE]
        if misfits:
            return Findings(unexplained=_misfit(misfits))
        words = _in_words(case, valued, seen)
    return Findings(unexplained=f"No known mistake explains this. {words}" if words else "")


def _misfit(rows: Sequence[Row]) -> str:
    """Shapes that do not fit come before all values: nothing is to be said of where those sit."""
    first, *others = rows
    more = f", and of {len(others)} more" if others else ""
    return f"The shape of {first.name}{more} does not fit. {first.reason}"


def _in_words(case: Case, valued: Sequence[Row], seen: Traces) -> str:
    """What all arrays show, else what each layer does, else where the first of them is off.

    Where nothing says how much rounding to expect, only what no rounding does is said.
    """
    names = [row.name for row in valued]
    visible = what_is_visible(case, names) if names else ""
    if not names or valued[0].status is Status.INCONCLUSIVE:
        return visible
    first = where_it_sits(names[0], case.hand, case.reference, limit_of(case, names[0]))
    return seen.words or visible or first


def _left_over(case: Case, causes: Sequence[Cause], valued: Sequence[Row]) -> str:
    """Of arrays by name alone: those that no signature explains by itself, where each found is of one array."""
    if not all(cause.layer for cause in causes):
        return ""
    pairs = [({row.name: case.hand[row.name]}, {row.name: case.reference[row.name]}) for row in valued]
    left = [next(iter(h)) for h, r in pairs if not any(True for _ in signatures(h, r))]
    listed = ", ".join(left)
    return f"Beside that, {listed} {'is' if len(left) == 1 else 'are'} {OTHERWISE}." if left else ""
