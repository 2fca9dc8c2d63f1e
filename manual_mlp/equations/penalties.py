"""Penalties, E += λ₁ Σ|a| + λ₂ Σ a²: their value, their gradient, the rounding of both, and the sum that they join."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from manual_mlp.arrays import Array, Shape
from manual_mlp.equations.local_rounding import Local, Precision, Terms, sum_rounding
from manual_mlp.equations.operations import Operands, Operation, Product, moved, show
from manual_mlp.errors import ShapeError

LONGEST = 1024  # terms: libraries sum in blocks of at most so many, so that no running sum is longer
OF_COEFFICIENT = 1.0  # u² of λ itself, which is off by up to u
OF_MEAN = 2 / 3  # u² of 1/N, and of λ times it


@dataclass(frozen=True)
class Penalty:
    """What E adds for an array: λ₁ Σ|a| + λ₂ Σ a²; for what a layer gives out, divided by N.

    Its gradient is λ₁ sign a + 2 λ₂ a, with sign 0 = 0 as TensorFlow has it: any slope from −1 to 1 is one there.

    Attributes:
        l1: λ₁.
        l2: λ₂.
        mean: whether it is divided by N, as Keras divides that of an activity.

    Source: keras/src/regularizers/regularizers.py; for 1/N keras/src/layers/layer.py, "Normalize by batch size".

    Example:
        >>> import numpy as np
        >>> float(Penalty(l1=0.5, l2=0.25).value(np.array([2.0, -4.0]))), Penalty(l1=0.5).gradient(np.array([2.0, 0.0]))
        (8.0, array([0.5, 0. ]))
    """

    l1: float = 0.0
    l2: float = 0.0
    mean: bool = False

    def __bool__(self) -> bool:
        return bool(self.l1 or self.l2)

    def value(self, a: Array) -> Any:
        """A number of the dtype of a; |a| on the branch of the real part."""
        flat = a.reshape(-1)
        number, total = flat.dtype.type, flat.dtype.type(0)
        if self.l1:
            total = total + number(self.l1) * flat.dot(np.sign(flat.real).astype(flat.dtype))
        if self.l2:
            total = total + number(self.l2) * flat.dot(flat)
        return total / number(len(a)) if self.mean else total

    def slope(self, batch: int) -> float:
        """λ₁, or λ₁/N: half of what the gradient jumps by where an entry is 0."""
        return self.l1 / batch if self.mean else self.l1

    def summands(self, a: Array, anchor: Array | None = None) -> tuple[Array, ...]:
        """λ₁ sign a, with the signs of an anchor where one is given, and 2 λ₂ a; those that are there."""
        signs = np.sign(a if anchor is None else anchor).astype(a.dtype) if self.l1 else a
        parts = (self.slope(len(a)), signs), (2 * self.l2 / (len(a) if self.mean else 1), a)
        return tuple(np.asarray(part * a.dtype.type(c)) for c, part in parts if c)

    def gradient(self, a: Array, anchor: Array | None = None) -> Array:
        """λ₁ sign a + 2 λ₂ a."""
        first, *rest = self.summands(a, anchor) or (np.zeros_like(a),)
        return np.asarray(first + rest[0]) if rest else first

    def value_rounding(self, a: Array, u: float) -> tuple[Array | float, Array | float]:
        """ℓ² and bound: the running sums, one rounding of each square, that of 1/N, and up to u of λ itself."""
        variance: Array | float = 0.0
        bound: Array | float = 0.0
        n = len(a) if self.mean else 1
        for c, terms, own in (self.l1, np.abs(a), 0.0), (self.l2, np.square(a), 1 / 3):
            if not c or not terms.size:
                continue
            terms = terms.reshape(-1)  # noqa: PLW2901
            more, worst = sum_rounding(terms, u)
            more = more + own * u * u * np.square(terms).sum()
            more = more + (OF_COEFFICIENT + (1 / 3 if self.mean else 0.0)) * np.square(u * terms.sum())
            variance = variance + (c / n) ** 2 * more
            bound = bound + abs(c) / n * worst * min(1.0, LONGEST / len(terms))
        return variance, bound

    def gradient_rounding(self, a: Array, u: float) -> Terms:
        """λ is off by up to u for all entries alike; 2 λ₂ a is rounded in each, and so is the sum of two."""
        parts = self.summands(a)
        each = [u * u / 3 * np.square(part) for part in parts[bool(self.l1) :]]
        each += [u * u / 3 * np.square(parts[0] + parts[1])] if len(parts) == 2 else []
        if self.mean:
            shared = math.sqrt(OF_COEFFICIENT + OF_MEAN) * u
            return (*((shared * part, "all") for part in parts), (np.sqrt(sum(each, np.zeros(a.shape))), "entry"))
        each += [OF_COEFFICIENT * u * u * np.square(part) for part in parts]
        return ((np.sqrt(sum(each, np.zeros(a.shape))), "entry"),)

    @property
    def terms(self) -> int:
        """How many numbers it adds to E."""
        return bool(self.l1) + bool(self.l2)

    def write(self, symbol: str) -> str:
        """What is added to E: ` + 0.1 Σ |W| + 0.5 Σ W²`."""
        over = "/N" if self.mean else ""
        parts = (self.l1, f"Σ |{symbol}|"), (self.l2, f"Σ {symbol}²")
        return "".join(f" + {c:g}{over} {text}" for c, text in parts if c)

    def write_shape(self, shape: str) -> str:
        """The same of a shape: ` + Σ |(3, 2)| + Σ (3, 2)²`."""
        return "".join(text for c, text in ((self.l1, f" + Σ |{shape}|"), (self.l2, f" + Σ {shape}²")) if c)

    def write_gradient(self, symbol: str) -> str:
        """What is added to a gradient: ` + 0.1 sign W + W`."""
        parts = (self.l1, f"sign {symbol}"), (2 * self.l2, symbol)
        return "".join(f" {'−' if c < 0 else '+'} {self._factor(c)}{text}" for c, text in parts if c)

    def _factor(self, c: float) -> str:
        if self.mean:
            return f"{abs(c):g}/N "
        return "" if abs(c) == 1 else f"{abs(c):g} "

    def numpy(self, name: str, number: Callable[[float], str] = repr, batch: str | None = None) -> str:
        """The gradient in NumPy, of an array of this name; with numbers and N as they are to be spelled.

        Example:
            >>> Penalty(l1=0.1, l2=0.25).numpy("W"), Penalty(l2=0.25, mean=True).numpy("z")
            ('0.1 * np.sign(W) + 0.5 * W', '0.5 / len(z) * z')
        """
        over = f" / {batch or f'len({name})'}" if self.mean else ""
        parts = (self.l1, f"np.sign({name})"), (2 * self.l2, name)
        return " + ".join(f"{number(c)}{over} * {text}" for c, text in parts if c)


@dataclass(frozen=True)
class PenaltyGradient(Operation):
    """λ₁ sign a + 2 λ₂ a, of the shape of a."""

    signs: ClassVar[tuple[str, ...]] = ()

    penalty: Penalty

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        return moved(self.penalty.gradient(operands[0]), out)

    def frozen(self, operands: tuple[Array, ...], anchors: tuple[Array, ...]) -> Array:
        return self.penalty.gradient(operands[0], anchors[0])

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        return Local(self.penalty.gradient_rounding(operands[0], at.u))

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def render(self, *symbols: str) -> str:
        return self.penalty.write_gradient(symbols[0]).removeprefix(" + ").strip()

    def render_added(self, *symbols: str) -> str:
        return self.penalty.write_gradient(symbols[0])


@dataclass(frozen=True)
class Plus(Operation):
    """What reaches a node on two ways: one operation's result on the first operands, and another's on the rest.

    dE/dW = z_prevᵀ δ + 2λ W is a product and a penalty's gradient. The parts keep their own rules.
    """

    left: Operation
    right: Operation
    split: int  # operands of the left one

    @property
    def signs(self) -> tuple[str, ...]:  # type: ignore[override]  # those of its parts
        """What stands between its operands."""
        return (*self.left.signs[: self.split - 1], "+", *self.right.signs)

    def parts(self, operands: Operands) -> tuple[tuple[Operation, Operands], ...]:
        mine, others = operands[: self.split], operands[self.split :]
        return (*self.left.parts(mine), *self.right.parts(others))

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        first = self.left.evaluate(*operands[: self.split], out=out)
        return np.add(first, self.right.evaluate(*operands[self.split :]), out=out)

    def frozen(self, operands: tuple[Array, ...], anchors: tuple[Array, ...]) -> Array:
        k = self.split
        return self.left.frozen(operands[:k], anchors[:k]) + self.right.frozen(operands[k:], anchors[k:])

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        """That of both parts, and of their sum; a product's with what a running sum may begin with."""
        mine, others = operands[: self.split], operands[self.split :]
        added = self.right.evaluate(*others)
        second = self.right.rounding(added, *others, at=at)
        if isinstance(self.left, Product) and self.split == 2:
            return _together(self.left.rounding(result, *mine, added, at=at), replace(second, lost=()))
        own = Local(((at.u / math.sqrt(3) * np.abs(result), "entry"),), lost=())
        return _together(self.left.rounding(self.left.evaluate(*mine), *mine, at=at), second, own)

    def shape(self, *shapes: Shape) -> Shape:
        result, added = self.left.shape(*shapes[: self.split]), self.right.shape(*shapes[self.split :])
        if added != result:
            raise ShapeError(f"{self.render_shapes(*shapes)}: {show(added)} cannot be added to {show(result)}")
        return result

    def render(self, *symbols: str) -> str:
        return self.left.render(*symbols[: self.split]) + self.right.render_added(*symbols[self.split :])

    def render_shapes(self, *shapes: Shape) -> str:
        return f"{self.left.render_shapes(*shapes[: self.split])} + {self.right.render_shapes(*shapes[self.split :])}"

    def marked(self, *texts: str) -> tuple[str, ...]:
        return *self.left.marked(*texts[: self.split]), *self.right.marked(*texts[self.split :])

    def meeting(self, *shapes: Shape) -> tuple[Shape, ...]:
        return *self.left.meeting(*shapes[: self.split]), *self.right.meeting(*shapes[self.split :])

    def render_meeting(self, *shapes: Shape) -> str:
        left, right = shapes[: self.split], shapes[self.split :]
        return f"{self.left.render_meeting(*left)} + {self.right.render_meeting(*right)}"


def _together(*local: Local) -> Local:
    """Independent roundings of one result; those of single entries become one."""

    def joined(terms: Terms) -> Terms:
        own = [np.square(amplitude) for amplitude, share in terms if share == "entry"]
        rest = tuple(term for term in terms if term[1] != "entry")
        return (*rest, (np.sqrt(sum(own[1:], own[0])), "entry")) if own else rest

    bound = sum((rounding.bound for rounding in local), np.zeros(()))
    return Local(joined(sum((z.terms for z in local), ())), bound, joined(sum((z.lost for z in local), ())))
