"""Arrays as small matrices for eyes: beyond so many cells each is the entry of largest magnitude of its block."""

from __future__ import annotations

import numpy as np

from manual_mlp import Array


def matrix(a: Array) -> Array:
    """Laid out in rows."""
    return a if a.ndim == 2 else a.reshape(a.shape[0] if a.ndim > 2 else 1, -1)


def blocks(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """How many rows and columns become one cell, so that there are at most `side` of them."""
    return -(-shape[0] // side), -(-shape[1] // side)


def pooled(a: Array, side: int) -> Array:
    """Block-wise the entry of largest magnitude, with its sign; a block with a NaN is NaN."""
    rows, columns = blocks(a.shape, side)
    padded = np.pad(a, ((0, -a.shape[0] % rows), (0, -a.shape[1] % columns)), mode="edge")
    parts = padded.reshape(padded.shape[0] // rows, rows, padded.shape[1] // columns, columns)
    high, low = parts.max(axis=(1, 3)), parts.min(axis=(1, 3))
    result: Array = np.where(high >= -low, high, low)
    return result


def pooling_words(rows: int, columns: int) -> str:
    """What a cell is, where it is not an entry; else empty."""
    return f"each cell the largest magnitude of {rows} × {columns} entries" if rows * columns > 1 else ""
