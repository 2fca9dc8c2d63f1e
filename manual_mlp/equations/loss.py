"""Loss: which E is differentiated, by its name, of outputs or of logits, and how it is scaled."""

from __future__ import annotations

from dataclasses import dataclass

from manual_mlp.equations.losses import LOSSES, LossFunction
from manual_mlp.errors import unknown_name

ALIASES = {
    "mse": "mean_squared_error",
    "MSE": "mean_squared_error",
    "MeanSquaredError": "mean_squared_error",
    "BinaryCrossentropy": "binary_crossentropy",
    "bce": "binary_crossentropy",
    "BCE": "binary_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
}


@dataclass(frozen=True)
class Loss:
    """Which E is differentiated.

    Args:
        name: a key of `LOSSES`, or one of Keras's aliases such as "mse".
        from_logits: the network's output is logits u, not probabilities (cross-entropies only).
        scale: E is multiplied by it, as by a loss weight.

    Raises:
        ValueError: unknown name, `from_logits` without a cross-entropy, or a scale that is not a finite number above 0.

    Example:
        >>> Loss("mse").name
        'mean_squared_error'
        >>> Loss("categorical_crossentropy", from_logits=True).formula
        'E = 1/N Σ_n Σ_k y (log Σ_j exp u_j − u)'
    """

    name: str
    from_logits: bool = False
    scale: float = 1.0

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

    @property
    def function(self) -> LossFunction:
        """The record in `LOSSES`."""
        return LOSSES[self.name]

    def factor(self, batch: int, outputs: int) -> float:
        """The c in front of the sum, with the scale."""
        return self.scale * self.function.factor(batch, outputs)

    @property
    def formula(self) -> str:
        """E as it stands in a book."""
        symbol = "u" if self.from_logits else "ŷ"
        return f"E = {self.write(value=True, logits=self.from_logits, symbol=symbol)}"

    def write(self, value: bool, logits: bool, symbol: str, weight: str = "") -> str:
        """The right-hand side of E (`value`) or of its gradient, as a function of `symbol`, weighed by `weight`."""
        form = self.function.form(logits)
        scale = "" if self.scale == 1 else f"{self.scale:g} · "
        if value:
            return scale + form.formula.removeprefix("E = ").format(p=symbol, w=f"{weight}_n " if weight else "")
        return scale + (f"{weight}_n · " if weight else "") + form.gradient_formula.format(p=symbol)


def as_loss(loss: str | Loss) -> Loss:
    """A `Loss` from a name; a `Loss` passes through.

    Example:
        >>> as_loss("mse")
        Loss(name='mean_squared_error', from_logits=False, scale=1.0)
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise TypeError(f"loss is {type(loss).__name__}: expected a name such as 'mse', or a manual_mlp.Loss.")
    return Loss(loss)
