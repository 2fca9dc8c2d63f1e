"""Which rows a figure can draw, and their arrays."""

from __future__ import annotations

import numpy as np

from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from manual_mlp import Array
from manual_mlp.extend import variable_of


def kernels(diff: GradientDiff) -> list[Row]:
    """Gradients of kernels; where no name says which those are, every matrix."""
    matrices = [r for r in diff.rows if comparable(r) and len(r.shape_hand or ()) == 2]
    return [r for r in matrices if variable_of(r.name).endswith("/kernel")] or matrices


def comparable(row: Row) -> bool:
    """Both sides have values, of one shape."""
    return row.shape_hand is not None and row.shape_hand == row.shape_reference and 0 not in row.shape_hand


def pair(diff: GradientDiff, name: str) -> tuple[Array, Array]:
    """Hand and reference of one row, flat, in float64."""
    h, r = (np.asarray(side[name], np.float64).ravel() for side in (diff.hand, diff.reference))
    return h, r
