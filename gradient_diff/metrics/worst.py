"""The entries that are furthest apart, kept while the blocks go by."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from manual_mlp import Array


@dataclass
class Worst:
    """The k largest of all differences seen, the first of equal ones.

    Attributes:
        most: k, 1 or more.
        differences: (≤ k,), descending.
        positions: (≤ k,), where they are.

    Example:
        >>> import numpy as np
        >>> worst = Worst(2)
        >>> worst.add(np.array([0.0, 3.0, 1.0, 3.0]), start=10)
        >>> worst.positions.tolist()
        [11, 13]
    """

    most: int
    differences: Array = field(default_factory=lambda: np.empty(0))
    positions: Array = field(default_factory=lambda: np.empty(0, np.int64))

    def add(self, differences: Array, start: int, kept: Array | None = None) -> None:
        """Look at a block.

        Args:
            differences: (n,), none negative or NaN.
            start: the position of the block.
            kept: (n,), where in the block the entries are, if some were left out.
        """
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
