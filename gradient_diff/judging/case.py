"""What is judged, two sides of one problem, and what is said of each node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from gradient_diff.noise.network import UNITS, Noise, rounding_noise
from gradient_diff.result.status import Status
from gradient_diff.witnesses.complex_step import Asked
from manual_mlp import Array, Equation, Evaluation, Problem


@dataclass(frozen=True)
class Judged:
    """What the judge says of one node.

    Attributes:
        status: see `Status`.
        reason: why, with numbers.
        judge: who spoke.
        distance: largest |hand − reference| in σ, as it ran; None where nothing says how large σ is.
        isolated_hand, isolated_reference: the node against its own equation on that side's own operands, in units
            of that operation's rounding; None where operands are not at hand.

    Example:
        >>> Judged(Status.MATCH, "bit-equal", "bits").distance is None
        True
    """

    status: Status
    reason: str
    judge: str
    distance: float | None = None
    isolated_hand: float | None = None
    isolated_reference: float | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """Two sides whose names, shapes and finiteness are in order, node → array, and what is known about them.

    Attributes:
        hand, reference: node → array.
        problem: whose rounding is expected: where only one side fuses its last activation into the loss, the other's.
        noise: the rounding to expect.
        hand_run, reference_run: the whole evaluations, where both are given.
        spent: passes of the witness so far.
        ask: a witness from outside, where no network is known.
        doubts: gradients at which the witness contradicts the derivation itself.
    """

    hand: Mapping[str, Array]
    reference: Mapping[str, Array]
    problem: Problem | None
    noise: Noise | None
    hand_run: Evaluation | None = None
    reference_run: Evaluation | None = None
    spent: list[int] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    ask: Asked | None = None

    @cached_property
    def truth(self) -> Problem | None:
        """What is differentiated: a cross-entropy that lost its logits and is clipped is meant to be the whole.

        Unless both sides are whole evaluations that clip it: then that is what they agreed on.
        """
        if self.problem is None:
            return None
        runs = self.hand_run, self.reference_run
        if all(run is not None and not run.problem.fused for run in runs):
            return self.problem
        return replace(self.problem, fused=self.problem.mlp.fuses(self.problem.loss))

    @cached_property
    def truth_noise(self) -> Noise | None:
        """The rounding of computing just that."""
        if self.problem is None or self.truth is None or self.noise is None or self.truth.fused == self.problem.fused:
            return self.noise
        return rounding_noise(self.truth, self.noise.dtype)

    def difference(self, node: str) -> Array:
        """hand − reference in float64."""
        return float64(self.hand[node]) - float64(self.reference[node])

    @cached_property
    def equations(self) -> tuple[Mapping[str, Equation], Mapping[str, Equation]]:
        """Of hand and reference, by node."""
        problems = [self.problem if run is None else run.problem for run in (self.hand_run, self.reference_run)]
        hand, reference = ({e.node: e for e in p.equations} if p else {} for p in problems)
        return hand, reference

    @cached_property
    def environments(self) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
        """What the equations of hand and reference read, as that side has it: data, parameters, its own nodes."""
        known = self.problem.environment if self.problem else {}
        runs = (self.hand, self.hand_run), (self.reference, self.reference_run)
        hand, reference = ({**known, **(arrays if run is None else run.nodes)} for arrays, run in runs)
        return hand, reference

    def sides(self, node: str) -> int:
        """How many of the two arrays carry the rounding of the coarser dtype."""
        units = [UNITS.get(side[node].dtype.name, 0.0) for side in (self.hand, self.reference)]
        return units.count(max(units))


def restated(judged: Judged, status: Status, reason: str) -> Judged:
    """The same, with another status and reason."""
    return replace(judged, status=status, reason=reason)


def float64(a: Array) -> Array:
    """The array in float64, copied only if it is another dtype."""
    return np.asarray(a, np.float64)
