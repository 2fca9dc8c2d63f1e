"""How large a planted mistake really is, and why one that is not refused cannot be seen."""

from __future__ import annotations

import numpy as np

from experiments.benchmarks.detection.cases import WIDE, DrawnNet
from gradient_diff import Status
from manual_mlp import Array, gradient_node
from manual_mlp.extend import GATE, Arrays

SHOWS = 2 * GATE
"""σ of an effect that must be seen: rounding may take one gate off it, and one gate is what rounding explains."""
MOST_ROUNDING = 1e3 * float(np.finfo(WIDE).eps)
"""Relative to the gradient: two exact results that differ by no more are the same one, computed in another order."""


def size_of(effect: Arrays | None, setting: DrawnNet) -> tuple[float, float, float]:
    """How large a mistake is: in σ, relative to the gradient, and over the rounding that happened."""
    if effect is None:
        return np.inf, np.inf, np.inf
    if all(_peak(g) <= MOST_ROUNDING * _peak(setting.exact[n]) for n, g in effect.items()):
        return 0.0, 0.0, 0.0
    narrow = {n: np.asarray(g, np.float64) for n, g in effect.items()}
    sigma = max(float(setting.noise.distance(gradient_node(n), g).max()) for n, g in narrow.items())
    rounding = max(_ratio(_peak(g), _peak(setting.rounding[n])) for n, g in effect.items())
    return sigma, _ratio(_norm(effect), _norm(setting.exact)), rounding


def _peak(array: Array) -> float:
    return float(np.abs(array).max(initial=0.0))


def _norm(gradients: Arrays) -> float:
    return float(np.sqrt(sum(np.sum(np.square(g.astype(WIDE))) for g in gradients.values())))


def _ratio(a: float, b: float) -> float:
    if b:
        return a / b
    return np.inf if a else 0.0


def shows(sigma: float) -> bool:
    """Whether an effect of this size must be seen."""
    return sigma > SHOWS


NO_EFFECT = "no effect here: exact arithmetic gives the same gradients"
BELOW = f"an effect of at most {SHOWS:g} σ, which rounding can explain or hide"
AT_KINKS = "only units at a kink are affected: a choice of subgradient"
MISSED = "missed"


def reason(sigma: float, relative: float, verdict: str) -> str:
    """Why a mistake that was not refused cannot be seen."""
    if not relative:
        return NO_EFFECT
    if not shows(sigma):
        return BELOW
    return AT_KINKS if verdict == Status.KINK.name else MISSED
