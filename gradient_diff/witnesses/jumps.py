"""Whether values jump just where a line starts: no derivative there, but slopes on both sides all the same."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gradient_diff.witnesses.along_a_line import Line, Reach
from manual_mlp import Array
from manual_mlp.extend import GATE

NEAREST = 8.0  # roundings of the argument: the first step
WIDEST = 256.0  # times that: smooth values grow up to there in proportion
FURTHEST = 1e-6  # of the length, at least: stairs of what cancels in float64 are narrower
BETWEEN = 4
LEVEL = 0.1  # relative: what they may differ by, where they do not grow
CLEAR = GATE**2  # times the rounding of the values


@dataclass(frozen=True)
class Jump:
    """f(0−) − f(0) and f(0+) − f(0) along a line; one of them may be 0."""

    below: float
    above: float

    def continued(self, line: Line) -> Line:
        """The same line with both sides moved to where it starts, so that it has slopes."""
        return lambda t: line(t) - (self.above if t > 0 else self.below if t < 0 else 0.0)

    @property
    def side(self) -> str:
        """On which side."""
        return "on both sides" if self.below and self.above else "on its left" if self.below else "on its right"


def jump_of(line: Line, reach: Reach) -> Jump | None:
    """What the values jump by; None where they do not, or are not finite."""
    length = min(reach.unit / reach.relative or reach.natural, reach.natural)  # of what moves; at 0 its neighbours'
    step = NEAREST * max(reach.unit, reach.relative * length)
    steps = np.geomspace(step, max(WIDEST * step, FURTHEST * length), BETWEEN + 2)
    with np.errstate(all="ignore"):  # beside NaN and Inf
        jump = Jump(*(_height(line, side * steps, CLEAR * reach.noise) for side in (-1, 1)))
    return jump if jump.below or jump.above else None


def _height(line: Line, steps: Array, noise: float) -> float:
    """What the values are off by at once, taken to a step of 0; 0.0 where they begin where they should."""
    near, far = line(float(steps[0])), line(float(steps[-1]))
    if not math.isfinite(near) or abs(near) <= noise or not _level(near, far):
        return 0.0
    between = [line(float(s)) for s in steps[1:-1]]
    if not all(_level(near, value) for value in between):
        return 0.0
    return float(near + (near - between[0]) * steps[0] / (steps[1] - steps[0]))


def _level(near: float, other: float) -> bool:
    return math.isfinite(other) and abs(other - near) <= LEVEL * abs(near)
