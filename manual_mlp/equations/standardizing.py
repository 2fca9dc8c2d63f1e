"""Fixed statistics of data: (x − μ)/max(√v, ε), and what goes back through it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from manual_mlp.arrays import Array, Shape
from manual_mlp.equations.local_rounding import Local, Precision
from manual_mlp.equations.operations import Operation, moved, show
from manual_mlp.errors import ShapeError

Statistic: TypeAlias = float | tuple[float, ...]
"""One number for all units, or one for each."""

LEAST = 1e-7  # ε: Keras's backend.epsilon()


@dataclass(frozen=True)
class Standardize(Operation):
    """z = (x − μ)/s with s = max(√v, ε), unit by unit; without a μ, dE/dx = dE/dz / s."""

    mean: Statistic | None
    variance: Statistic

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        a = operands[0]
        centred = a if self.mean is None else a - self._held(self.mean, a)
        return moved(np.asarray(centred / self._spread(a)), out)

    def _held(self, statistic: Statistic, a: Array) -> Array:
        return np.asarray(statistic, np.float64).astype(a.real.dtype)

    def _spread(self, a: Array) -> Array:
        least = np.asarray(LEAST).astype(a.real.dtype)
        return np.asarray(np.maximum(np.sqrt(self._held(self.variance, a)), least))

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        """The difference's rounding, the quotient's and that of 1/s; μ, v and √v are off for all samples alike."""
        u = at.u
        own = u * np.abs(result)  # three roundings, u/√3 each
        shared = [(u * np.sqrt(1 / 4 + 1 / 3) * result, "unit")]  # half of what v is off by, and √v's rounding
        if self.mean is not None:
            lost = u * self._held(self.mean, operands[0]) / self._spread(operands[0])
            shared.append((np.broadcast_to(lost, result.shape), "unit"))
        return Local(((own, "entry"), *shared))  # type: ignore[arg-type]  # a share

    def shape(self, *shapes: Shape) -> Shape:
        units = next((len(s) for s in (self.mean, self.variance) if isinstance(s, tuple)), None)
        if units is not None and isinstance(shapes[0][-1], int) and shapes[0][-1] != units:
            raise ShapeError(f"{show(shapes[0])}: μ and v are of {units} units, and not of {shapes[0][-1]}")
        return shapes[0]

    def render(self, *symbols: str) -> str:
        above = symbols[0] if self.mean is None else f"({symbols[0]} − μ)"
        return f"{above}/max(√v, {LEAST:g})"


def statistic(what: str, value: object) -> Statistic:
    """A number, or one per unit, finite; a list, as JSON has it, becomes a tuple."""
    given = np.asarray(value)
    if given.dtype.kind not in "fiu" or given.ndim > 1 or not given.size:
        raise TypeError(f"{what} is {value!r}: expected a number, or one per unit, such as (0.5, 2.0).")
    numbers = tuple(map(float, given.reshape(-1)))
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"{what} is {value!r}: expected finite numbers.")
    return numbers if given.ndim else numbers[0]
