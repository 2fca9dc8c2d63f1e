"""The judge: from two arrays of one node to a status with its reason.

Judges, sharpest first where they can be had: a float64 re-run of both sides; each equation by itself on a side's own
operands; the network's σ. Who is off is asked of the witness.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gradient_diff.expected_noise import MEASURED
from gradient_diff.kinks import explained_by_kinks, kinks
from gradient_diff.status import Status
from gradient_diff.witness import PASSES, WORST, Asked, Testimony, largest, testify
from manual_mlp import (
    GATE,
    MORE_DRAWS,
    UNITS,
    Equation,
    Evaluation,
    Noise,
    Problem,
    ShapeError,
    local_distance,
    rounding_noise,
)

Array = npt.NDArray[Any]


NETWORK = Noise("", {}, {}, {}, 0).source
CLOSE = 4.0  # times the gate: a call as close is made again with more draws
MOST_ASKED = 8  # rows about which a witness from outside is asked; each answer takes it some sixteen forward passes


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
        """What is differentiated: a cross-entropy that lost its logits and is clipped is meant to be the whole."""
        if self.problem is None:
            return None
        return replace(self.problem, fused=self.problem.mlp.fuses(self.problem.loss))

    @cached_property
    def truth_noise(self) -> Noise | None:
        """The rounding of computing just that."""
        if self.problem is None or self.truth is None or self.noise is None or self.truth.fused == self.problem.fused:
            return self.noise
        return rounding_noise(self.truth, self.noise.dtype)

    def difference(self, node: str) -> Array:
        """hand − reference in float64."""
        return _float64(self.hand[node]) - _float64(self.reference[node])

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


def judge(case: Case) -> dict[str, Judged]:
    """Judge every node of a case, in the order given.

    Args:
        case: two sides of one set of names, shapes agreeing, all finite.

    Returns:
        node → `Judged`.

    Example:
        >>> import numpy as np
        >>> judge(Case({"w": np.ones(1)}, {"w": np.ones(1)}, None, None))["w"].status.name
        'MATCH'
    """
    judged = {node: _first_look(case, node) for node in case.hand}
    if _is_close(case, judged):
        case = replace(case, noise=rounding_noise(case.problem, case.noise.dtype, MORE_DRAWS))  # type: ignore[arg-type,union-attr]  # both are known here
        judged = {node: _first_look(case, node) for node in case.hand}
    off = [node for node, j in judged.items() if j.status is Status.DIFFERENT]
    judged |= _at_kinks(case, judged, [n for n in off if _is_gradient(n)])
    judged |= _in_float64(case, judged)
    undecided = [node for node in off if judged[node].status is Status.DIFFERENT]
    share = PASSES // max(1, sum(map(_is_gradient, undecided)))
    for node in undecided:
        judged[node] = _who_is_off(case, node, judged[node], max(share, 1))
    return judged


def _is_close(case: Case, judged: Mapping[str, Judged]) -> bool:
    """Whether nothing is far beyond the gate, so that σ itself, drawn a few times, decides."""
    if case.problem is None or case.noise is None or case.noise.source != NETWORK:
        return False
    worst = max((j.distance for j in judged.values() if j.distance is not None), default=0.0)
    return case.noise.gate < worst <= CLOSE * case.noise.gate


def expected_noise(problem: Problem, dtypes: Iterable[str]) -> Noise | None:
    """The network's noise at the coarsest dtype compared; None if no rounding is known for it."""
    coarsest = max(dtypes, key=lambda d: UNITS.get(d, 0.0), default=problem.dtype.name)
    return rounding_noise(problem, coarsest) if coarsest in UNITS else None


def _first_look(case: Case, node: str) -> Judged:
    """Rounding or not, by σ as it ran and by each equation in isolation."""
    h, r = case.hand[node], case.reference[node]
    isolated = _isolated(case, 0, node), _isolated(case, 1, node)
    equal = bool(np.array_equal(h, r))
    if case.noise is None or node not in case.noise.sigma:
        return _without_noise(h, r, equal, case.noise)
    limit = case.noise.tolerance(node, 2)
    distance = float(case.noise.distance(node, case.difference(node), case.sides(node)).max())
    truth = np.abs(_float64(case.noise.values[node]))
    within = f"{distance:.2g} σ, rounding explains {case.noise.gate:g} σ"
    found = Judged(Status.DIFFERENT, within, case.noise.source, distance, isolated[0], isolated[1])
    if not np.any(h) and not np.any(r):
        return _restated(found, Status.VACUOUS, "both sides are zero everywhere")
    gradient = case.problem is None or _is_gradient(node)  # arrays by name alone are gradients
    if distance <= case.noise.gate and (truth <= limit).all() and gradient:
        lost = f"the gradient, at most {truth.max():.1e}, is lost in rounding noise: zeros would pass too"
        return _by_isolation(_restated(found, Status.VACUOUS, lost))
    if equal:
        return _restated(found, Status.MATCH, "bit-equal")
    if distance <= case.noise.gate and (doubt := _no_rounding(case, case.noise, node, truth)):
        return _restated(found, Status.INCONCLUSIVE, doubt)
    return _by_isolation(_restated(found, Status.MATCH, within)) if distance <= case.noise.gate else found


def _by_isolation(judged: Judged) -> Judged:
    """Explained as it ran, unless an equation by itself says more."""
    for title, distance, status in (
        ("hand", judged.isolated_hand, Status.MISMATCH),
        ("reference", judged.isolated_reference, Status.REFERENCE_OFF),
    ):
        if distance is not None and distance > GATE:
            reason = f"the {title}'s own operands give {distance:.2g} times the rounding of this one operation"
            return replace(judged, status=status, reason=reason, judge="isolated")
    return judged


def _no_rounding(case: Case, noise: Noise, node: str, truth: Array) -> str:
    """Why a second set of gradients that is half of the dtype's digits off measures a mistake and no rounding."""
    units = [UNITS.get(side[node].dtype.name, 0.0) for side in (case.hand, case.reference)]
    off = float(np.sqrt(np.mean(np.square(noise.sigma[node])))) / max(float(truth.max()), np.finfo(float).tiny)
    if not noise.source.startswith(MEASURED) or off <= np.sqrt(max(units)):
        return ""
    return (
        f"{noise.source} says σ = {off:.1e} of the largest entry, which is more than half of the digits: no rounding "
        "that could be judged by; is one of the two sets of the reference itself off?"
    )


def _without_noise(h: Array, r: Array, equal: bool, noise: Noise | None) -> Judged:
    if not np.any(h) and not np.any(r):
        return Judged(Status.VACUOUS, "both sides are zero everywhere", "bits")
    if equal:
        return Judged(Status.MATCH, "bit-equal", "bits")
    who = (
        f"{noise.source}, bit-equal here, does not say"
        if noise and noise.source.startswith(MEASURED)
        else "no network says"
    )
    return Judged(Status.INCONCLUSIVE, f"not bit-equal, and {who} how much rounding to expect", "none")


def _isolated(case: Case, side: int, node: str) -> float | None:
    """The node against its equation on that side's own operands, where they are at hand and sound."""
    run, array = (case.hand_run, case.reference_run)[side], (case.hand, case.reference)[side][node]
    equation, environment = case.equations[side].get(node), case.environments[side]
    if equation is None or (run is not None and node in run.other_pass) or array.dtype.name not in UNITS:
        return None
    if not _sound(equation, environment, array):
        return None
    return float(local_distance(equation, environment, array, array.dtype.name).max())


def _sound(equation: Equation, environment: Mapping[str, Array], result: Array) -> bool:
    operands = [environment.get(o) for o in equation.operands]
    if any(o is None or not np.isfinite(_float64(o)).all() for o in operands):
        return False
    try:
        return equation.operation.shape(*[o.shape for o in operands if o is not None]) == result.shape
    except ShapeError:
        return False


def _at_kinks(case: Case, judged: Mapping[str, Judged], off: list[str]) -> dict[str, Judged]:
    """The kinks of what is differentiated: a side that clips what should not be clipped is not excused by rounding."""
    problem, noise = case.truth, case.truth_noise
    if not off or problem is None or noise is None or not noise.evaluations:
        return {}
    if not explained_by_kinks(problem, noise, case.hand, case.reference, off):
        return {}
    units = "; ".join(str(kink) for kink in kinks(problem, noise)[:3])
    return {node: _restated(judged[node], Status.KINK, f"only through units at a kink: {units}") for node in off}


def _in_float64(case: Case, judged: Mapping[str, Judged]) -> dict[str, Judged]:
    """The derivation judged where rounding is 1e9 times smaller; σ only explains the coarser run."""
    runs = case.hand_run, case.reference_run
    if case.problem is None or case.problem.dtype == np.float64 or any(r is None or r.rerun is None for r in runs):
        return {}
    hand, reference = (run.rerun() for run in runs if run is not None and run.rerun is not None)
    common = [n for n in case.hand if n in hand.nodes and n in reference.nodes]
    h, r = ({n: e.nodes[n] for n in common} for e in (hand, reference))
    again = judge(Case(h, r, case.problem.float64, expected_noise(case.problem, ["float64"]), hand, reference))
    return {
        n: replace(j, reason=f"in float64: {j.reason}", judge="float64 re-run", distance=judged[n].distance)
        for n, j in again.items()
        if j.status.bad
    }


def _who_is_off(case: Case, node: str, judged: Judged, passes: int) -> Judged:
    """Ask the witness where the sides differ most; for the forward pass the float64 derivation is the definition."""
    truth, noise = case.truth, case.truth_noise
    if case.ask is not None and case.noise is not None and len(case.spent) < MOST_ASKED:
        return _asked(case, case.ask, case.noise, node, judged)
    if truth is None or noise is None or not noise.evaluations:
        return judged
    limit = np.broadcast_to(noise.tolerance(node, 2 if noise.dtype == "float64" else 1), case.hand[node].shape)
    testimony = _testimony(case, truth, noise, node, min(passes, PASSES - sum(case.spent)))
    if testimony.passes and testimony.distance(noise.values[node], limit) > 1:
        case.doubts.append(node)
    if _is_gradient(node) and not testimony.passes and case.doubts:
        return _restated(judged, Status.DIFFERENT, f"{judged.reason}; the witness contradicts the derivation elsewhere")
    hand, reference = (testimony.distance(_float64(side[node]), limit) for side in (case.hand, case.reference))
    source = "the complex-step witness" if testimony.passes else "the derivation in float64"
    found = (
        f"{judged.reason}; {source} is {hand:.2g} from the hand and {reference:.2g} from the reference, "
        "in units of what rounding explains"
    )
    if hand > 1:
        return _restated(judged, Status.MISMATCH, found)
    return _restated(judged, Status.REFERENCE_OFF, found) if reference > 1 else judged


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
        return _restated(judged, Status.MISMATCH, found)
    return _restated(judged, Status.REFERENCE_OFF, found) if reference > 1 else judged


def _testimony(case: Case, truth: Problem, noise: Noise, node: str, passes: int) -> Testimony:
    if _is_gradient(node) and passes > 0:
        testimony = testify(truth, node, case.difference(node), passes)
        case.spent.append(testimony.passes)
        return testimony
    indices = largest(case.difference(node), WORST)
    return Testimony(indices, tuple(float(noise.values[node][i]) for i in indices))


def _restated(judged: Judged, status: Status, reason: str) -> Judged:
    return replace(judged, status=status, reason=reason)


def _is_gradient(node: str) -> bool:
    return "/dE_d" in node


def _float64(a: Array) -> Array:
    return np.asarray(a, np.float64)
