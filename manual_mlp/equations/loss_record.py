"""What a loss is: a record of E and its gradient, of outputs and of logits, with formulas, rounding and kinks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.local_rounding import Terms

EPSILON = 1e-7  # keras.config.epsilon(): Keras clips probabilities to [ε, 1 − ε] before it takes their logarithm

SQRT3 = math.sqrt(3)


Edges: TypeAlias = tuple[Array | float, ...]


@dataclass(frozen=True)
class Form:
    """E and dE/dp as functions of one p, the outputs or their logits.

    Attributes:
        formula: E as a function of `{p}` and y, in the letters of the alphabet; `{w}` is where a weight stands.
        gradient_formula: dE/dp, without weights: those of a sample multiply its row.
        value: (p (N, K), y_true, c, w (N,) or None) → E, ().
        gradient: (p (N, K), y_true, c) → dE/dp, (N, K), without weights.
        terms: (p, y_true) → the size of what is summed to E, before the factor c.
        rounding: (p, y_true, dE/dp, c, unit roundoff) → what the gradient rounds.
        edges: (p, y_true) → where the slope jumps for a p that moves alone, as numbers or as arrays of p; there the
            gradient takes an `anchor`, too.
    """

    formula: str
    gradient_formula: str
    value: Callable[..., Array]
    gradient: Callable[..., Array]
    terms: Callable[[Array, Array], Array]
    rounding: Callable[[Array, Array, Array, float, float], Terms]
    edges: Callable[[Array, Array], Edges] = lambda p, y: ()


@dataclass(frozen=True)
class LossFunction:
    """One loss: E and dE/dy_pred with their scaling, and, for a cross-entropy, both again as functions of the logits.

    Attributes:
        name: the house's name, Keras's where Keras has the loss.
        source: where this scaling is from.
        factor: (N, K) → the c in front of the sum.
        plain: E of the network's outputs.
        logits: E of their logits; None for what is no cross-entropy.
        fused_activation: the output activation that Keras fuses into this loss.
        class_indices: y_true holds integer classes, (N,) or (N, 1), not (N, K).
        reduces: it is one of Keras's, which may be summed in place of averaged; the c of the others is their own.
        squared: it is a squared error, c Σ (p − y)².
        targets: what its targets are: any numbers, those of −1 and 1, above 0, or distributions.

    Example:
        >>> from manual_mlp import LOSSES
        >>> LOSSES["mean_squared_error"].factor(100, 2)
        0.005
    """

    name: str
    source: str
    factor: Callable[[int, int], float]
    plain: Form
    logits: Form | None = None
    fused_activation: str | None = None
    class_indices: bool = False
    reduces: bool = True
    squared: bool = False
    targets: Literal["any", "signs", "positive", "distributions"] = "any"

    def form(self, logits: bool) -> Form:
        """E of logits, or of outputs."""
        if not logits:
            return self.plain
        assert self.logits is not None  # a Loss cannot be made otherwise
        return self.logits


def scaled(delta: Array, u: float, *more: Array) -> Terms:
    """Two roundings of δ itself besides `more`, and the factor c, which all entries share: 1 ± 1.5 u."""
    size = np.abs(delta)
    own = 2 * u / SQRT3 * size
    return (np.sqrt(sum((np.square(m) for m in more), np.square(own))), "entry"), (1.5 * u * size, "all")


def total_of(entries: Array, w: Array | None) -> Array:
    """Σ_n w_n Σ_k, of (N, K) or of (N,)."""
    return (entries if w is None else weigh_samples(entries, w)).sum()


def weigh_samples(rows: Array, w: Array, out: Array | None = None) -> Array:
    """Each sample's row times its weight: (N, …), (N,) → (N, …)."""
    return np.multiply(rows, w.reshape(-1, *(1,) * (rows.ndim - 1)), out=out)
