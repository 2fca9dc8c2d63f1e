"""The derivative along a line of a function that only gives values: with an error that can be relied on.

Ridders' estimate is honest for a smooth function at a fitting step. Here neither is known: so several steps are tried,
the rounding of the values is measured and counted in, and what is found has to come out again from other points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradient_diff.witnesses.ridders import one_sided, ridders
from manual_mlp.extend import GATE

Line = Callable[[float], float]

FIRST_STEP = 0.1  # of the natural length
FINER = 50.0  # from one step to the next: Ridders' own table spans a factor of 27
MOST_STEPS = 6  # down from the first one
ASIDE = 1.25  # a second run takes its points in between those of the first
ENOUGH = 1e-8  # relative: no other step is tried below it
POOR = 1e-6  # relative: steps wider than the natural length are tried above it
CONVERGED = 0.1  # relative: the error of a wider step that is believed
CLOSER = 1e-4  # of a step: where a single difference has to agree, or there is more to see
AGREES = 0.01  # relative: how well
CLEARLY = 4.0  # times: what is estimated from a few points, a roughness or an error, may be off by a factor of two
POINTS, ORDERS = 9, (6, 7, 8)  # of the difference table that shows the rounding
SPACING = 0.05  # of its points, in steps: sees a kink within reach; sixth differences lose what is smooth
WIDE_SPACING = 0.1  # the same over the whole of a step
BISECTIONS = 40  # of the way on which values begin to change
FLATTER = 1e-3  # of what a stair of that width would jump by
ULPS = 50.0  # of the argument, the least step: Ridders goes down to a 27th of it


@dataclass(frozen=True)
class Estimate:
    """A derivative, and how far off it may be; inf where nothing could be found."""

    value: float
    error: float

    @property
    def known(self) -> bool:
        """Whether it says anything."""
        return math.isfinite(self.value) and math.isfinite(self.error)

    def agrees(self, other: Estimate) -> bool:
        """Whether both can be right."""
        return abs(self.value - other.value) <= self.error + other.error


UNKNOWN = Estimate(0.0, math.inf)


@dataclass(frozen=True)
class Reach:
    """Over which lengths a function may change along a line.

    Attributes:
        natural: that of its argument, tried first.
        widest: the longest that may matter.
        unit: what the argument is rounded by: no step comes near it.
        noise: what the values are rounded by, at the least.
        relative: unit roundoff of the values: what is small where it starts may grow, and its rounding with it.
    """

    natural: float
    widest: float
    unit: float
    noise: float = 0.0
    relative: float = 2.0**-53

    @property
    def finer(self) -> list[float]:
        """Steps from the natural one down; at least that one."""
        steps = [FIRST_STEP * self.natural / FINER**k for k in range(MOST_STEPS)]
        return [step for k, step in enumerate(steps) if not k or step > ULPS * self.unit]

    @property
    def wider(self) -> list[float]:
        """Steps beyond it."""
        count = math.ceil(math.log(max(self.widest / self.natural, 1.0), FINER))
        return [FIRST_STEP * self.natural * FINER**k for k in range(1, count + 1)]


def derivative(line: Line, reach: Reach, enough: float = 0.0, expected: float = 0.0) -> Estimate:
    """f′(0) of a function of one number, central."""
    return _best(line, reach, 0, enough, expected)


def sided(line: Line, reach: Reach) -> tuple[Estimate, Estimate]:
    """f′(0−) and f′(0+), which are not one at a kink."""
    return _best(line, reach, -1), _best(line, reach, 1)


def _best(line: Line, reach: Reach, side: int, enough: float = 0.0, expected: float = 0.0) -> Estimate:
    runs: list[tuple[float, Estimate]] = []
    with np.errstate(all="ignore"):
        for step in reach.finer:
            runs.append((step, _confirmed(line, step, reach, side)))
            found = _consistent(runs)
            if found.error <= max(ENOUGH * abs(found.value), enough) and _holds(line, step, reach, found, side):
                break
        else:
            if _unresolved(line, reach, side):
                return UNKNOWN
        found = _consistent(runs)
        doubtful = found.value == 0.0 and abs(expected) > found.error
        if doubtful or found.error > max(POOR * abs(found.value), enough):
            wider = [(step, _confirmed(line, step, reach, side)) for step in reach.wider]
            runs += [(step, run) for step, run in wider if doubtful or _smooth(line, step, reach, run)]
        return _contested(line, reach, side, runs)


def _contested(line: Line, reach: Reach, side: int, runs: list[tuple[float, Estimate]]) -> Estimate:
    """What is found; where values are flat from near but not from afar, whether it is a kink or coarse stairs."""
    found = _consistent(runs)
    level = [(step, run) for step, run in runs if run.known and all(line(s * step) == 0 for s in _sides(side))]
    near, flat = max(level, key=lambda pair: pair[0], default=(math.inf, UNKNOWN))
    far = min((step for step, _ in runs if step > near), default=0.0)
    if not far:
        return found
    if all(_leaves_without_jump(line, near, far, sign) for sign in _sides(side)):
        return flat
    step = next((step for step, run in runs if run is found), 0.0)
    if not found.value or (not side and _smooth(line, step, reach, found)):
        return found
    return Estimate(0.0, abs(found.value) + found.error)


def _leaves_without_jump(line: Line, near: float, far: float, sign: int) -> bool:
    """Whether values that are flat from near begin to change as behind a kink: a stair's jump is as high as it is wide.

    What is flat because a part of it is computed coarsely has stairs, and its derivative is not 0.
    """
    if line(sign * far) == 0:
        return True
    low, high = near, far
    for _ in range(BISECTIONS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if line(sign * middle) == 0 else (low, middle)
    return abs(line(sign * high)) <= FLATTER * abs(line(sign * far)) * low / far


def _confirmed(line: Line, step: float, reach: Reach, side: int) -> Estimate:
    """One run, and another from points in between: what they differ by is error, too."""
    slope = abs(_slope(line, step, side))  # by which the argument's own rounding counts
    seen = [_noise(line, max(step * SPACING, GATE * reach.unit), side), reach.unit * slope, reach.noise]
    # NaN where one side of the line only has values: the runs see for themselves.
    noise = GATE * max(n if math.isfinite(n) else 0.0 for n in seen)
    steps = step, step / ASIDE
    runs = [one_sided(line, side, s, noise) if side else ridders(line, s, noise) for s in steps]
    values, errors = zip(*runs, strict=True)
    if not np.isfinite([*values, *errors, slope]).all():
        return UNKNOWN
    stairs = 2 * slope if values[0] == 0.0 else 0.0  # flat from near, but not over the step
    return Estimate(values[0], max(CLEARLY * max(errors), stairs) + max(values) - min(values))


def _consistent(runs: list[tuple[float, Estimate]]) -> Estimate:
    """The smallest error among those that no finer run contradicts: from afar a function may look like another."""
    ordered = [run for _, run in sorted(runs, key=lambda pair: pair[0]) if run.known]
    believed: list[Estimate] = []
    for place, found in enumerate(ordered):
        run = _flat(ordered[place:]) if found.value == 0.0 else found
        if all(run.agrees(finer) for finer in believed):
            believed.append(run)
    return min(believed, key=lambda run: run.error, default=UNKNOWN)


def _flat(runs: list[Estimate]) -> Estimate:
    """Flat here, but not further away: from too near, a part that is computed coarsely looks just like that."""
    coarser = next((run for run in runs[1:] if run.value or run.error > runs[0].error), runs[0])
    return Estimate(0.0, abs(coarser.value) + coarser.error)


def _smooth(line: Line, step: float, reach: Reach, run: Estimate) -> bool:
    """Whether a run from afar converges, and to one number from both sides: what saturates or bends does neither."""
    limit = CONVERGED * abs(run.value)
    if run.error >= limit:
        return False
    return all(abs(_confirmed(line, step, reach, side).value - run.value) <= limit for side in (-1, 1))


def _holds(line: Line, step: float, reach: Reach, run: Estimate, side: int) -> bool:
    """Whether a much smaller step shows nothing else, such as a narrow peak."""
    near = max(step * CLOSER, ULPS * reach.unit)
    lost = GATE * max(reach.noise, reach.unit * abs(run.value)) / near
    return abs(_slope(line, near, side) - run.value) <= run.error + 2 * lost + AGREES * abs(run.value)


def _unresolved(line: Line, reach: Reach, side: int) -> bool:
    """Whether the values are rough over the finest step, but smooth from one number to the next: then no step fits."""
    step = reach.finer[-1]
    seen = _noise(line, step * WIDE_SPACING, side)
    grown = [reach.relative * abs(line(sign * POINTS * step * WIDE_SPACING)) for sign in _sides(side)]
    known = [n for n in (*grown, reach.unit * abs(_slope(line, step, side))) if math.isfinite(n)]
    expected = GATE * max([reach.noise, *known])
    return seen > CLEARLY * expected and seen > CLEARLY * _noise(line, max(2 * reach.unit, step * CLOSER**2), side)


def _noise(line: Line, spacing: float, side: int) -> float:
    """From one side at a time, so that a kink just here is not taken for noise."""
    return max(value_noise(line, spacing, s) for s in _sides(side))


def _sides(side: int) -> tuple[int, ...]:
    return (side,) if side else (-1, 1)


def _slope(line: Line, step: float, side: int) -> float:
    """One difference, central or to one side."""
    return (line(step) - line(-step)) / (2 * step) if not side else (line(side * step) - line(0.0)) / (side * step)


def value_noise(line: Line, spacing: float, side: int = 0) -> float:
    """One standard deviation of the rounding in a function's values: high differences of a smooth function are that.

    σ² = (k!)²/(2k)! · mean square of the k-th differences. The largest of several k counts.

    Source: Moré and Wild, Estimating computational noise, SIAM J. Sci. Comput. 33, 2011.
    """
    places = [side * j if side else j - POINTS // 2 for j in range(POINTS)]
    values = np.array([line(j * spacing) for j in places])
    sigmas = [
        math.sqrt(float(np.mean(np.diff(values, k) ** 2)) * math.factorial(k) ** 2 / math.factorial(2 * k))
        for k in ORDERS
    ]
    return max(sigmas)
