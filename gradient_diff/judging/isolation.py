"""Each equation by itself: a node against its own equation on that side's own operands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gradient_diff.judging.case import Case
from gradient_diff.noise.network import local_distance
from gradient_diff.result.judged import Judged
from gradient_diff.result.status import Status
from manual_mlp import Array, Equation, ShapeError
from manual_mlp.extend import GATE, UNITS


def isolated(case: Case, side: int, node: str) -> float | None:
    """The node against its equation on that side's own operands, where they are at hand and sound."""
    run, array = case.pair.runs[side], (case.hand, case.reference)[side][node]
    equation, environment = case.equations[side].get(node), case.environments[side]
    if equation is None or (run is not None and node in run.other_pass) or array.dtype.name not in UNITS:
        return None
    if not _sound(equation, environment, array):
        return None
    worst = float(local_distance(equation, environment, array, array.dtype.name, loops=run is None).max())
    return None if np.isnan(worst) else worst


def _sound(equation: Equation, environment: Mapping[str, Array], result: Array) -> bool:
    operands = [environment.get(o) for o in equation.operands]
    if any(o is None or not np.isfinite(np.asarray(o, np.float64)).all() for o in operands):
        return False
    try:
        return equation.operation.shape(*[o.shape for o in operands if o is not None]) == result.shape
    except ShapeError:
        return False


def by_isolation(judged: Judged) -> Judged:
    """Explained as it ran, unless an equation by itself says more."""
    for title, distance, status in (
        ("hand", judged.isolated_hand, Status.MISMATCH),
        ("reference", judged.isolated_reference, Status.REFERENCE_OFF),
    ):
        if distance is not None and distance > GATE:
            reason = f"the {title}'s own operands give {distance:.2g} times the rounding of this one operation"
            return replace(judged, status=status, reason=reason, judge="isolated", by_sigma=False)
    return judged
