"""Who is off: the witness is asked where the sides differ most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gradient_diff.judging.case import Case, Judged, float64, restated
from gradient_diff.noise.network import Noise
from gradient_diff.result.status import Status
from gradient_diff.witnesses.complex_step import PASSES, WORST, Asked, Testimony, largest, testify
from manual_mlp import Problem
from manual_mlp.extend import is_gradient

MOST_ASKED = 8  # rows about which a witness from outside is asked; each answer takes it some sixteen forward passes


def who_is_off(case: Case, undecided: Mapping[str, Judged]) -> dict[str, Judged]:
    """The same nodes with whom the witness convicts; its passes are shared among the gradients."""
    share = PASSES // max(1, sum(map(is_gradient, undecided)))
    return {node: _convicted(case, node, judged, max(share, 1)) for node, judged in undecided.items()}


def _convicted(case: Case, node: str, judged: Judged, passes: int) -> Judged:
    """Ask the witness where the sides differ most; for the forward pass the float64 derivation is the definition."""
    truth, noise = case.truth, case.truth_noise
    if case.ask is not None and case.noise is not None and len(case.spent) < MOST_ASKED:
        return _asked(case, case.ask, case.noise, node, judged)
    if truth is None or noise is None or node not in noise.sigma or not noise.evaluations:
        return judged
    limit = np.broadcast_to(noise.tolerance(node, 2 if noise.dtype == "float64" else 1), case.hand[node].shape)
    testimony = _testimony(case, truth, noise, node, min(passes, PASSES - sum(case.spent)))
    if testimony.passes and testimony.distance(noise.values[node], limit) > 1:
        case.doubts.append(node)
    if is_gradient(node) and not testimony.passes and case.doubts:
        return restated(judged, Status.DIFFERENT, f"{judged.reason}; the witness contradicts the derivation elsewhere")
    hand, reference = (testimony.distance(float64(side[node]), limit) for side in (case.hand, case.reference))
    source = "the complex-step witness" if testimony.passes else "the derivation in float64"
    found = (
        f"{judged.reason}; {source} is {hand:.2g} from the hand and {reference:.2g} from the reference, "
        "in units of what rounding explains"
    )
    if hand > 1:
        return restated(judged, Status.MISMATCH, found)
    return restated(judged, Status.REFERENCE_OFF, found) if reference > 1 else judged


def _asked(case: Case, ask: Asked, noise: Noise, node: str, judged: Judged) -> Judged:
    """Ask a witness from outside, at the one entry where the sides differ most; its own error counts, too."""
    case.spent.append(1)
    (index,) = largest(case.difference(node), 1)
    unit = np.zeros(case.hand[node].shape)
    unit[index] = 1.0
    derivative, error = ask(node, unit)
    limit = float(np.broadcast_to(noise.tolerance(node, 1), unit.shape)[index]) + error
    hand, reference = (abs(float(side[node][index]) - derivative) / limit for side in (case.hand, case.reference))
    found = (
        f"{judged.reason}; Ridders gives {derivative:.6g} ± {error:.1e} at {list(index)}: {hand:.2g} from the "
        f"hand and {reference:.2g} from the reference, in units of what rounding and that error explain"
    )
    if hand > 1 and hand > reference:
        return restated(judged, Status.MISMATCH, found)
    return restated(judged, Status.REFERENCE_OFF, found) if reference > 1 else judged


def _testimony(case: Case, truth: Problem, noise: Noise, node: str, passes: int) -> Testimony:
    if is_gradient(node) and passes > 0:
        testimony = testify(truth, node, case.difference(node), passes)
        case.spent.append(testimony.passes)
        return testimony
    indices = largest(case.difference(node), WORST)
    return Testimony(indices, tuple(float(noise.values[node][i]) for i in indices))
