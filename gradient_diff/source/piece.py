"""Something that a right derivation passes through, with its value."""

from __future__ import annotations

from dataclasses import dataclass

from manual_mlp import Array
from manual_mlp.extend import UNITS

UNIT = UNITS["float64"]


@dataclass(frozen=True, eq=False)
class Piece:
    """Something that a right derivation passes through.

    Attributes:
        node: its name: a node, a parameter, data, or what stands between nodes, such as `dense_1/f′`.
        array: its value.
        tolerance: how far a right float64 value may be from it, entry by entry.
        per_sample: its rows are samples.
        linear: in what came down, as a gradient is, whatever its name.
    """

    node: str
    array: Array
    tolerance: Array
    per_sample: bool = False
    linear: bool = False
