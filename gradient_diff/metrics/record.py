"""What is measured of two arrays: one record of plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gradient_diff.metrics.histogram import Spread
from gradient_diff.shown import printed


class Entry(NamedTuple):
    """One entry of both arrays.

    Attributes:
        index: where it is.
        hand, reference: the two values there.

    Example:
        >>> Entry((3, 2), 1.0, 1.5).index
        (3, 2)
    """

    index: tuple[int, ...]  # type: ignore[assignment]  # it hides the search of a tuple, which nobody needs here
    hand: float
    reference: float


@dataclass(frozen=True)
class Metrics:
    """Distances between a hand array h and a reference array r of one shape, computed in float64.

    Pairs in which either side is NaN or infinite are counted and left out of everything else. Where no finite pair is
    left, as in an empty array, what would need one is nan and the counts are 0.

    Attributes:
        shape: of both.
        norm_hand, norm_reference: ‖h‖₂, ‖r‖₂.
        relative_l2: ‖h − r‖₂ / ‖r‖₂; 0 where both are zero, inf where only r is.
        max_abs_difference: max |h − r|.
        needed_rtol: max |h − r| / max |r|, the smallest relative tolerance that would have passed; 0 where both are
            zero, inf where only r is.
        worst_index: where that is; the first in memory, where several are as far apart.
        worst_hand, worst_reference: the two values there.
        cosine: ⟨h, r⟩ / (‖h‖ ‖r‖); nan where one is zero.
        scale: ⟨h, r⟩ / ⟨r, r⟩, the factor of r that fits h best; nan where r is zero.
        sign_disagreements: entries of opposite sign, zeros not counted.
        differing: entries that are not bit-equal in value.
        size: entries.
        finite: pairs of which both sides are finite: those that are measured.
        nan_hand, nan_reference: entries that are NaN.
        inf_hand, inf_reference: entries that are ∞ or −∞.
        max_ulps: the most floats of the coarser dtype that lie between the two sides of an entry, 1 for neighbours;
            whole numbers count as float64.
        within_1_ulp, within_16_ulps: entries no further apart than that.
        worst: the entries furthest apart, the furthest first; none that is equal.
        spread: a histogram of |h − r|.

    Example:
        >>> import numpy as np
        >>> from gradient_diff import measure
        >>> m = measure(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
        >>> m.scale, m.cosine, m.worst_index
        (2.0, 1.0, (1,))
        >>> m.decades, m.worst[1]
        (((0, 2),), Entry(index=(0,), hand=2.0, reference=1.0))
    """

    shape: tuple[int, ...]
    norm_hand: float
    norm_reference: float
    relative_l2: float
    max_abs_difference: float
    needed_rtol: float
    worst_index: tuple[int, ...]
    worst_hand: float
    worst_reference: float
    cosine: float
    scale: float
    sign_disagreements: int
    differing: int
    size: int
    finite: int
    nan_hand: int
    nan_reference: int
    inf_hand: int
    inf_reference: int
    max_ulps: int
    within_1_ulp: int
    within_16_ulps: int
    worst: tuple[Entry, ...]
    spread: Spread = field(repr=False, compare=False)

    @property
    def median_difference(self) -> float:
        """So large is |h − r| in half of the entries, at most.

        Read from a histogram with eight bins per octave, and so up to 12.5 % too large, but never too small.
        """
        return self.spread.quantile(0.5)

    @property
    def p90_difference(self) -> float:
        """So large is |h − r| in 90 % of the entries, at most; see `median_difference`."""
        return self.spread.quantile(0.9)

    @property
    def p99_difference(self) -> float:
        """So large is |h − r| in 99 % of the entries, at most; see `median_difference`."""
        return self.spread.quantile(0.99)

    @property
    def decades(self) -> tuple[tuple[int, int], ...]:
        """(k, n) for n entries of 10ᵏ ≤ |h − r| < 10ᵏ⁺¹, those with n > 0, ascending; equal entries are in none."""
        return self.spread.decades()

    def __str__(self) -> str:
        return printed(self)
