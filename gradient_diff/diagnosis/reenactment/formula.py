"""A wrong operation: any function of arrays, which can stand in an equation record like a right one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from manual_mlp import Array
from manual_mlp.extend import Local, Operation, Precision, Shape

SHAKES = 4  # runs with shaken operands that a wrong operation's own rounding is taken from


@dataclass(frozen=True)
class Formula(Operation):
    """A wrong operation: any function of arrays, with its own notation.

    Attributes:
        text: with {0}, {1}, … for the operands.
        function: of the operands.
    """

    text: str
    function: Callable[..., Array]

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        with np.errstate(all="ignore"):  # a wrong formula may well overflow
            return self.function(*operands)

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def render(self, *symbols: str) -> str:
        return self.text.format(*symbols)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        """As measured: evaluated in a dtype of this u, each operand off by its own rounding."""
        u = at.u
        kind = next((t for t in (np.float32, np.float16) if np.finfo(t).eps / 2 == u), np.float64)
        rng = np.random.default_rng(0)
        square = np.square(2 * u * result)
        for _ in range(SHAKES):
            off = [_shaken(a, u, rng).astype(kind) if a.dtype.kind == "f" else a for a in operands]
            square = square + np.square(self.evaluate(*off).astype(np.float64) - result) / SHAKES
        return Local(((np.sqrt(square + np.mean(square)), "entry"),))


def _shaken(a: Array, u: float, rng: np.random.Generator) -> Array:
    return a * (1 + 2 * u * rng.uniform(-1, 1, a.shape))


def weighed(formula: Formula, operands: int) -> Formula:
    """The same formula, each sample's row times its weight, where w is one operand more."""
    text = f"{{{operands}}}_n · {formula.text}"
    return Formula(text, lambda *arrays: arrays[-1][:, None] * formula.function(*arrays[:-1]))
