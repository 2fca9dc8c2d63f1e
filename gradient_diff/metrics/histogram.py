"""How the differences are spread: a histogram with logarithmic bins, read off the bits of the floats themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from manual_mlp import Array

LOWEST_DECADE = -309
"""Everything below 1e-308 counts as in this decade: those floats have fewer bits than the bins."""

_SHIFT = 49  # of 52 bits of mantissa 3 count: eight bins per octave
_POWERS = np.array([float(f"1e{k}") for k in range(LOWEST_DECADE + 1, 309)])
_HOLDS_POWER = np.zeros(2048 << 3, bool)
_HOLDS_POWER[_POWERS.view(np.int64) >> _SHIFT] = True
_DECADE = np.searchsorted(_POWERS.view(np.int64) >> _SHIFT, np.arange(len(_HOLDS_POWER)), side="right")
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Spread:
    """A histogram of |h − r|; nothing is computed before it is asked for.

    The bits of a float that is not negative, read as a whole number, are in the order of the floats: its exponent and
    the three bits after it are the bin. The few bins with a power of ten inside are told apart entry by entry.

    Attributes:
        bins: (b,), those that hold an entry, ascending.
        counts: (b,), how many.
        split: by decade from the lowest, the entries in bins that a power of ten divides.
        zeros: entries that are 0.
        largest: of all entries.
    """

    bins: Array = field(default_factory=lambda: _NONE)
    counts: Array = field(default_factory=lambda: _NONE)
    split: Array = field(default_factory=lambda: _NONE)
    zeros: int = 0
    largest: float = math.nan

    def decades(self) -> tuple[tuple[int, int], ...]:
        """(k, n) for n > 0 entries from 10ᵏ up to below 10ᵏ⁺¹; zeros are in none, infinities in the last."""
        whole = ~_HOLDS_POWER[self.bins]
        counts = np.zeros(len(_POWERS) + 1, np.int64)
        counts[: len(self.split)] = self.split
        np.add.at(counts, _DECADE[self.bins[whole]], self.counts[whole])
        counts[0] -= self.zeros
        return tuple((int(i) + LOWEST_DECADE, int(counts[i])) for i in np.flatnonzero(counts))

    def quantile(self, share: float) -> float:
        """So large is so great a share of the entries, at most: the upper edge of a bin, at most 12.5 % above it."""
        if not len(self.bins):
            return math.nan
        up_to = np.cumsum(self.counts)
        rank = math.ceil(share * int(up_to[-1]))
        if rank <= self.zeros:
            return 0.0
        edge = (self.bins[np.searchsorted(up_to, rank)] + 1) << _SHIFT
        return min(float(edge.view(np.float64)), self.largest)


@dataclass
class Histogram:
    """Counts a `Spread` block by block.

    Attributes:
        bins: counts by bin.
        split: as in `Spread`.
    """

    bins: Array = field(default_factory=lambda: _NONE)
    split: Array = field(default_factory=lambda: _NONE)

    def add(self, differences: Array) -> None:
        """Count a block, float64, none negative or NaN."""
        of_entries = differences.view(np.int64) >> _SHIFT
        self.bins = _sum(self.bins, np.bincount(of_entries))
        divided = differences[_HOLDS_POWER[of_entries]]
        if divided.size:
            self.split = _sum(self.split, np.bincount(np.searchsorted(_POWERS, divided, side="right")))

    def spread(self, zeros: int, largest: float) -> Spread:
        """What was counted."""
        held = (self.bins != 0).nonzero()[0]  # of truth values it takes a quarter of the time
        return Spread(held, self.bins[held], self.split, zeros, largest)


def _sum(a: Array, b: Array) -> Array:
    """a + b, the shorter one filled up with zeros; the longer one is written to."""
    short, long = (a, b) if len(a) < len(b) else (b, a)
    if short.size:
        long[: len(short)] += short
    return long
