"""Loss: which E is differentiated, by its name, of outputs or of logits, and how it is scaled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.elementwise import huber, loss_of
from manual_mlp.equations.loss_record import LossFunction
from manual_mlp.equations.losses import LOSSES
from manual_mlp.errors import unknown_name

ALIASES = {
    "mse": "mean_squared_error",
    "MSE": "mean_squared_error",
    "MeanSquaredError": "mean_squared_error",
    "mae": "mean_absolute_error",
    "MAE": "mean_absolute_error",
    "MeanAbsoluteError": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "MAPE": "mean_absolute_percentage_error",
    "MeanAbsolutePercentageError": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "MSLE": "mean_squared_logarithmic_error",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error",
    "Huber": "huber",
    "LogCosh": "log_cosh",
    "Hinge": "hinge",
    "SquaredHinge": "squared_hinge",
    "CategoricalHinge": "categorical_hinge",
    "CosineSimilarity": "cosine_similarity",
    "Poisson": "poisson",
    "kld": "kl_divergence",
    "KLD": "kl_divergence",
    "KLDivergence": "kl_divergence",
    "BinaryCrossentropy": "binary_crossentropy",
    "bce": "binary_crossentropy",
    "BCE": "binary_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
}

Reduction = Literal["sum_over_batch_size", "sum"]
REDUCTIONS: dict[str | None, Reduction] = {
    "sum_over_batch_size": "sum_over_batch_size",
    "mean": "sum_over_batch_size",
    "sum": "sum",
    "none": "sum",  # a tape differentiates the sum
    None: "sum",
}


@dataclass(frozen=True)
class Loss:
    """Which E is differentiated.

    Args:
        name: a key of `LOSSES`, or one of Keras's aliases such as "mse".
        from_logits: the network's output is logits u, not probabilities (cross-entropies only).
        scale: E is multiplied by it, as by a loss weight.
        delta: δ of huber, above 0; 1 if None, as in Keras.
        label_smoothing: α of a cross-entropy of labels in [0, 1]: y becomes (1 − α) y + α/K, or + α/2 for the binary
            one.
        reduction: "sum_over_batch_size" ("mean" is the same) or "sum" (as is "none", since a tape adds up) of Keras's
            losses.

    Raises:
        ValueError: unknown name, `from_logits` without a cross-entropy, a scale that is not a finite number above 0, or
            another argument that the loss has not.

    Example:
        >>> Loss("mse").name
        'mean_squared_error'
        >>> Loss("categorical_crossentropy", from_logits=True).formula
        'E = 1/N Σ_n Σ_k y (log Σ_j exp u_j − u)'
        >>> Loss("mae", reduction="sum").formula
        'E = 1/K Σ_n Σ_k |ŷ − y|'
    """

    name: str
    from_logits: bool = False
    scale: float = 1.0
    delta: float | None = None
    label_smoothing: float = 0.0
    reduction: str | None = "sum_over_batch_size"

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", ALIASES.get(self.name, self.name))
        if self.name not in LOSSES:
            raise unknown_name("loss", self.name, [*LOSSES, *ALIASES])
        if self.from_logits and self.function.logits is None:
            raise ValueError(
                f"{self.name} takes outputs, not logits: from_logits=True belongs to a cross-entropy. "
                "Leave it out, or choose binary_crossentropy or categorical_crossentropy."
            )
        if not (0 < self.scale < float("inf")):
            raise ValueError(f"scale={self.scale} of {self.name}: expected a finite number above 0.")
        object.__setattr__(self, "scale", float(self.scale))  # a NumPy float64 would widen a float32 E
        self._check_delta()
        self._check_smoothing()
        self._check_reduction()

    def _check_delta(self) -> None:
        if self.name == "huber":
            object.__setattr__(self, "delta", 1.0 if self.delta is None else float(self.delta))
            if not (0 < float(self.delta or 0) < float("inf")):
                raise ValueError(f"delta={self.delta} of huber: expected a finite number above 0, such as 1.")
        elif self.delta is not None:
            raise ValueError(f"delta={self.delta} of {self.name}: only huber has a delta. Leave it out.")

    def _check_smoothing(self) -> None:
        object.__setattr__(self, "label_smoothing", float(self.label_smoothing))
        if not 0 <= self.label_smoothing <= 1:
            raise ValueError(f"label_smoothing={self.label_smoothing} of {self.name}: expected a share from 0 to 1.")
        if self.label_smoothing and (self.function.logits is None or self.function.class_indices):
            raise ValueError(
                f"label_smoothing={self.label_smoothing} of {self.name}: only binary_crossentropy and "
                "categorical_crossentropy smooth their labels. Leave it out."
            )

    def _check_reduction(self) -> None:
        if self.reduction not in REDUCTIONS:
            raise ValueError(
                f"reduction={self.reduction!r} of {self.name}: expected 'sum_over_batch_size' or 'sum'. One that "
                "divides by Σ w is not understood so far."
            )
        object.__setattr__(self, "reduction", REDUCTIONS[self.reduction])
        if self.reduction == "sum" and not self.function.reduces:
            raise ValueError(f"reduction='sum' of {self.name}: its c says how it is scaled; give another by scale.")

    @property
    def function(self) -> LossFunction:
        """The record in `LOSSES`, of huber with its δ."""
        return LOSSES[self.name] if self.delta in (None, 1.0) else _huber(float(self.delta))

    def factor(self, batch: int, outputs: int) -> float:
        """The c in front of the sum, with the scale."""
        return self.scale * self.function.factor(batch, outputs) * (batch if self.reduction == "sum" else 1)

    def targets(self, y: Array, outputs: int) -> Array:
        """What the loss takes in place of y (N, K): labels, smoothed."""
        if not self.label_smoothing:
            return y
        real = y.real.dtype.type
        low = real(self.label_smoothing / (2 if self.function.fused_activation == "sigmoid" else outputs))
        return np.asarray(y * real(1 - self.label_smoothing) + low)

    @property
    def formula(self) -> str:
        """E as it stands in a book."""
        symbol = "u" if self.from_logits else "ŷ"
        return f"E = {self.write(value=True, logits=self.from_logits, symbol=symbol)}"

    def write(self, value: bool, logits: bool, symbol: str, weight: str = "") -> str:
        """The right-hand side of E (`value`) or of its gradient, as a function of `symbol`, weighed by `weight`."""
        form = self.function.form(logits)
        scale = "" if self.scale == 1 else f"{self.scale:g} · "
        after = f", y smoothed by {self.label_smoothing:g}" if self.label_smoothing else ""
        if value:
            text = form.formula.removeprefix("E = ").format(p=symbol, w=f"{weight}_n " if weight else "")
            return scale + self._summed(text) + after
        text = self._summed(form.gradient_formula.format(p=symbol))
        return scale + (f"{weight}_n · " if weight else "") + text + after

    def _summed(self, text: str) -> str:
        """Without the 1/N of a mean over the samples."""
        return text if self.reduction != "sum" else text.replace("/(N·K)", "/K", 1).replace("1/N ", "", 1)

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON: `Loss(**data)` is this loss; what has its default is left out, as files had it."""
        plain = {"name": self.name, "from_logits": self.from_logits, "scale": self.scale}
        more = {"delta": self.delta, "label_smoothing": self.label_smoothing, "reduction": self.reduction}
        return plain | {n: v for n, v in more.items() if v not in (None, 0.0, "sum_over_batch_size")}


@cache
def _huber(delta: float) -> LossFunction:
    return loss_of(huber(delta))


def as_loss(loss: str | Loss) -> Loss:
    """A `Loss` from a name; a `Loss` passes through.

    Example:
        >>> as_loss("mse") == as_loss(Loss("mse"))
        True
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise TypeError(f"loss is {type(loss).__name__}: expected a name such as 'mse', or a manual_mlp.Loss.")
    return Loss(loss)
