"""Which rows a figure can draw."""

from __future__ import annotations

from gradient_diff.result.row import Row


def comparable(row: Row) -> bool:
    """Both sides have values, of one shape."""
    return row.shape_hand is not None and row.shape_hand == row.shape_reference and 0 not in row.shape_hand
