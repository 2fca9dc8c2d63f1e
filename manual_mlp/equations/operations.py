"""The operations that equations are made of. Each owns its function, its shape rule and how it is written.

An equation names an operation and its operands, so that formula, shapes and arithmetic cannot drift apart: a
transposition is one flag that all three read. Shape rules also work on letters, ("N", "n₁").
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar, TypeAlias

import numpy as np

from manual_mlp.arrays import Array, Dim, Shape
from manual_mlp.equations.activations import activation
from manual_mlp.equations.functions.record import ActivationFunction
from manual_mlp.equations.local_rounding import (
    GATE,
    ONCE,
    SHORT,
    Local,
    Precision,
    Terms,
    entry,
    product_rounding,
    short_product_variance,
    sum_rounding,
)
from manual_mlp.errors import ShapeError

Operands: TypeAlias = tuple[Any, ...]


class Operation(ABC):
    """A function of arrays that knows its shape rule and its notation.

    Attributes:
        signs: what stands between its operands.
    """

    signs: ClassVar[tuple[str, ...]] = (",",)

    @abstractmethod
    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        """The result; written into `out` where one is given."""

    def bound(self, *operands: Array, out: Array) -> tuple[Callable[[], object], ...]:
        """Calls that evaluate these very arrays into `out`, everything looked up beforehand: training repeats them."""
        return (partial(self.evaluate, *operands, out=out),)

    @abstractmethod
    def shape(self, *shapes: Shape) -> Shape:
        """The result's shape, or a ShapeError that says which dimensions clash."""

    @abstractmethod
    def render(self, *symbols: str) -> str:
        """The right-hand side of the formula."""

    @abstractmethod
    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        """What this operation adds to the error of its result, computed so finely; all arrays in float64."""

    def frozen(self, operands: tuple[Array, ...], anchors: tuple[Array, ...]) -> Array:
        """The result, with kinks taken on the branch that the anchors take."""
        return self.evaluate(*operands)

    def parts(self, operands: Operands) -> tuple[tuple[Operation, Operands], ...]:
        """What it is a sum of, each with its own operands; but for sums that is itself."""
        return ((self, operands),)

    def render_added(self, *symbols: str) -> str:
        """The right-hand side as it follows another summand."""
        return f" + {self.render(*symbols)}"

    def render_shapes(self, *shapes: Shape) -> str:
        """The operands' shapes, written as the operation combines them."""
        return ", ".join(map(show, shapes))

    def marked(self, *texts: str) -> tuple[str, ...]:
        """Operands' symbols or shapes with the marks of their transpositions."""
        return texts

    def meeting(self, *shapes: Shape) -> tuple[Shape, ...]:
        """The operands' shapes as they meet: those of a product after its transpositions."""
        return shapes

    def render_meeting(self, *shapes: Shape) -> str:
        """The same as a book writes it: `(n₁, N)(N, n₂)`."""
        return self.render_shapes(*shapes)


def moved(array: Array, out: Array | None) -> Array:
    """The array, or its entries in `out`."""
    if out is None:
        return array
    out[...] = array
    return out


def rows(a: Array) -> Array:
    """(…, n) → (N, n): every axis but the last counts samples."""
    return a if a.ndim == 2 else a.reshape(-1, a.shape[-1])


def row_shape(shape: Shape) -> Shape:
    """The same of a shape; letters are joined, ("N", 4, "n₁") → ("N·4", "n₁")."""
    return joined(shape[:-1]), shape[-1]


def joined(sizes: Sequence[Dim]) -> Dim:
    """Axes that become one: 4 · 3 = 12, or "4·n₁"."""
    numbers = [n for n in sizes if isinstance(n, int)]
    return math.prod(numbers) if len(numbers) == len(sizes) else "·".join(map(str, sizes))


def show(shape: Shape) -> str:
    """A shape as Python writes a tuple, without quotes around letters."""
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"


@dataclass(frozen=True)
class Product(Operation):
    """A B, either operand transposed at will; a third operand is added to the result.

    u = z_prev W + b, dE/dW = z_prevᵀ δ and dE/dz_prev = δ Wᵀ are this one operation. Of operands with more axes,
    (N, T, n), each row of the last one is a sample: dE/dW sums over all of them.
    """

    signs: ClassVar[tuple[str, ...]] = ("@", "+")

    transpose_left: bool = False
    transpose_right: bool = False

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        left, right = self._oriented(operands[0], operands[1])
        result = left.dot(right, out)  # half the time of np.matmul on small arrays
        if len(operands) == 3:
            np.add(result, operands[2], out=result)
        return result

    def bound(self, *operands: Array, out: Array) -> tuple[Callable[[], object], ...]:
        left, right = self._oriented(operands[0], operands[1])
        return partial(left.dot, right, out), *(partial(np.add, out, extra, out) for extra in operands[2:])

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        if result.ndim > 2:
            flat = (rows(a) if a.ndim > 2 else a for a in operands)
            local = self.rounding(rows(result), *flat, at=at)
            return local.reshaped(result.shape)
        left, right = self._oriented(operands[0], operands[1])
        product = result if len(operands) == 2 else left.dot(right)
        start = operands[2] if len(operands) == 3 and 1 in result.shape else None
        u, sums = at.u, at.sums
        stored = u * u / 3 * np.square(result)
        if sums < u and len(operands) == 3:  # the sum itself is stored, before the third operand is added
            stored = stored + u * u / 3 * np.square(product)
        if left.shape[1] <= SHORT and not self.transpose_left:
            return entry(np.sqrt(short_product_variance(left, right, product, sums, start) + stored))
        variance, worst = product_rounding(left, right, product, sums, start)
        lost: Terms = (
            ONCE if sums < u else ((np.sqrt(left.shape[1] + 1.0), "entry"),)
        )  # by every term, where each is stored
        if self.transpose_left:  # a sum over the batch, where like samples repeat like errors
            return Local(((np.sqrt(variance + stored), "entry"),), worst, lost)
        return Local(((np.sqrt(variance + stored + np.square(worst / (4 * GATE))), "entry"),), lost=lost)

    def _oriented(self, left: Array, right: Array) -> tuple[Array, Array]:
        if self.transpose_left:
            left, right = rows(left).T, rows(right)
        return left, right.T if self.transpose_right else right

    def meeting(self, *shapes: Shape) -> tuple[Shape, ...]:
        left, right, *extra = shapes
        if self.transpose_left and 2 < len(left) == len(right):
            left, right = row_shape(left), row_shape(right)
        return (
            left[::-1] if self.transpose_left else left,
            right[::-1] if self.transpose_right else right,
            *extra,
        )

    def render_meeting(self, *shapes: Shape) -> str:
        left, right, *extra = map(show, self.meeting(*shapes))
        return left + right + "".join(f" + {s}" for s in extra)

    def shape(self, *shapes: Shape) -> Shape:
        left, right = self.meeting(*shapes)[:2]
        if len(left) < 2 or len(right) != 2 or left[-1] != right[0]:
            inner = (
                f"the inner dimensions {left[-1]} and {right[0]} differ" if left and right else "a matrix is missing"
            )
            raise ShapeError(f"{self.render_shapes(*shapes)}: {inner}")
        result = (*left[:-1], right[1])
        if len(shapes) == 3 and shapes[2] not in (result, result[-1:]):
            raise ShapeError(f"{self.render_shapes(*shapes)}: {show(shapes[2])} cannot be added to {show(result)}")
        return result

    def render(self, *symbols: str) -> str:
        left, right, *extra = self.marked(*symbols)
        return f"{left} {right}" + "".join(f" + {s}" for s in extra)

    def render_shapes(self, *shapes: Shape) -> str:
        left, right, *extra = self.marked(*map(show, shapes))
        return f"{left} @ {right}" + "".join(f" + {s}" for s in extra)

    def marked(self, *texts: str) -> tuple[str, ...]:
        return texts[0] + "ᵀ" * self.transpose_left, texts[1] + "ᵀ" * self.transpose_right, *texts[2:]


@dataclass(frozen=True)
class SumOverBatch(Operation):
    """Σ_N δ: (N, n) → (n,); of more axes all but the last are summed over."""

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        a = rows(operands[0])
        return _ones(len(a), a.dtype).dot(a, out)  # half the time of np.add.reduce, and rounds three times better

    def bound(self, *operands: Array, out: Array) -> tuple[Callable[[], object], ...]:
        a = rows(operands[0])
        return (partial(_ones(len(a), a.dtype).dot, a, out),)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        u = at.u
        variance, worst = sum_rounding(rows(operands[0]), u)
        return Local(((np.sqrt(variance + u * u / 3 * np.square(result)), "entry"),), worst)

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0][-1:]

    def render(self, *symbols: str) -> str:
        return f"Σ_N {symbols[0]}"

    def render_shapes(self, *shapes: Shape) -> str:
        return f"Σ_N {show(shapes[0])}"


@lru_cache(maxsize=32)
def _ones(n: int, dtype: np.dtype[Any]) -> Array:
    return np.ones(n, dtype)


@dataclass(frozen=True)
class Activate(Operation):
    """z = f(u), row by row: (N, n) → (N, n)."""

    name: str

    @property
    def function(self) -> ActivationFunction:
        return activation(self.name)

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        return self.function.value(operands[0], out)

    def bound(self, *operands: Array, out: Array) -> tuple[Callable[[], object], ...]:
        return (partial(self.function.value, *operands, out),)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        terms = at.settled(self.function.rounding(operands[0], result, at), result, self.function.edge)
        return Local(terms, lost=((self.function.lost(operands[0], result), "entry"),))

    def frozen(self, operands: tuple[Array, ...], anchors: tuple[Array, ...]) -> Array:
        on_branch = self.function.on_branch
        return self.evaluate(*operands) if on_branch is None else on_branch(operands[0], anchors[0])

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def render(self, *symbols: str) -> str:
        return self.function.formula.format(u=symbols[0])

    def render_shapes(self, *shapes: Shape) -> str:
        return f"f{show(shapes[0])}"


@dataclass(frozen=True)
class Pullback(Operation):
    """dE/du from dE/dz and what f′ reads (u or z): δ = dE/dz ⊙ f′, or softmax's Jacobian: (N, n), (N, n) → (N, n)."""

    signs: ClassVar[tuple[str, ...]] = ("⊙",)

    name: str

    @property
    def function(self) -> ActivationFunction:
        return activation(self.name)

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        return self._backward(operands[0], operands[1], out)

    def bound(self, *operands: Array, out: Array) -> tuple[Callable[[], object], ...]:
        return (partial(self._backward, *operands, out),)

    @property
    def _backward(self) -> Callable[..., Array]:
        backward = self.function.backward
        if backward is None:
            raise ValueError(f"No gradient passes through {self.name!r}: it runs forward only. Train with 'sigmoid'.")
        return backward

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        terms = self.function.backward_rounding(operands[0], operands[1], result, at)
        own = 2 * at.u / math.sqrt(3) * np.abs(result)
        terms = at.settled(terms, operands[1], self.function.edge, own)
        return Local(terms, lost=self.function.backward_lost(operands[0], operands[1], at))

    def frozen(self, operands: tuple[Array, ...], anchors: tuple[Array, ...]) -> Array:
        on_branch = self.function.back_on_branch
        return self.evaluate(*operands) if on_branch is None else on_branch(operands[0], operands[1], anchors[1])

    def shape(self, *shapes: Shape) -> Shape:
        return same_shape(self, shapes)

    def render(self, *symbols: str) -> str:
        return self.function.backward_formula.format(g=symbols[0], read=symbols[1])

    def render_shapes(self, *shapes: Shape) -> str:
        return f"{show(shapes[0])} ⊙ f′{show(shapes[1])}"


@dataclass(frozen=True)
class Multiply(Operation):
    """A ⊙ B, entry by entry, e.g. with a dropout mask: (N, n), (N, n) → (N, n)."""

    signs: ClassVar[tuple[str, ...]] = ("⊙",)

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        return np.multiply(operands[0], operands[1], out=out)

    def bound(self, *operands: Array, out: Array) -> tuple[Callable[[], object], ...]:
        return (partial(np.multiply, *operands, out),)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        """One rounding, s |A ⊙ B|: a mask's zeros are exact."""
        return entry(at.u / math.sqrt(3) * np.abs(result))

    def shape(self, *shapes: Shape) -> Shape:
        return same_shape(self, shapes)

    def render(self, *symbols: str) -> str:
        return f"{symbols[0]} ⊙ {symbols[1]}"

    def render_shapes(self, *shapes: Shape) -> str:
        return f"{show(shapes[0])} ⊙ {show(shapes[1])}"


@dataclass(frozen=True)
class Affine(Operation):
    """a z + c with two fixed numbers, entry by entry."""

    scale: float
    offset: float = 0.0

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        (a,) = operands
        result = np.multiply(a, a.dtype.type(self.scale), out=out)
        return np.add(result, a.dtype.type(self.offset), out=result) if self.offset else result

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        """The product's rounding and the sum's; a itself, and c, is off by up to u of itself, for all entries alike."""
        product = self.scale * operands[0]
        own = at.u / math.sqrt(3) * np.sqrt(np.square(product) + np.square(result))
        return Local(((own, "entry"), (at.u / math.sqrt(3) * np.sqrt(np.square(product) + self.offset**2), "all")))

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def render(self, *symbols: str) -> str:
        return f"{self.scale:.6g} {symbols[0]}" + (
            f" {'+' if self.offset > 0 else '−'} {abs(self.offset):.6g}" if self.offset else ""
        )


def same_shape(operation: Operation, shapes: tuple[Shape, ...]) -> Shape:
    """The one shape of elementwise operands, or a ShapeError."""
    if any(s != shapes[0] for s in shapes):
        raise ShapeError(f"{operation.render_shapes(*shapes)}: elementwise operands must have one shape")
    return shapes[0]
