"""Who is off: the witness is asked where the sides differ most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gradient_diff.judging.case import Case
from gradient_diff.judging.kinks import mixed_by_kinks
from gradient_diff.noise.network import Kind, Noise
from gradient_diff.result.judged import Judged
from gradient_diff.result.status import Status
from gradient_diff.witnesses.complex_step import PASSES, WORST, Asked, Testimony, largest, testify
from manual_mlp import Array, Problem
from manual_mlp.extend import LOSS, is_gradient

SHARP = 0.25  # of the gap: a witness whose own error is larger convicts nobody
MOST_ASKED = 8  # rows about which a witness from outside is asked; each answer takes it some sixteen forward passes


def who_is_off(case: Case, undecided: Mapping[str, Judged]) -> dict[str, Judged]:
    """The same nodes with whom the witness convicts; its passes are shared among the gradients."""
    trial = Trial(case, max(PASSES // max(1, sum(map(is_gradient, undecided))), 1))
    return {node: trial.judge(node, judged) for node, judged in undecided.items()}


class Trial:
    """Asks the witness about one node after another, within its budget.

    For the forward pass the float64 derivation is the definition; where the witness contradicts the derivation itself
    at one gradient, that derivation convicts nobody at the next.
    """

    def __init__(self, case: Case, share: int) -> None:
        self._case, self._share = case, share
        self._passes, self._answers, self._doubted = PASSES, MOST_ASKED, False

    def judge(self, node: str, judged: Judged) -> Judged:
        """The node with whom the witness sides with, where it can be asked."""
        case = self._case
        if case.ask is not None and case.noise is not None and self._answers and node != LOSS:
            if node not in case.noise.sigma:
                return judged  # its rounding overflowed, and nobody knows how far off is far
            self._answers -= 1
            self._passes -= 1
            return _asked(case, case.ask, case.noise, node, judged)
        truth, noise = case.truth, case.truth_noise
        if truth is None or noise is None or node not in noise.sigma or noise.kind is not Kind.NETWORK:
            return judged
        return self._convict(truth, noise, node, judged)

    def _convict(self, truth: Problem, noise: Noise, node: str, judged: Judged) -> Judged:
        case = self._case
        limits = [
            np.broadcast_to(own.tolerance(node, 2 if own.dtype == "float64" else 1), case.hand[node].shape)
            for own in case.truth_noises
            if own is not None
        ]
        testimony = self._testimony(truth, noise, node)
        contradicts = bool(testimony.passes) and testimony.distance(noise.values[node], limits[1]) > 1
        self._doubted = self._doubted or contradicts
        if is_gradient(node) and not testimony.passes and self._doubted:
            return replace(judged, reason=f"{judged.reason}; the witness contradicts the derivation elsewhere")
        hand, reference = (
            testimony.distance(np.asarray(side[node], np.float64), limit)
            for side, limit in zip((case.hand, case.reference), limits, strict=True)
        )
        source = "the complex-step witness" if testimony.passes else "the derivation in float64"
        found = (
            f"{judged.reason}; {source} is {hand:.2g} from the hand and {reference:.2g} from the reference, "
            "in units of what rounding explains"
        )
        derived = np.abs(np.asarray(case.hand[node], np.float64) - noise.values[node]) <= limits[0]
        if min(hand, reference) > 1 and contradicts and bool(derived.all()):
            return replace(
                judged, reason=f"{found}; it sides with nobody, nor with the derivation in float64, as at a kink"
            )
        if contradicts and (units := mixed_by_kinks(truth, noise, case.hand, case.reference, node)):
            return replace(judged, reason=f"{found}; there E has no derivative: {'; '.join(map(str, units[:3]))}")
        if hand > 1:
            return replace(judged, status=Status.MISMATCH, reason=found)
        return replace(judged, status=Status.REFERENCE_OFF, reason=found) if reference > 1 else judged

    def _testimony(self, truth: Problem, noise: Noise, node: str) -> Testimony:
        passes = min(self._share, self._passes)
        if is_gradient(node) and passes > 0:
            testimony = testify(truth, node, self._case.difference(node), passes)
            self._passes -= testimony.passes
            return testimony
        indices = largest(self._case.difference(node), WORST)
        return Testimony(indices, tuple(float(noise.values[node][i]) for i in indices))


def _asked(case: Case, ask: Asked, noise: Noise, node: str, judged: Judged) -> Judged:
    """Ask a witness from outside, at the one entry where the sides differ most; its own error counts, too."""
    (index,) = largest(case.difference(node), 1)
    unit = np.zeros(case.hand[node].shape)
    unit[index] = 1.0
    derivative, error = _answer(ask, node, unit)
    spacing = float(np.spacing(np.abs(case.reference[node][index])))  # no σ and no error: a sum of ±1/N is exact
    limit = max(float(np.broadcast_to(noise.tolerance(node, 1), unit.shape)[index]) + error, spacing)
    with np.errstate(over="ignore", invalid="ignore"):
        hand, reference = (abs(float(side[node][index]) - derivative) / limit for side in (case.hand, case.reference))
    found = (
        f"{judged.reason}; Ridders gives {derivative:.6g} ± {error:.1e} at {list(index)}: {hand:.2g} from the "
        f"hand and {reference:.2g} from the reference, in units of what rounding and that error explain"
    )
    if error > SHARP * abs(float(case.hand[node][index]) - float(case.reference[node][index])):
        return replace(judged, reason=f"{found}; that error is too large to say whose it is")
    if hand > 1 and hand > reference:
        return replace(judged, status=Status.MISMATCH, reason=found)
    return replace(judged, status=Status.REFERENCE_OFF, reason=found) if reference > 1 else judged


def _answer(ask: Asked, node: str, unit: Array) -> tuple[float, float]:
    found = ask(node, unit)
    try:
        derivative, error = found
        return float(derivative), float(error)
    except (TypeError, ValueError):
        raise TypeError(
            f"witness returned {found!r} for {node!r}: expected two numbers, the derivative of E along the direction "
            "and the error of that."
        ) from None
