"""measure: all metrics of two arrays in one pass, in pieces that fit the cache."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from gradient_diff.metrics.record import Entry, Metrics
from gradient_diff.metrics.sums import cosine, quotient, relative, root
from gradient_diff.metrics.tally import Tally, Worst, coarser
from manual_mlp import Array
from manual_mlp.extend import Arrays, read_array

TOP = 10  # worst entries that are kept
BLOCK = 32768
"""Entries of a piece: eight bytes each, in five arrays at a time, stay within a second-level cache of 2 MB, and the
calls on a piece cost a tenth of the work on its entries."""


def measure(hand: npt.ArrayLike, reference: npt.ArrayLike, *, top: int = TOP) -> Metrics:
    """All metrics of one pair of arrays, in one pass and without a copy of either.

    The arrays are read in blocks that fit the cache, so two arrays of any size take a few MB besides their own.

    Args:
        hand: any shape, layout and dtype of real numbers; it may be empty, and hold NaN and infinities.
        reference: the same shape; nothing is broadcast.
        top: how many of the worst entries to keep, 1 or more.

    Returns:
        The `Metrics`.

    Raises:
        TypeError: an array holds something else than real numbers.
        ValueError: shapes differ, or top is below 1.

    Example:
        >>> import numpy as np
        >>> m = measure(np.float32([1, 2, np.nan]), np.float32([1, 2.5, 3]))
        >>> m.max_abs_difference, m.worst_index, m.finite, m.nan_hand
        (0.5, (1,), 2, 1)
    """
    h, r = _real("hand", hand), _real("reference", reference)
    if h.shape != r.shape:
        raise ValueError(f"measure() of shapes {h.shape} and {r.shape}: expected two arrays of one shape.")
    if top < 1:
        raise ValueError(f"measure(top={top}): expected how many of the worst entries to keep, 1 or more.")
    memory_h, memory_r, turned = in_order_of_memory(h, r)
    tally = Tally(coarser(h.dtype, r.dtype), Worst(top))
    with np.errstate(all="ignore"):  # 1e308 − (−1e308) is ∞, and says so
        for start, a, b in blocks(memory_h, memory_r):
            tally.add(start, a, b)
    return _record(tally, h, r, turned)


def worst_entries(hand: Arrays, reference: Arrays, names: Iterable[str], top: int) -> dict[str, tuple[Entry, ...]]:
    """name → the entries that are furthest apart, the furthest first.

    Arrays that are equal, or of two shapes, or on one side only, are left out.
    """
    if top < 1:
        raise ValueError(f"top={top}: expected 1 or more.")
    both = [n for n in names if n in hand and n in reference and hand[n].shape == reference[n].shape]
    found = {name: measure(hand[name], reference[name], top=top).worst for name in both}
    return {name: entries for name, entries in found.items() if entries}


def _real(title: str, array: npt.ArrayLike) -> Array:
    result = read_array(f"measure(): {title}", array)
    if result.dtype.kind not in "fiub" and result.dtype.name != "bfloat16":
        raise TypeError(f"measure(): {title} is {result.dtype}: expected an array of real numbers.")
    return result


def in_order_of_memory(h: Array, r: Array) -> tuple[Array, Array, bool]:
    """Both arrays, turned round where both lie column by column."""
    if h.ndim < 2 or h.flags.c_contiguous or r.flags.c_contiguous:
        return h, r, False
    turned = h.flags.f_contiguous and r.flags.f_contiguous
    return (h.T, r.T, True) if turned else (h, r, False)


def blocks(h: Array, r: Array, size: int = BLOCK) -> Iterator[tuple[int, Array, Array]]:
    """Where a piece begins, and flat pieces of both arrays, in C order; they hold until the next ones are asked for."""
    if h.flags.c_contiguous and r.flags.c_contiguous:
        h, r = h.reshape(-1), r.reshape(-1)
        for start in range(0, h.size, size):
            yield start, h[start : start + size], r[start : start + size]
        return
    start = 0
    pieces = np.nditer([h, r], flags=["external_loop", "buffered", "zerosize_ok"], order="C", buffersize=size)
    for a, b in pieces:
        yield start, a, b
        start += a.size


def _entries(positions: Array, h: Array, r: Array, turned: bool) -> tuple[Entry, ...]:
    if not h.ndim:
        return (Entry((), float(h), float(r)),)[: len(positions)]
    at = np.unravel_index(positions, h.shape, order="F" if turned else "C")  # blocks count as the memory does
    hand, reference = (side[at].astype(np.float64, copy=False).tolist() for side in (h, r))
    indices = zip(*[axis.tolist() for axis in at], strict=True)
    return tuple(map(Entry._make, zip(indices, hand, reference, strict=True)))


def _first(tally: Tally, h: Array, r: Array, turned: bool) -> Entry:
    """Where all are equal, the first finite pair is as far apart as any."""
    if tally.first is None:
        return Entry((), math.nan, math.nan)
    return _entries(np.array([tally.first]), h, r, turned)[0]


def _record(tally: Tally, h: Array, r: Array, turned: bool) -> Metrics:
    worst = _entries(tally.worst.positions, h, r, turned)
    furthest = worst[0] if worst else _first(tally, h, r, turned)
    largest = float(tally.worst.differences[0]) if worst else 0.0
    known = 1.0 if tally.finite else math.nan  # an empty sum is 0, which would read as agreement
    return Metrics(
        shape=h.shape,
        norm_hand=known * root(tally.hh),
        norm_reference=known * root(tally.rr),
        relative_l2=known * relative(tally.dd, tally.rr),
        max_abs_difference=known * largest,
        needed_rtol=known * _ratio(largest, tally.largest_reference),
        worst_index=furthest.index,
        worst_hand=furthest.hand,
        worst_reference=furthest.reference,
        cosine=cosine(tally.hh, tally.rr, tally.hr),
        scale=quotient(tally.hr, tally.rr),
        sign_disagreements=tally.opposite,
        differing=tally.differing,
        size=h.size,
        finite=tally.finite,
        nan_hand=tally.nan[0],
        nan_reference=tally.nan[1],
        inf_hand=tally.inf[0],
        inf_reference=tally.inf[1],
        max_ulps=tally.max_ulps,
        within_1_ulp=tally.within_1_ulp,
        within_16_ulps=tally.within_16_ulps,
        worst=worst,
        spread=tally.histogram.spread(tally.finite - tally.differing, largest),
    )


def _ratio(difference: float, reference: float) -> float:
    if reference:
        return difference / reference
    return math.inf if difference else 0.0
