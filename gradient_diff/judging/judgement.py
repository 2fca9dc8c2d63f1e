"""The judge: from two arrays of one node to a status with its reason.

Judges, sharpest first where they can be had: a float64 re-run of both sides; each equation by itself on a side's own
operands; the network's σ. Who is off is asked of the witness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gradient_diff.judging.case import Case, expected_noise
from gradient_diff.judging.fewer_bits import by_fewer_bits
from gradient_diff.judging.isolation import by_isolation, isolated
from gradient_diff.judging.kinks import explained_by_kinks, kinks_of
from gradient_diff.judging.quotients import as_quotients
from gradient_diff.judging.stored import as_float32
from gradient_diff.judging.trial import who_is_off
from gradient_diff.judging.zeros import as_vacuous, lost_words
from gradient_diff.noise.network import MORE_DRAWS, Kind, Noise, drawn_again
from gradient_diff.result.judged import BITS, NOBODY, Judged
from gradient_diff.result.status import Status
from gradient_diff.sides import Pair
from manual_mlp import Array
from manual_mlp.extend import UNITS, is_gradient

CLOSE = 4.0  # times the gate: a call as close is made again with more draws


@np.errstate(over="ignore")  # however absurd a number is, it is a mistake to name: what overflows is ∞ off
def judge(case: Case) -> dict[str, Judged]:
    """node → what is said of it, for every sound node of a case in its order."""
    judged = {node: _first_look(case, node) for node in case.sound}
    if closer := _drawn_again(case, judged):
        case = replace(case, noise=closer)
        judged = {node: _first_look(case, node) for node in case.sound}
    off = [node for node, j in judged.items() if j.status is Status.DIFFERENT]
    judged |= _at_kinks(case, judged, [n for n in off if is_gradient(n)])
    judged |= _in_float64(case, judged)
    undecided = {node: judged[node] for node in off if judged[node].status is Status.DIFFERENT}
    judged |= as_quotients(case, undecided)
    undecided = {node: judged[node] for node in undecided if judged[node].status is Status.DIFFERENT}
    judged |= who_is_off(case, undecided) if undecided else {}
    judged |= as_float32(case, judged)
    judged |= by_fewer_bits(case, judged)
    return judged | as_vacuous(case, judged)


def _drawn_again(case: Case, judged: Mapping[str, Judged]) -> Noise | None:
    """More draws, where nothing is far beyond the gate, so that σ itself, drawn a few times, decides."""
    if case.problem is None or case.noise is None or case.noise.kind is not Kind.NETWORK:
        return None
    worst = max((j.distance for j in judged.values() if j.distance is not None), default=0.0)
    close = case.noise.gate < worst <= CLOSE * case.noise.gate
    return drawn_again(case.noise, case.problem, MORE_DRAWS) if close else None


def _first_look(case: Case, node: str) -> Judged:
    """Rounding or not, by σ as it ran and by each equation in isolation."""
    h, r = case.hand[node], case.reference[node]
    by_itself = isolated(case, 0, node), isolated(case, 1, node)
    equal = bool(np.array_equal(h, r))
    if case.noise is None or node not in case.noise.sigma:
        return _without_noise(case, h, r, equal)
    limit = case.noise.tolerance(node, 2)
    distance = float(case.noise.distance(node, case.difference(node), case.coarse_sides(node)).max())
    truth = np.abs(np.asarray(case.noise.values[node], np.float64))
    found = _off(case.noise, distance, h, r)
    found = replace(found, isolated_hand=by_itself[0], isolated_reference=by_itself[1])
    if not np.any(h) and not np.any(r):
        return _restated(found, Status.VACUOUS, "both sides are zero everywhere")
    gradient = case.problem is None or is_gradient(node)  # arrays by name alone are gradients
    if distance <= case.noise.gate and (truth <= limit).all() and gradient:
        return by_isolation(_restated(found, Status.VACUOUS, lost_words(truth)))
    if equal:
        return _restated(found, Status.MATCH, "bit-equal")
    if distance <= case.noise.gate and (doubt := _no_rounding(case, case.noise, node, truth)):
        return replace(found, status=Status.INCONCLUSIVE, reason=doubt)
    return by_isolation(replace(found, status=Status.MATCH)) if distance <= case.noise.gate else found


def _off(noise: Noise, distance: float, h: Array, r: Array) -> Judged:
    """How far, in σ; against a tolerance of somebody's own only which one would pass."""
    if noise.rtol is None:
        within = f"{distance:.2g} σ, rounding explains {noise.gate:g} σ"
        return Judged(Status.DIFFERENT, within, noise.source, distance, by_sigma=True)
    largest = float(np.abs(np.asarray(r, np.float64)).max(initial=0.0))
    most = float(np.abs(np.asarray(h, np.float64) - np.asarray(r, np.float64)).max(initial=0.0))
    needed = most / largest if largest else np.inf
    said = f"needs rtol {needed:.3g}, {noise.rtol:g} is allowed"
    return Judged(Status.DIFFERENT, said, noise.source)


def _restated(judged: Judged, status: Status, reason: str) -> Judged:
    """The same with a reason other than the distance."""
    return replace(judged, status=status, reason=reason, by_sigma=False)


def _no_rounding(case: Case, noise: Noise, node: str, truth: Array) -> str:
    """Why a second set of gradients that is half of the dtype's digits off measures a mistake and no rounding."""
    units = [UNITS.get(side[node].dtype.name, 0.0) for side in (case.hand, case.reference)]
    off = float(np.sqrt(np.mean(np.square(noise.sigma[node])))) / max(float(truth.max()), np.finfo(float).tiny)
    if noise.kind is not Kind.REPEATED or off <= np.sqrt(max(units)):
        return ""
    return (
        f"{noise.source} says σ = {off:.1e} of the largest entry, which is more than half of the digits: no rounding "
        "that could be judged by; is one of the two sets of the reference itself off?"
    )


def _without_noise(case: Case, h: Array, r: Array, equal: bool) -> Judged:
    """Nobody says how much rounding to expect: no more can be said than of what no rounding does."""
    noise = case.noise
    if not np.any(h) and not np.any(r):
        return Judged(Status.VACUOUS, "both sides are zero everywhere", BITS)
    if equal:
        return Judged(Status.MATCH, "bit-equal", BITS)
    if np.array_equal(h, -r) and _is_no_residue(case, r):
        return Judged(Status.DIFFERENT, "exactly −1 times the reference, in every entry: no rounding does that", BITS)
    repeated = noise is not None and noise.kind is Kind.REPEATED
    who = f"{noise.source}, bit-equal here, does not say" if noise and repeated else "no network says"
    return Judged(Status.INCONCLUSIVE, f"not bit-equal, and {who} how much rounding to expect", NOBODY)


def _is_no_residue(case: Case, r: Array) -> bool:
    """Whether it has half of the dtype's digits beside the largest array: what cancels leaves a few last bits."""
    largest = max(float(np.abs(np.asarray(a, np.float64)).max(initial=0.0)) for a in case.reference.values())
    return float(np.abs(np.asarray(r, np.float64)).max()) > np.sqrt(UNITS.get(r.dtype.name, 0.0)) * largest


def _at_kinks(case: Case, judged: Mapping[str, Judged], off: list[str]) -> dict[str, Judged]:
    """The kinks of what is differentiated: a side that clips what should not be clipped is not excused by rounding."""
    problem, noise = case.truth, case.truth_noise
    if not off or problem is None or noise is None or noise.kind is not Kind.NETWORK:
        return {}
    if not explained_by_kinks(problem, noise, case.hand, case.reference, off):
        return {}
    units = "; ".join(str(kink) for kink in kinks_of(problem, noise, off)[:3])
    return {node: _restated(judged[node], Status.KINK, f"only through units at a kink: {units}") for node in off}


def _in_float64(case: Case, judged: Mapping[str, Judged]) -> dict[str, Judged]:
    """The derivation judged where rounding is 1e9 times smaller; σ only explains the coarser run."""
    runs = case.pair.runs
    if case.problem is None or case.problem.dtype == np.float64 or any(r is None or r.rerun is None for r in runs):
        return {}
    hand, reference = (run.rerun() for run in runs if run is not None and run.rerun is not None)
    common = [n for n in case.hand if n in hand.nodes and n in reference.nodes]
    h, r = ({n: e.nodes[n] for n in common} for e in (hand, reference))
    again = judge(Case(Pair(h, r, case.problem.float64, (hand, reference)), expected_noise(case.problem, ["float64"])))
    return {
        n: replace(j, reason=f"in float64: {j.reason}", judge="float64 re-run", distance=judged[n].distance)
        for n, j in again.items()
        if j.status.bad
    }
