"""The operations at the top of the derivation: E itself, and its gradient by the network's output.

Weights of the samples, w (N,), are a last operand of both, where there are any: E = c Σ_n w_n e_n. The c stays as it
is, 1/N and not 1/Σw.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np

from manual_mlp.arrays import Array, Shape
from manual_mlp.equations.activations import activation
from manual_mlp.equations.local_rounding import Local, Precision, Terms, sum_rounding
from manual_mlp.equations.loss import Loss
from manual_mlp.equations.loss_record import Edges, weigh_samples
from manual_mlp.equations.operations import Operation, same_shape, show
from manual_mlp.equations.penalties import LONGEST, Penalty
from manual_mlp.errors import ShapeError

T = TypeVar("T")


@dataclass(frozen=True)
class LossValue(Operation):
    """E from the network's output (or, where fused or asked for, its logits), the targets and what is penalised: → ().

    E = loss + Σ_i (λ₁ᵢ Σ|a_i| + λ₂ᵢ Σ a_i²), one penalty per array that follows the targets; the weights come last.
    """

    loss: Loss
    logits: bool
    penalties: tuple[Penalty, ...] = ()

    @property
    def signs(self) -> tuple[str, ...]:  # type: ignore[override]  # one more for every penalty
        """What stands between its operands."""
        return (",", *("+" for _ in self.penalties), ",")

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        y_pred, y, *rest = operands
        penalised, w = self._parted(rest)
        y = self.loss.targets(y, y_pred.shape[-1])
        total = self.loss.function.form(self.logits).value(y_pred, y, self.loss.factor(*y_pred.shape), *w)
        for penalty, array in zip(self.penalties, penalised, strict=True):
            total = total + penalty.value(array)
        return np.asarray(total, y_pred.dtype)  # a float times a bfloat16 is a float32

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        y_pred, y, *rest = operands
        penalised, w = self._parted(rest)
        sizes = self.loss.function.form(self.logits).terms(y_pred, self.loss.targets(y, y_pred.shape[-1]))
        sizes = (weigh_samples(sizes, w[0]) if w else sizes).reshape(-1)
        c, u = self.loss.factor(*y_pred.shape), at.u
        variance, worst = sum_rounding(sizes, u)
        variance = c * c * (variance + u * u * ((5 + len(w)) / 3) * np.square(sizes).sum())
        bound = c * worst * min(1.0, LONGEST / len(sizes))
        for penalty, array in zip(self.penalties, penalised, strict=True):
            more, longest = penalty.value_rounding(array, u)
            variance, bound = variance + more, bound + longest
        own = (2 + sum(penalty.terms for penalty in self.penalties)) * u * u / 3 * np.square(result)
        lost = np.maximum(1.0, np.abs(result) / c)  # c itself may be close to 0
        return Local(((np.sqrt(variance + own), "entry"),), bound, ((lost, "entry"),))

    def shape(self, *shapes: Shape) -> Shape:
        _, weights = self._parted(shapes[2:])
        _check_shapes(self, shapes[:2], weights)
        return ()

    def render(self, *symbols: str) -> str:
        penalised, weight = self._parted(symbols[2:])
        value = self.loss.write(True, self.logits, symbols[0], *weight)
        return value + "".join(p.write(a) for p, a in zip(self.penalties, penalised, strict=True))

    def render_shapes(self, *shapes: Shape) -> str:
        penalised, weights = self._parted(shapes[2:])
        added = "".join(p.write_shape(show(s)) for p, s in zip(self.penalties, penalised, strict=True))
        return ", ".join(map(show, (*shapes[:2], *weights))) + added

    def _parted(self, rest: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
        """What is penalised, and the weights where there are any, of what follows the targets."""
        return rest[: len(self.penalties)], rest[len(self.penalties) :]


def _check_shapes(operation: LossValue | LossGradient, pair: tuple[Shape, ...], weights: Sequence[Shape]) -> None:
    """Outputs and targets entry by entry, unless the targets are classes; one weight per sample."""
    same_shape(operation, pair if not operation.loss.function.class_indices else pair[:1])
    if any(w != pair[0][:1] for w in weights):
        listed = ", ".join(map(show, (*pair, *weights)))
        raise ShapeError(f"{listed}: one weight per sample is {show(pair[0][:1])}")


@dataclass(frozen=True)
class LossGradient(Operation):
    """dE/dz of the output layer, or by its logits where the activation is fused into the loss: (N, K), y → (N, K).

    Where samples are weighed: w_n times the row of each.
    """

    signs: ClassVar[tuple[str, ...]] = (",", ",")

    loss: Loss
    logits: bool

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        y_pred, y, *w = operands
        form, y = self.loss.function.form(self.logits), self.loss.targets(y, y_pred.shape[-1])
        return _weighed(form.gradient(y_pred, y, self.loss.factor(*y_pred.shape), out), w)

    def frozen(self, operands: tuple[Array, ...], anchors: tuple[Array, ...]) -> Array:
        y_pred, y, *w = operands
        form, y = self.loss.function.form(self.logits), self.loss.targets(y, y_pred.shape[-1])
        if not form.edges(y_pred, y):
            return self.evaluate(*operands)
        return _weighed(form.gradient(y_pred, y, self.loss.factor(*y_pred.shape), anchor=anchors[0]), w)

    def edges(self, y_pred: Array, y: Array) -> Edges:
        """Where the slope of the loss jumps, as numbers or as arrays of the output."""
        return self.loss.function.form(self.logits).edges(y_pred, self.loss.targets(y, y_pred.shape[-1]))

    @property
    def clips(self) -> bool:
        """Whether probabilities are clipped, so that no gradient passes outside [ε, 1 − ε]."""
        return not self.logits and self.loss.function.logits is not None

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        y_pred, y, *w = operands
        c, u = self.loss.factor(*y_pred.shape), at.u
        form, y = self.loss.function.form(self.logits), self.loss.targets(y, y_pred.shape[-1])
        terms = form.rounding(y_pred, y, _bare(result, w[0]) if w else result, c, u)
        if self.loss.label_smoothing:  # two products and a sum of the targets
            terms = (*terms, (c * u * np.abs(y), "entry"))
        # A probability below η is lost before the factors are applied: a large loss scale lifts the hole it leaves.
        lost = np.asarray(max(1.0, c * max((float(a.max()) for a in w), default=1.0)))
        if self.logits:  # p itself may be lost close to 0, as where it is an output
            f = activation(str(self.loss.function.fused_activation))
            lost = lost * f.lost(y_pred, f.value(y_pred))
        shared = result / c  # c itself may be close to 0: all entries are off by one factor, each with its sign
        terms = _weighed_terms(terms, result, w[0], u) if w else terms
        return Local(terms, lost=((lost, "entry"), (shared, "all")))

    def shape(self, *shapes: Shape) -> Shape:
        _check_shapes(self, shapes[:2], shapes[2:])
        return shapes[0]

    def render(self, *symbols: str) -> str:
        return self.loss.write(False, self.logits, symbols[0], *symbols[2:])


def _weighed(gradient: Array, w: Sequence[Array]) -> Array:
    """Each row times its sample's weight, in place, where there are weights."""
    return weigh_samples(gradient, w[0], out=gradient) if w else gradient


def _bare(weighed: Array, w: Array) -> Array:
    """The gradient without its weights; 0 where they have left nothing of it."""
    rows = np.broadcast_to(w[:, None], weighed.shape)
    return np.divide(weighed, rows, out=np.zeros_like(weighed), where=rows != 0)


def _weighed_terms(terms: Terms, result: Array, w: Array, u: float) -> Terms:
    """The rounding of the gradient, each row weighed, and of weighing it.

    The product itself, one rounding per entry; and where a library multiplies w_n into c before K or a row is known,
    two that a row shares.
    """
    own = u / math.sqrt(3) * np.abs(result)
    rows = tuple((weigh_samples(amplitude, w), share) for amplitude, share in terms)
    return (*rows, (own, "entry"), (math.sqrt(2) * own, "row"))
