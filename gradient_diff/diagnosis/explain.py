"""explain: from rows that are off to what is wrong with the derivation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gradient_diff.diagnosis.diagnosis import find_causes
from gradient_diff.diagnosis.factors import NOTHING, Known
from gradient_diff.diagnosis.smallest import smallest_wrong
from gradient_diff.diagnosis.traces import Traces
from gradient_diff.diagnosis.whereabouts import where_it_sits
from gradient_diff.judging.case import Case
from gradient_diff.result.findings import Findings
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.sides import Derivation
from manual_mlp.extend import LOSS

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
        known = Known(*case.sizes) if case.sizes else NOTHING
        hand, reference = ({n: a for n, a in side.items() if n != LOSS} for side in (pair.hand, pair.reference))
        causes = find_causes(hand, reference, pair.problem, case.granted, known)
        # Where nothing says how much rounding to expect, nothing says that there is more than rounding.
        if causes or not wrong or wrong[0].metrics is None or wrong[0].status is Status.INCONCLUSIVE:
            return Findings(causes)
        place = where_it_sits(wrong[0].name, pair.hand, pair.reference)
        whole = all(row.status is not Status.SHAPE for row in rows)
    words = f"No known mistake explains this. {(seen.words if whole else '') or place}"
    return Findings(unexplained=words)
