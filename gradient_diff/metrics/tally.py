"""What the blocks add up to."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradient_diff.metrics.spread import Histogram
from gradient_diff.metrics.sums import NOTHING, Sum, plus, products, square
from gradient_diff.metrics.ulps import ulps
from gradient_diff.metrics.worst import Worst
from manual_mlp import Array


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

    Example:
        >>> import numpy as np
        >>> tally = Tally(np.dtype(np.float64), Worst(1))
        >>> tally.add(0, np.array([1.0, 2.0]), np.array([1.0, 3.0]))
        >>> tally.differing, tally.dd.value
        (1, 1.0)
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
        """Take in a block.

        Args:
            start: its position.
            h, r: (n,), n > 0.
        """
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
