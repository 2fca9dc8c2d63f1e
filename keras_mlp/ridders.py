"""Ridders' central differences with an error estimate: the witness where the forward pass cannot run in complex."""

from __future__ import annotations

import math
from collections.abc import Callable

SHRINK = 1.6  # the step from one row of the table to the next
ROWS = 8
WORSE = 2.0  # stop once the newest diagonal entry is this much worse than the best


def ridders(function: Callable[[float], float], step: float = 0.1) -> tuple[float, float]:
    """f′(0) by extrapolating (f(h) − f(−h))/2h to h → 0.

    Each row of the table takes a smaller h, each column removes one more even power of h from the error. The entry that
    differs least from its neighbours is the answer, and that difference its error estimate.

    Args:
        function: of one real number, smooth near 0.
        step: the first h; a length over which the function changes noticeably.

    Returns:
        The derivative and the estimate of its error.

    Source: Ridders, Advances in Engineering Software 4, 1982.

    Example:
        >>> derivative, error = ridders(lambda h: math.exp(2 * h))
        >>> abs(derivative - 2.0) <= max(error, 1e-9) < 1e-8
        True
    """
    best, error = 0.0, math.inf
    above: list[float] = []
    for row in range(ROWS):
        h = step / SHRINK**row
        line = [(function(h) - function(-h)) / (2 * h)]
        power = 1.0
        for column, before in enumerate(above):
            power *= SHRINK**2
            line.append((line[column] * power - before) / (power - 1))
            estimate = max(abs(line[-1] - line[-2]), abs(line[-1] - before))
            if estimate < error:
                best, error = line[-1], estimate
        if above and abs(line[-1] - above[-1]) > WORSE * error:
            break
        above = line
    return best, error
