"""How gradients are read from a run: arrays that the step leaves or returns, or the change of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from gradient_diff.layouts.listed import by_place
from gradient_diff.layouts.reading import Reading
from gradient_diff.sides import Side
from gradient_diff.source.held.running import Run
from gradient_diff.source.held.ways import Way
from manual_mlp import Array
from manual_mlp.extend import Arrays

Parts: TypeAlias = Mapping[str, tuple[str, Way]]
"""Parameter → the path of an array, and the way in which it stands there."""


def read_parts(parts: Parts, arrays: Arrays) -> dict[str, Array]:
    """Parameter → its values; what is not there any more is left out."""
    return {n: way.read(arrays[path])[n] for n, (path, way) in parts.items() if path in arrays}


@dataclass(frozen=True, eq=False)
class Left:
    """Gradients stand in arrays that the step leaves behind or returns; `factor` makes them those of its update."""

    parts: Parts
    factor: float = 1.0

    def read(self, run: Run) -> dict[str, Array]:
        found = read_parts(self.parts, run.left)
        return found if self.factor == 1 else {n: a * a.dtype.type(self.factor) for n, a in found.items()}

    def said(self) -> list[str]:
        paths = {n: (path, way.words) for n, (path, way) in self.parts.items()}
        times = "" if self.factor == 1 else f" times {self.factor:.6g}, as its update takes it"
        return [f"`{path}` is the gradient of {n}{', ' * bool(w)}{w}{times}" for n, (path, w) in paths.items()]


@dataclass(frozen=True, eq=False)
class Returned:
    """The step returns gradients, in a form that `compare` takes as well."""

    reading: Reading
    shapes: Mapping[str, tuple[int, ...]]
    name: str

    def read(self, run: Run) -> dict[str, Array]:
        found = self.reading.undo(arrays_of(run.result), self.shapes)
        return {n: a for n, a in found.items() if n in self.shapes}

    def said(self) -> list[str]:
        words = f", {self.reading.words}" if self.reading.words else ""
        return [f"`{self.name}(x, y)` returns the gradients{words}"]


def arrays_of(result: object) -> Arrays:
    """What a step returned as name → array, or place → array; raises where it is neither."""
    return Side.of("what the step returns", by_place(result) or result).arrays  # type: ignore[arg-type]  # it checks


@dataclass(frozen=True, eq=False)
class Inferred:
    """(before − after)/lr; `weights` says where they are, `after` how those after the step are read, if returned."""

    weights: Parts
    rate: float
    after: Returned | None = None

    def read(self, run: Run) -> dict[str, Array]:
        """The gradients of a run."""
        before, after = around(self.weights, run, self.after)
        return {n: (a.astype(np.float64) - after[n].astype(np.float64)) / self.rate for n, a in before.items()}

    def said(self) -> list[str]:
        """Where they are, in words."""
        returned = f"`{self.after.name}(x, y)` returns the weights after the step; " if self.after else ""
        return [f"{returned}the gradients are inferred from the weights before and after, (before − after)/lr"]


Recipe: TypeAlias = Left | Returned | Inferred


def around(weights: Parts, run: Run, returned: Returned | None = None) -> tuple[dict[str, Array], dict[str, Array]]:
    """The weights before and after, under the parameters' names."""
    before = read_parts(weights, run.before)
    after = returned.read(run) if returned else read_parts(weights, run.after)
    if lost := [weights[n][0] for n in before if n not in after or after[n].shape != before[n].shape]:
        raise ValueError(
            f"{', '.join(dict.fromkeys(lost))}: gone after the step, or of another shape. A step changes the values of "
            "its weights, and nothing else of them."
        )
    return before, {n: after[n] for n in before}


@dataclass(frozen=True, eq=False)
class Found:
    """The gradients of a step.

    Attributes:
        recipe: how they are read of a run.
        rate: its learning rate, where one was needed or found.
        source: where that was found; empty where it was given.
        doubt: what else may have been, where nobody said the rate: then nobody is convicted.
        remarks: what else is to be said.
        follows: whether some weight moved along its gradient, so that the step is known to be plain descent.
    """

    recipe: Recipe
    rate: float | None = None
    source: str = ""
    doubt: str = ""
    remarks: tuple[str, ...] = ()
    follows: bool = True
