"""Operations that move numbers and round nothing: another shape, or another order of the axes of a sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from manual_mlp.arrays import Array, Shape
from manual_mlp.equations.local_rounding import Local, Precision
from manual_mlp.equations.operations import Operation, joined, moved, show
from manual_mlp.errors import ShapeError


@dataclass(frozen=True)
class Reshape(Operation):
    """The entries of each sample in another shape, the last axis running fastest: (N, …) → (N, *target).

    Without a target all axes of a sample become one, (N, …) → (N, n).
    """

    target: tuple[int, ...] = ()

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        (a,) = operands
        return moved(a.reshape(len(a), *(self.target or (-1,))), out)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        return Local(lost=())

    def shape(self, *shapes: Shape) -> Shape:
        batch, *own = shapes[0]
        if not self.target:
            return batch, joined(own)
        numbers = [n for n in own if isinstance(n, int)]
        if len(numbers) == len(own) and math.prod(numbers) != math.prod(self.target):
            raise ShapeError(
                f"{show(shapes[0])}: {math.prod(numbers)} entries of a sample do not fill {show(self.target)}"
            )
        return (batch, *self.target)

    def render(self, *symbols: str) -> str:
        return f"{symbols[0]} as (N, {', '.join(map(str, self.target or ('n',)))})"


@dataclass(frozen=True)
class ReshapeLike(Operation):
    """The entries of the first operand in the shape of the second: (N, *own), (N, *other) → (N, *other)."""

    signs: ClassVar[tuple[str, ...]] = ("as",)

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        return moved(operands[0].reshape(operands[1].shape), out)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        return Local(lost=())

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[1]

    def render(self, *symbols: str) -> str:
        return f"{symbols[0]} in the shape of {symbols[1]}"


@dataclass(frozen=True)
class Permute(Operation):
    """The axes of a sample in another order, counted from 1: (N, …) → (N, …)."""

    order: tuple[int, ...]

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        return moved(np.ascontiguousarray(operands[0].transpose(0, *self.order)), out)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        return Local(lost=())

    def shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        if len(shape) != len(self.order) + 1:
            raise ShapeError(
                f"{show(shape)}: a sample has {len(shape) - 1} axes, not the {len(self.order)} of the order"
            )
        return (shape[0], *(shape[i] for i in self.order))

    def render(self, *symbols: str) -> str:
        return f"{symbols[0]}, axes {', '.join(map(str, self.order))}"
