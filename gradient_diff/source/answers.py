"""What somebody's code gives, as gradients by name: in each layout that it may be meant in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gradient_diff.layouts.finding import find_reading
from gradient_diff.layouts.listed import by_place
from gradient_diff.layouts.reading import Reading
from gradient_diff.layouts.target import Target
from gradient_diff.sides import Side
from manual_mlp import Array
from manual_mlp.extend import LOSS, Arrays, Shape

Signature = tuple[tuple[str, Shape], ...]


class Answers:
    """Reads what a derivation gives; where shapes leave several layouts, in all of them."""

    def __init__(self, names: Mapping[str, str] | None = None, settled: Reading | None = None) -> None:
        self._names, self._settled = names, settled
        self.ways: list[Reading] = []  # of the answer read last
        self.likeliest: Reading | None = None  # in which most of it was right
        self._readings: dict[tuple[Signature, Signature], list[Reading]] = {}

    def read(self, given: Any, right: Arrays) -> list[dict[str, Array]]:
        """By parameter name, the likeliest reading first; `right` says names and shapes, and which values are near."""
        arrays = Side.of("hand", by_place(given) or given, self._names).arrays  # type: ignore[arg-type]  # it checks
        arrays = {n: a for n, a in arrays.items() if n != LOSS}
        shapes = {n: a.shape for n, a in right.items()}
        self.ways = self._ways(arrays, right)
        return [dict(r.undo(arrays, shapes)) if r.changes else dict(arrays) for r in self.ways]

    def _ways(self, arrays: Arrays, right: Arrays) -> list[Reading]:
        if self._settled is not None:
            return [self._settled]
        key = _signature(arrays), _signature(right)
        if key not in self._readings:
            found = find_reading(arrays, Target(right))
            self._readings[key] = list(_different((found.reading, *found.others, Reading()), arrays, right))
        return self._readings[key]


def _signature(arrays: Arrays) -> Signature:
    return tuple((name, np.shape(array)) for name, array in arrays.items())


def _different(readings: tuple[Reading, ...], arrays: Arrays, right: Arrays) -> Iterator[Reading]:
    """Those that can be made, each once."""
    seen: list[Reading] = []
    for reading in readings:
        if reading not in seen:
            seen.append(reading)
            try:
                reading.undo(arrays, {n: a.shape for n, a in right.items()})
            except ValueError:
                continue
            yield reading
