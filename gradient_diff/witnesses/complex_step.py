"""The third witness: derivatives by complex step through the forward pass alone, independent of every backward formula.

E(θ + i h d) = E(θ) + i h dE/dθ·d + O(h²), so dE/dθ·d = Im E / h with h = 1e-30: exact to rounding, with no step size to
choose, since nothing is subtracted. Kinks are taken on the branch of the real part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from manual_mlp import Array, Problem
from manual_mlp.extend import variable_of

Asked: TypeAlias = Callable[[str, Array], tuple[float, float]]
"""A witness from outside: (parameter, direction) → the derivative of E along it, and the error of that number."""

STEP = 1e-30  # its square vanishes beside 1, so that Im E / h has no truncation error
WORST = 4  # entries asked for per node
PASSES = 24  # complex forward passes per comparison; each costs about four real ones
SMALLEST_LIMIT = 1e-300  # stands in for a tolerance of 0, so that any difference is infinitely large beside it


@np.errstate(over="ignore", invalid="ignore")  # where E overflows the witness says NaN, by which nobody is convicted
def directional_derivative(problem: Problem, name: str, direction: Array) -> float:
    """⟨dE/d(name), direction⟩ by complex step, in float64.

    Source: Squire and Trapp, SIAM Review 40, 1998; Martins, Sturdza and Alonso, 2003.
    """
    problem = problem.float64
    environment = {n: a if a.dtype.kind in "iu" else a.astype(complex) for n, a in problem.environment.items()}
    forward = [e for e in problem.equations if e.node in problem.forward_nodes]
    if name not in environment and name not in {e.node for e in forward}:
        raise KeyError(f"{name!r} is not in the forward pass: {', '.join([*environment, *(e.node for e in forward)])}.")
    nudge = 1j * STEP * direction
    if name in environment:
        environment[name] = environment[name] + nudge
    for equation in forward:
        environment[equation.node] = equation.evaluate(environment)
        if equation.node == name:
            environment[name] = environment[name] + nudge
    return float(environment["loss"].imag / STEP)


@dataclass(frozen=True, eq=False)
class Testimony:
    """What is true of a gradient at the entries where the two sides disagree most, and along one direction.

    Attributes:
        indices: of those entries.
        truth: dE/d(entry) there.
        direction: ±1 per entry, so that no entry goes unasked; None where the entries are all there is.
        along: ⟨gradient, direction⟩.
        passes: complex forward passes spent.
    """

    indices: tuple[tuple[int, ...], ...]
    truth: tuple[float, ...]
    direction: Array | None = None
    along: float = 0.0
    passes: int = 0

    def distance(self, side: Array, limit: Array) -> float:
        """How far a side is from this, at the entries and along the direction, the largest counts."""
        pairs = [(float(side[i]) - t, float(limit[i])) for i, t in zip(self.indices, self.truth, strict=True)]
        if self.direction is not None:
            pairs.append((float((side * self.direction).sum()) - self.along, float(limit.sum())))
        return max(abs(off) / max(explained, SMALLEST_LIMIT) for off, explained in pairs)


def testify(problem: Problem, node: str, difference: Array, passes: int = WORST + 1, seed: int = 0) -> Testimony:
    """Ask for the derivative at the entries of the largest |difference|, and along one direction through all of them.

    The direction has the signs of the difference, along which a wrong side is furthest off; where there is no
    difference, random ones.
    """
    name = variable_of(node)
    whole = 1 < passes <= difference.size
    indices = largest(difference, min(passes - whole, WORST))
    truth = []
    for index in indices:
        unit = np.zeros(difference.shape)
        unit[index] = 1.0
        truth.append(directional_derivative(problem, name, unit))
    if not whole:
        return Testimony(indices, tuple(truth), passes=len(indices))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], difference.shape)
    direction = np.where(difference == 0, signs, np.sign(difference))
    along = directional_derivative(problem, name, direction)
    return Testimony(indices, tuple(truth), direction, along, len(indices) + 1)


def largest(difference: Array, count: int) -> tuple[tuple[int, ...], ...]:
    """Indices of the entries of the largest magnitude."""
    flat = np.argsort(-np.abs(difference), axis=None, kind="stable")[:count]
    return tuple(tuple(int(i) for i in np.unravel_index(k, difference.shape)) for k in flat)
