"""Whether values jump just where a line starts: no derivative there, but slopes on both sides all the same."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gradient_diff.witnesses.along_a_line import Line, Reach
from manual_mlp.extend import GATE

NEAREST = 8.0  # roundings of the argument: the first step
STEPS = (1.0, 4.0, 16.0, 64.0, 256.0)  # times that; smooth values grow along them in proportion
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
    own = reach.unit / reach.relative  # the size of what moves; at 0 its neighbours'
    step = NEAREST * max(reach.unit, reach.relative * min(own or reach.natural, reach.natural))
    with np.errstate(all="ignore"):  # beside NaN and Inf
        jump = Jump(*(_height(line, side * step, CLEAR * reach.noise) for side in (-1, 1)))
    return jump if jump.below or jump.above else None


def _height(line: Line, step: float, noise: float) -> float:
    """What the values are off by at once, taken to a step of 0; 0.0 where they begin where they should."""
    near, far = line(step * STEPS[0]), line(step * STEPS[-1])
    if not math.isfinite(near) or abs(near) <= noise or not _level(near, far):
        return 0.0
    between = [line(step * s) for s in STEPS[1:-1]]
    if not all(_level(near, value) for value in between):
        return 0.0
    return near + (near - between[0]) * STEPS[0] / (STEPS[1] - STEPS[0])


def _level(near: float, other: float) -> bool:
    return math.isfinite(other) and abs(other - near) <= LEVEL * abs(near)
