"""Dropout, with a mask that comes from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.equations import Equation
from manual_mlp.equations.operations import Activate, Multiply
from manual_mlp.network.layers.layer import Layer, check_name, number


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout: z = z_prev ⊙ m, where each entry of the mask m is 0 with probability `rate`, else 1/(1 − rate).

    The mask is no parameter but a *draw*: it comes from outside, `MLP.draws` or a Keras layer, and both sides
    read the same one. Without draws, in inference, the layer is the identity.

    Backward:  dE/dz_prev = dE/dz ⊙ m.

    Args:
        rate: p, the share that is dropped, 0 ≤ p < 1.
        name: "dropout_1", "dropout_2", … by position if None.

    Raises:
        ValueError: a rate out of range, a name with a slash.
        TypeError: a rate that is no number.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, 2014; scaled in training, as Keras does.

    Example:
        >>> for equation in Dropout(0.3, "drop").forward("dense_1/z"):
        ...     print(equation.formula)
        z = z_prev ⊙ m
    """

    kind: ClassVar[str] = "dropout"

    rate: float
    name: str | None = None

    def __post_init__(self) -> None:
        rate = number("Dropout(rate=…)", self.rate)
        if not 0 <= rate < 1:
            raise ValueError(f"Dropout(rate={self.rate}): expected a share of 0 or more and below 1, such as 0.3.")
        object.__setattr__(self, "rate", rate)
        check_name(self.name)

    @property
    def transparent(self) -> bool:
        return self.rate == 0

    @property
    def word(self) -> str:
        return f"dropout {self.rate:g}"

    @property
    def scale(self) -> float:
        """1/(1 − rate), by which what is kept is multiplied."""
        return 1 / (1 - self.rate)

    @property
    def mask(self) -> str:
        """The name of the draw."""
        return f"{self.name}/mask"

    @property
    def draws(self) -> tuple[str, ...]:
        return (self.mask,)

    def sample(self, rng: np.random.Generator | np.random.RandomState, shape: tuple[int, ...], dtype: str) -> Array:
        """A mask."""
        kept = rng.uniform(size=shape) >= self.rate
        return np.multiply(kept, self.scale).astype(dtype)

    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """z from the output of the layer below; in inference no mask is read."""
        operation, operands = (Multiply(), (below, self.mask)) if training else (Activate("linear"), (below,))
        return (Equation(str(self.name), f"{self.name}/z", operation, operands),)

    def backward(
        self, below: str, gradient_below: str, fused: bool = False, training: bool = True
    ) -> tuple[Equation, ...]:
        """dE/dz_prev from dE/dz; in inference the mask is one of ones."""
        return (Equation(str(self.name), gradient_below, Multiply(), (f"{self.name}/dE_dz", self.mask)),)
