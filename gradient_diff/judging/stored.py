"""float64 arrays that hold float32 numbers alone: computed in float32, and stored wider by a list or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gradient_diff.judging.case import Case
from gradient_diff.noise.network import Kind, Noise, rounding_noise
from gradient_diff.result.judged import Judged
from gradient_diff.result.status import Meaning, Status
from manual_mlp import Array
from manual_mlp.extend import UNITS

JUDGE = "the rounding of float32"
WORDS = "all entries are float32 numbers, stored as float64, and differ by no more than the rounding of float32"
MEANING = Meaning(
    "these gradients fit, if they were computed in float32",
    "Hand them over as float32 arrays if they were; if they were computed in float64, something in it is off.",
)


def as_float32(case: Case, judged: Mapping[str, Judged]) -> dict[str, Judged]:
    """The nodes that are off, undecided, where the hand's arrays can be float32's and that explains all of them."""
    off = [n for n, j in judged.items() if j.status.bad]
    noise = _in_float32(case)
    if any(judged[n].status is Status.REFERENCE_OFF for n in off):
        return {}  # nothing is wrong with the hand, whatever it is stored as
    if not off or noise is None or not all(_holds_float32(a) for a in case.hand.values()):
        return {}
    if any(noise.distance(n, case.difference(n), 1).max(initial=0.0) > noise.gate for n in case.hand):
        return {}
    if any((np.abs(noise.values[n]) <= noise.tolerance(n)).all() for n in off):
        return {}  # of what float32 loses anything could be said, zeros included
    undecided = {"status": Status.INCONCLUSIVE, "reason": WORDS, "judge": JUDGE, "by_sigma": False, "meaning": MEANING}
    return {n: replace(judged[n], **undecided) for n in off}  # type: ignore[arg-type]  # fields of Judged, all


def _holds_float32(a: Array) -> bool:
    with np.errstate(over="ignore"):
        return a.dtype == np.float64 and bool(np.array_equal(a, a.astype(np.float32)))


def _in_float32(case: Case) -> Noise | None:
    """The rounding to expect if all was computed in float32, where that of float64 was not named by the caller."""
    noise = case.noise
    if noise is None or any(n not in noise.sigma for n in case.hand):
        return None
    if noise.kind is Kind.NETWORK and case.problem is not None:
        return rounding_noise(case.problem, "float32") if noise.dtype == "float64" else None
    if noise.kind is not Kind.DRAWN or noise.of_step:
        return None
    wider = UNITS["float32"] / UNITS["float64"]  # rounding is in proportion to u
    return replace(noise, sigma={n: s * wider for n, s in noise.sigma.items()})
