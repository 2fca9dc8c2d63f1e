"""The operations that equations are made of. Each owns its function, its shape rule and how it is written.

An equation names an operation and its operands, so that formula, shapes and arithmetic cannot drift apart: a
transposition is one flag that all three read. Shape rules also work on letters, ("N", "n₁").
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from manual_mlp._types import Array, Shape
from manual_mlp.activations import Activation, activation
from manual_mlp.errors import ShapeError
from manual_mlp.losses import Loss


class Operation(ABC):
    """A function of arrays that knows its shape rule and its notation."""

    @abstractmethod
    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        """The result; written into `out` where one is given."""

    @abstractmethod
    def shape(self, *shapes: Shape) -> Shape:
        """The result's shape, or a ShapeError that says which dimensions clash."""

    @abstractmethod
    def render(self, *symbols: str) -> str:
        """The right-hand side of the formula."""

    def render_shapes(self, *shapes: Shape) -> str:
        """The operands' shapes, written as the operation combines them."""
        return ", ".join(map(show, shapes))


def show(shape: Shape) -> str:
    """A shape as Python writes a tuple, without quotes around letters."""
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"


@dataclass(frozen=True)
class Product(Operation):
    """A B, either operand transposed at will; a third operand, times `plus`, is added to the result.

    u = z_prev W + b, dE/dW = z_prevᵀ δ and dE/dz_prev = δ Wᵀ are this one operation.
    """

    transpose_left: bool = False
    transpose_right: bool = False
    plus: float = 1.0

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        left, right = self._oriented(operands[0], operands[1])
        result = left.dot(right, out)  # half the time of np.matmul on small arrays
        if len(operands) == 3:
            extra = operands[2] if self.plus == 1 else operands[2] * result.dtype.type(self.plus)
            np.add(result, extra, out=result)
        return result

    def _oriented(self, left: Array, right: Array) -> tuple[Array, Array]:
        return left.T if self.transpose_left else left, right.T if self.transpose_right else right

    def shape(self, *shapes: Shape) -> Shape:
        left, right = (
            s[::-1] if t else s for s, t in zip(shapes, (self.transpose_left, self.transpose_right), strict=False)
        )
        if len(left) != 2 or len(right) != 2 or left[1] != right[0]:
            inner = f"the inner dimensions {left[-1]} and {right[0]} differ" if left and right else "a matrix is missing"
            raise ShapeError(f"{self.render_shapes(*shapes)}: {inner}")
        result = (left[0], right[1])
        if len(shapes) == 3 and shapes[2] not in (result, result[1:]):
            raise ShapeError(f"{self.render_shapes(*shapes)}: {show(shapes[2])} cannot be added to {show(result)}")
        return result

    def render(self, *symbols: str) -> str:
        left, right = self._marked(symbols)
        factor = "" if self.plus == 1 else f"{self.plus:g} "
        return f"{left} {right}" + (f" + {factor}{symbols[2]}" if len(symbols) == 3 else "")

    def render_shapes(self, *shapes: Shape) -> str:
        left, right = self._marked(tuple(map(show, shapes)))
        return f"{left} @ {right}" + (f" + {show(shapes[2])}" if len(shapes) == 3 else "")

    def _marked(self, symbols: tuple[str, ...]) -> tuple[str, str]:
        return symbols[0] + "ᵀ" * self.transpose_left, symbols[1] + "ᵀ" * self.transpose_right


@dataclass(frozen=True)
class SumOverBatch(Operation):
    """Σ_N δ: (N, n) → (n,)."""

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        (a,) = operands
        return _ones(len(a), a.dtype.str).dot(a, out)  # half the time of np.add.reduce, and rounds three times better

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0][1:]

    def render(self, *symbols: str) -> str:
        return f"Σ_N {symbols[0]}"

    def render_shapes(self, *shapes: Shape) -> str:
        return f"Σ_N {show(shapes[0])}"


@lru_cache(maxsize=32)
def _ones(n: int, dtype: str) -> Array:
    return np.ones(n, dtype)


@dataclass(frozen=True)
class Activate(Operation):
    """z = f(u), row by row: (N, n) → (N, n)."""

    name: str

    @property
    def function(self) -> Activation:
        return activation(self.name)

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        return self.function.value(operands[0], out)

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def render(self, *symbols: str) -> str:
        return self.function.formula.format(u=symbols[0])

    def render_shapes(self, *shapes: Shape) -> str:
        return f"f{show(shapes[0])}"


@dataclass(frozen=True)
class Pullback(Operation):
    """dE/du from dE/dz and what f′ reads (u or z): δ = dE/dz ⊙ f′, for softmax its Jacobian: (N, n), (N, n) → (N, n)."""

    name: str

    @property
    def function(self) -> Activation:
        return activation(self.name)

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        if self.function.backward is None:
            raise ValueError(f"No gradient passes through {self.name!r}: it runs forward only. Train with 'sigmoid'.")
        return self.function.backward(operands[0], operands[1], out)

    def shape(self, *shapes: Shape) -> Shape:
        return _same(self, shapes)

    def render(self, *symbols: str) -> str:
        return self.function.backward_formula.format(g=symbols[0], read=symbols[1])

    def render_shapes(self, *shapes: Shape) -> str:
        return f"{show(shapes[0])} ⊙ f′{show(shapes[1])}"


@dataclass(frozen=True)
class LossValue(Operation):
    """E from the network's output (or, where fused or asked for, its logits) and the targets: → ()."""

    loss: Loss
    logits: bool

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        y_pred, y = operands
        function = self.loss.function
        value = function.logits_value if self.logits else function.value
        assert value is not None  # a Loss cannot be made otherwise
        return np.asarray(value(y_pred, y, self.loss.scale * function.factor(*y_pred.shape)))

    def shape(self, *shapes: Shape) -> Shape:
        _same(self, shapes if not self.loss.function.class_indices else shapes[:1])
        return ()

    def render(self, *symbols: str) -> str:
        return self.loss.write(value=True, logits=self.logits, symbol=symbols[0])


@dataclass(frozen=True)
class LossGradient(Operation):
    """dE/dz of the output layer, or its dE/du where the activation is fused into the loss: (N, K), y → (N, K)."""

    loss: Loss
    logits: bool

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        y_pred, y = operands
        function = self.loss.function
        gradient = function.logits_gradient if self.logits else function.gradient
        assert gradient is not None
        return gradient(y_pred, y, self.loss.scale * function.factor(*y_pred.shape), out)

    def shape(self, *shapes: Shape) -> Shape:
        return _same(self, shapes if not self.loss.function.class_indices else shapes[:1])

    def render(self, *symbols: str) -> str:
        return self.loss.write(value=False, logits=self.logits, symbol=symbols[0])


def _same(operation: Operation, shapes: tuple[Shape, ...]) -> Shape:
    if any(s != shapes[0] for s in shapes):
        raise ShapeError(f"{operation.render_shapes(*shapes)}: elementwise operands must have one shape")
    return shapes[0]
