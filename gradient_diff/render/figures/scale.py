"""A logarithmic scale between 0 and 1, with a place for zero on its left and for infinity on its right."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_FLOOR = 0.06  # where the decades begin; what is left of it is zero
_TICKS = 6


@dataclass(frozen=True)
class Scale:
    """Decades from 10^low to 10^high."""

    low: int
    high: int

    @classmethod
    def of(cls, values: Iterable[float | None], low: float, high: float) -> Scale:
        """Wide enough for all values, and at least from `low` to `high`, which are exponents."""
        logs = [math.log10(v) for v in values if v is not None and math.isfinite(v) and v > 0]
        return cls(math.floor(min([low, *logs])), math.ceil(max([high, *logs])))

    def at(self, value: float) -> float:
        """0 to 1; NaN, which is nowhere, as infinity."""
        if value <= 0:
            return 0.0
        if not math.isfinite(value):
            return 1.0
        return _FLOOR + (1 - _FLOOR) * (math.log10(value) - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> list[int]:
        """Exponents, a few of them."""
        step = max(1, math.ceil((self.high - self.low) / _TICKS))
        return [k for k in range(self.low, self.high + 1) if k % step == 0]
