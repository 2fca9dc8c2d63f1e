"""Two rules that courses teach, by central differences, and SciPy's check by forward ones: plain NumPy functions."""

from __future__ import annotations

import importlib

import numpy as np

from experiments.benchmarks.detection.peers.energy import Energy
from experiments.benchmarks.detection.peers.peer import Check, HandAndTape
from manual_mlp import Array

CS231N_STEP = 1e-5  # the notes' own choice
COURSERA_STEP = 1e-7
COURSERA_LIMIT = 1e-7
SCIPY_LIMIT = 1e-5  # ours: SciPy returns a norm and names no limit; its example, a right gradient, gives 3e-8


def central_differences(energy: Energy, step: float) -> Array:
    """(E(θ + h) − E(θ − h)) / 2h for each number in θ, as a course writes it."""
    theta = np.concatenate([a.ravel() for a in energy.start])
    found = np.zeros_like(theta)
    for i, value in enumerate(theta.copy()):
        theta[i] = value + step
        above = energy.flat(theta)
        theta[i] = value - step
        below = energy.flat(theta)
        theta[i] = value
        found[i] = (above - below) / (2 * step)
    return found


def relative_error(a: Array, n: Array) -> float:
    """The largest |a − n| / max(|a|, |n|), 0 where both are 0: the rule of the CS231n notes."""
    size = np.maximum(np.abs(a), np.abs(n))
    return float(np.divide(np.abs(a - n), size, out=np.zeros(size.shape), where=size > 0).max(initial=0.0))


def cs231n(limit: float) -> Check:
    """Entry by entry, each parameter by itself."""

    def check(question: HandAndTape) -> bool:
        numbers = question.energy.split(central_differences(question.energy, CS231N_STEP))
        return all(relative_error(a, n) <= limit for a, n in zip(question.gradients, numbers, strict=True))

    return check


def coursera() -> Check:
    """‖a − n‖ / (‖a‖ + ‖n‖) over all parameters in one vector."""

    def check(question: HandAndTape) -> bool:
        n = central_differences(question.energy, COURSERA_STEP)
        a = np.concatenate([g.ravel() for g in question.gradients])
        whole = np.linalg.norm(a) + np.linalg.norm(n)
        return bool(not whole or np.linalg.norm(a - n) / whole <= COURSERA_LIMIT)

    return check


def scipy_check_grad() -> Check:
    """`scipy.optimize.check_grad`."""
    optimize = importlib.import_module("scipy.optimize")

    def check(question: HandAndTape) -> bool:
        start = np.concatenate([a.ravel() for a in question.energy.start])
        gradient = np.concatenate([g.ravel() for g in question.gradients])
        return bool(optimize.check_grad(question.energy.flat, lambda theta: gradient, start) <= SCIPY_LIMIT)

    return check
