"""Ridders' differences with an error estimate: the witness where the forward pass cannot run in complex."""

from __future__ import annotations

import math
from collections.abc import Callable

SHRINK = 1.6  # the step from one row of the table to the next
ROWS = 8
WORSE = 2.0  # stop once the newest diagonal entry is this much worse than the best


def ridders(function: Callable[[float], float], step: float = 0.1, noise: float = 0.0) -> tuple[float, float]:
    """f′(0) by extrapolating (f(h) − f(−h))/2h to h → 0.

    Each row of the table takes a smaller h, each column removes one more even power of h from the error. The entry that
    differs least from its neighbours is the answer, and that difference its error estimate.

    Source: Ridders, Advances in Engineering Software 4, 1982.
    """
    return _extrapolated(lambda h: (function(h) - function(-h)) / (2 * h), step, SHRINK**2, noise)


def one_sided(
    function: Callable[[float], float], side: int, step: float = 0.1, noise: float = 0.0
) -> tuple[float, float]:
    """f′(0+) or f′(0−), by extrapolating (f(±h) − f(0))/±h: the two are not one at a kink."""
    start = function(0.0)
    return _extrapolated(lambda h: (function(side * h) - start) / (side * h), step, SHRINK, 2 * noise)


def _extrapolated(
    quotient: Callable[[float], float], step: float, factor: float, noise: float = 0.0
) -> tuple[float, float]:
    """Ridders' table of a quotient whose error is a series in powers of `factor` from row to row."""
    best, error = 0.0, math.inf
    above: list[float] = []
    for row in range(ROWS):
        h = step / SHRINK**row
        if noise / h > error:  # from here on rounding alone is more than that
            break
        line = [quotient(h)]
        power, lost = 1.0, noise / h
        for column, before in enumerate(above):
            power *= factor
            line.append((line[column] * power - before) / (power - 1))
            lost *= (power + 1) / (power - 1)  # the sum of the magnitudes of the weights in this entry
            estimate = max(abs(line[-1] - line[-2]), abs(line[-1] - before)) + lost
            if estimate < error:
                best, error = line[-1], estimate
        if above and abs(line[-1] - above[-1]) > WORSE * error:
            break
        above = line
    return best, error
