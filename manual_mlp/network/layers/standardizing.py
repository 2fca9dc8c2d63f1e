"""Data brought to mean 0 and variance 1 by fixed statistics: Normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from manual_mlp.arrays import Shape
from manual_mlp.equations.equations import Equation
from manual_mlp.equations.standardizing import Standardize, Statistic, statistic
from manual_mlp.network.layers.layer import Layer, check_name


@dataclass(frozen=True)
class Normalization(Layer):
    """Fixed statistics of the data: z = (z_prev − μ)/max(√v, 1e-7), with one μ and v for all units, or one for each.

    Backward:  dE/dz_prev = dE/dz / max(√v, 1e-7).

    Args:
        mean: μ, a number or one per unit (n,).
        variance: v, the same.
        name: "normalization_1", "normalization_2", … by position if None.

    Raises:
        ValueError: a variance below 0, numbers that are not finite, a μ and a v of different length, a name with a
            slash.
        TypeError: no numbers.

    Source: Keras's `Normalization` layer, axis=-1, with mean and variance given.

    Example:
        >>> Normalization(1.0, 4.0, "scaled").forward("x")[0].evaluate({"x": np.array([[3.0]])})
        array([[1.]])
    """

    kind: ClassVar[str] = "normalization"

    mean: Statistic
    variance: Statistic
    name: str | None = None

    def __post_init__(self) -> None:
        for field in ("mean", "variance"):
            object.__setattr__(self, field, statistic(f"Normalization({field}=…)", getattr(self, field)))
        if np.min(self.variance) < 0:
            raise ValueError(f"Normalization(variance={self.variance}): expected numbers of 0 and above.")
        if np.shape(self.mean) != np.shape(self.variance):
            raise ValueError(
                f"Normalization: mean is {self.mean} and variance {self.variance}: expected as many numbers of each."
            )
        check_name(self.name)

    def shape(self, below: Shape, width: str = "") -> Shape:
        """That of what comes in."""
        return Standardize(self.mean, self.variance).shape(below)

    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """z from the output of the layer below."""
        operation = Standardize(self.mean, self.variance)
        return (Equation(str(self.name), f"{self.name}/z", operation, (below,)),)

    def backward(
        self, below: str, gradient_below: str, fused: bool = False, training: bool = True
    ) -> tuple[Equation, ...]:
        """dE/dz_prev from dE/dz."""
        operation = Standardize(None, self.variance)
        return (Equation(str(self.name), gradient_below, operation, (f"{self.name}/dE_dz",)),)
