"""What the blocks add up to: sums, counts, extremes, and the entries furthest apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from gradient_diff.metrics.histogram import Histogram
from gradient_diff.metrics.sums import NOTHING, Sum, plus, products, square
from manual_mlp import Array
from manual_mlp.extend import UNITS


@dataclass
class Tally:
    """All sums, counts and extremes, block by block.

    Attributes:
        ulp: the dtype in whose units distances are counted.
        worst: the entries furthest apart.
        histogram: of |h − r|.
        hh, rr, hr, dd: ⟨h, h⟩, ⟨r, r⟩, ⟨h, r⟩, ⟨h − r, h − r⟩.
        largest_reference: max |r|.
        first: the position of the first finite pair.
        finite, differing, opposite, max_ulps, within_1_ulp, within_16_ulps: counts, as in `Metrics`.
        nan, inf: how many, of hand and reference.
    """

    ulp: np.dtype[Any]
    worst: Worst
    histogram: Histogram = field(default_factory=Histogram)
    hh: Sum = NOTHING
    rr: Sum = NOTHING
    hr: Sum = NOTHING
    dd: Sum = NOTHING
    largest_reference: float = 0.0
    first: int | None = None
    finite: int = 0
    differing: int = 0
    opposite: int = 0
    max_ulps: int = 0
    within_1_ulp: int = 0
    within_16_ulps: int = 0
    nan: tuple[int, int] = (0, 0)
    inf: tuple[int, int] = (0, 0)

    def add(self, start: int, h: Array, r: Array) -> None:
        """Take in a block."""
        a, b = h.astype(np.float64, copy=False), r.astype(np.float64, copy=False)
        found = products(a, b)
        kept = None
        if not math.isfinite(found[0].value + found[1].value):
            kept = self._leave_out(a, b)
            if not kept.size:
                return
            h, r, a, b = h[kept], r[kept], a[kept], b[kept]
            found = products(a, b)
        if self.first is None:
            self.first = start + (0 if kept is None else int(kept[0]))
        self.finite += h.size
        self.largest_reference = max(self.largest_reference, float(b[b.argmax()]), -float(b[b.argmin()]))
        self.hh, self.rr, self.hr = plus(self.hh, found[0]), plus(self.rr, found[1]), plus(self.hr, found[2])
        if self._add_ulps(h.astype(self.ulp, copy=False), r.astype(self.ulp, copy=False)):
            self.opposite += int(np.count_nonzero(((a < 0) & (b > 0)) | ((a > 0) & (b < 0))))
        self._add_differences(np.subtract(a, b, out=None if a is h else a), start, kept)

    def _leave_out(self, a: Array, b: Array) -> Array:
        """Count what is not finite, and say where the finite pairs are."""
        for name, test in (("nan", np.isnan), ("inf", np.isinf)):
            hand, reference = getattr(self, name)
            setattr(self, name, (hand + int(np.count_nonzero(test(a))), reference + int(np.count_nonzero(test(b)))))
        return np.flatnonzero(np.isfinite(a) & np.isfinite(b))

    def _add_ulps(self, h: Array, r: Array) -> bool:
        distances, signs_differ = ulps(h, r)
        largest = int(distances[distances.argmax()])
        self.max_ulps = max(self.max_ulps, largest)
        self.within_1_ulp += h.size if largest <= 1 else int(np.count_nonzero(distances <= 1))
        self.within_16_ulps += h.size if largest <= 16 else int(np.count_nonzero(distances <= 16))
        return signs_differ

    def _add_differences(self, d: Array, start: int, kept: Array | None) -> None:
        np.abs(d, out=d)
        self.differing += int(np.count_nonzero(d.view(np.int64)))
        self.dd = plus(self.dd, square(d))
        self.worst.add(d, start, kept)
        self.histogram.add(d)


@dataclass
class Worst:
    """The k largest of all differences seen, the first of equal ones.

    Attributes:
        most: k, 1 or more.
        differences: (≤ k,), descending.
        positions: (≤ k,), where they are.
    """

    most: int
    differences: Array = field(default_factory=lambda: np.empty(0))
    positions: Array = field(default_factory=lambda: np.empty(0, np.int64))

    def add(self, differences: Array, start: int, kept: Array | None = None) -> None:
        """Look at a block; `kept` says where in it the entries are, if some were left out."""
        full = self.most == len(self.differences)
        threshold = self.differences[-1] if full else 0.0
        if differences[differences.argmax()] <= threshold:
            return  # so ends nearly every block
        found = _largest(differences, threshold, self.most)
        values, places = differences[found], start + (found if kept is None else kept[found])
        if len(self.differences):
            values, places = np.append(self.differences, values), np.append(self.positions, places)
        order = (-values).argsort(kind="stable")[: self.most]
        self.differences, self.positions = values[order], places[order]


def _largest(differences: Array, threshold: float, most: int) -> Array:
    """Where the entries above the threshold are, ascending; of too many those that reach the k-th largest."""
    found = (differences > threshold).nonzero()[0]
    if len(found) <= 4 * most:
        return found
    values = differences[found]
    return found[values >= np.partition(values, -most)[-most]]


@cache
def coarser(h: np.dtype[Any], r: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in whose units distances are counted; whole numbers, and what has no unit, count as float64."""
    known = [d for d in (h, r) if d.name in UNITS]
    found = max(known, key=lambda d: UNITS[d.name], default=np.dtype(np.float64))
    return found.newbyteorder("=") if found.kind == "f" else found  # bfloat16 is always native


def ulps(h: Array, r: Array) -> tuple[Array, bool]:
    """The distance of each pair in units in the last place; −0 and 0 are the same float.

    Patterns of one sign are ordered like the floats that they stand for. Those of opposite sign are counted from zero.
    """
    whole = np.dtype(f"i{h.dtype.itemsize}")
    a, b = h.view(whole), r.view(whole)
    signs = a ^ b
    if signs[signs.argmin()] >= 0:
        np.subtract(a, b, out=signs)
        return np.abs(signs, out=signs), False
    magnitude = np.iinfo(whole).max
    apart = np.abs(a - b).view(f"u{whole.itemsize}")
    from_zero = (a & magnitude).view(apart.dtype) + (b & magnitude).view(apart.dtype)
    return np.where(signs < 0, from_zero, apart), True
