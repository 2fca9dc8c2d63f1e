"""The operations at the top of the derivation: E itself, and its gradient by the network's output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from manual_mlp.arrays import Array, Shape
from manual_mlp.equations.local_rounding import Local, sum_rounding
from manual_mlp.equations.loss import Loss
from manual_mlp.equations.operations import Operation, same_shape, show

LONGEST = 1024  # terms: libraries sum in blocks of at most so many, so that no running sum is longer


@dataclass(frozen=True)
class LossValue(Operation):
    """E from the network's output (or, where fused or asked for, its logits), the targets and decayed kernels: → ().

    E = loss + Σ_i λ_i Σ W_i², with one λ per kernel that follows the targets among the operands.
    """

    loss: Loss
    logits: bool
    decays: tuple[float, ...] = ()

    @property
    def signs(self) -> tuple[str, ...]:  # type: ignore[override]  # one more for every kernel
        """What stands between its operands."""
        return (",", *("+" for _ in self.decays))

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        y_pred, y, *kernels = operands
        total = self.loss.function.form(self.logits).value(y_pred, y, self.loss.factor(*y_pred.shape))
        for decay, kernel in zip(self.decays, kernels, strict=True):
            flat = kernel.reshape(-1)
            total = total + flat.dtype.type(decay) * flat.dot(flat)
        return np.asarray(total)

    def rounding(self, result: Array, *operands: Array, u: float) -> Local:
        y_pred, y, *kernels = operands
        sizes = self.loss.function.form(self.logits).terms(y_pred, y).reshape(-1)
        c = self.loss.factor(*y_pred.shape)
        variance, worst = sum_rounding(sizes, u)
        variance = c * c * (variance + u * u * (5 / 3) * np.square(sizes).sum())
        bound = c * worst * min(1.0, LONGEST / len(sizes))
        for decay, kernel in zip(self.decays, kernels, strict=True):
            more, longest = _decay_rounding(decay, kernel, u)
            variance, bound = variance + more, bound + longest
        own = (2 + len(kernels)) * u * u / 3 * np.square(result)
        return Local(((np.sqrt(variance + own), "entry"),), bound)

    def shape(self, *shapes: Shape) -> Shape:
        same_shape(self, shapes[:2] if not self.loss.function.class_indices else shapes[:1])
        return ()

    def render(self, *symbols: str) -> str:
        value = self.loss.write(value=True, logits=self.logits, symbol=symbols[0])
        return value + "".join(f" + {decay:g} Σ {w}²" for decay, w in zip(self.decays, symbols[2:], strict=True))

    def render_shapes(self, *shapes: Shape) -> str:
        return ", ".join(map(show, shapes[:2])) + "".join(f" + Σ {show(s)}²" for s in shapes[2:])


def _decay_rounding(decay: float, kernel: Array, u: float) -> tuple[Array, Array]:
    """ℓ² and bound of λ Σ W²: the running sum, one rounding of each square, and up to u of λ itself."""
    squares = np.square(kernel).reshape(-1)
    variance, worst = sum_rounding(squares, u)
    variance = variance + u * u / 3 * np.square(squares).sum() + np.square(u * squares.sum())
    return decay * decay * variance, decay * worst * min(1.0, LONGEST / len(squares))


@dataclass(frozen=True)
class LossGradient(Operation):
    """dE/dz of the output layer, or by its logits where the activation is fused into the loss: (N, K), y → (N, K)."""

    loss: Loss
    logits: bool

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        y_pred, y = operands
        return self.loss.function.form(self.logits).gradient(y_pred, y, self.loss.factor(*y_pred.shape), out)

    def frozen(self, operands: tuple[Array, ...], anchors: tuple[Array, ...]) -> Array:
        if not self.clips:
            return self.evaluate(*operands)
        c = self.loss.factor(*operands[0].shape)
        return self.loss.function.plain.gradient(*operands, c, anchor=anchors[0])

    @property
    def clips(self) -> bool:
        """Whether probabilities are clipped, so that no gradient passes outside [ε, 1 − ε]."""
        return not self.logits and self.loss.function.logits is not None

    def rounding(self, result: Array, *operands: Array, u: float) -> Local:
        y_pred, y = operands
        c = self.loss.factor(*y_pred.shape)
        # A probability below η is lost before the factor c is applied: a large loss scale lifts the hole it leaves.
        terms = self.loss.function.form(self.logits).rounding(y_pred, y, result, c, u)
        return Local(terms, lost=max(1.0, c))

    def shape(self, *shapes: Shape) -> Shape:
        return same_shape(self, shapes if not self.loss.function.class_indices else shapes[:1])

    def render(self, *symbols: str) -> str:
        return self.loss.write(value=False, logits=self.logits, symbol=symbols[0])
