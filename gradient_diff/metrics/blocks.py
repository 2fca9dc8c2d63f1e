"""Two arrays of one shape, entry by entry in pieces that fit the cache, whatever their layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from manual_mlp import Array

BLOCK = 32768
"""Entries of a piece: eight bytes each, in five arrays at a time, stay within a second-level cache of 2 MB, and the
calls on a piece cost a tenth of the work on its entries."""


def in_order_of_memory(h: Array, r: Array) -> tuple[Array, Array, bool]:
    """Both arrays, turned round where both lie column by column.

    Args:
        h, r: of one shape.

    Returns:
        h and r, or both transposed, and whether they are.

    Example:
        >>> import numpy as np
        >>> in_order_of_memory(np.ones((2, 3)).T, np.ones((2, 3)).T)[2]
        True
    """
    if h.ndim < 2 or h.flags.c_contiguous or r.flags.c_contiguous:
        return h, r, False
    turned = h.flags.f_contiguous and r.flags.f_contiguous
    return (h.T, r.T, True) if turned else (h, r, False)


def blocks(h: Array, r: Array, size: int = BLOCK) -> Iterator[tuple[int, Array, Array]]:
    """Flat pieces of both arrays, in C order.

    Args:
        h, r: of one shape; of any layout, which is copied piece by piece where it must be.
        size: entries of a piece, at most.

    Yields:
        The position of its first entry, and the two pieces, (n,) each; they hold until the next ones are asked for.

    Example:
        >>> import numpy as np
        >>> [(start, h.tolist()) for start, h, _ in blocks(np.arange(3), np.ones(3), size=2)]
        [(0, [0, 1]), (2, [2])]
    """
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


def axes(positions: Array, shape: Sequence[int], turned: bool) -> tuple[Array, ...]:
    """Where entries are.

    Args:
        positions: (k,), in the order in which `blocks` counts.
        shape: of the arrays as they were given, at least one axis.
        turned: whether they were turned round.

    Returns:
        An array (k,) per axis.

    Example:
        >>> import numpy as np
        >>> at = np.array([4])
        >>> [int(i[0]) for i in axes(at, (2, 3), turned=False)], [int(i[0]) for i in axes(at, (2, 3), turned=True)]
        ([1, 1], [0, 2])
    """
    return np.unravel_index(positions, tuple(shape), order="F" if turned else "C")
