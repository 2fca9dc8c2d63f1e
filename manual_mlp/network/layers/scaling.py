"""Layers that hand on, or scale by fixed numbers: Identity, ActivityRegularization, Rescaling."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from manual_mlp.equations.equations import Equation
from manual_mlp.equations.operations import Activate, Affine
from manual_mlp.equations.penalties import Penalty
from manual_mlp.network.layers.layer import Layer, check_name, coefficient, number


class _HandingOn(Layer):
    """z = z_prev, dE/dz_prev = dE/dz."""

    @property
    def transparent(self) -> bool:
        return True

    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """z from the output of the layer below."""
        return (Equation(str(self.name), f"{self.name}/z", Activate("linear"), (below,)),)

    def backward(
        self, below: str, gradient_below: str, fused: bool = False, training: bool = True
    ) -> tuple[Equation, ...]:
        """dE/dz_prev from dE/dz."""
        return (Equation(str(self.name), gradient_below, Activate("linear"), (f"{self.name}/dE_dz",)),)


@dataclass(frozen=True)
class Identity(_HandingOn):
    """What comes in: z = z_prev.

    Backward:  dE/dz_prev = dE/dz.

    Args:
        name: "identity_1", "identity_2", … by position if None.

    Raises:
        ValueError: a name with a slash.

    Source: Keras's `Identity` layer.

    Example:
        >>> Identity("same").forward("dense_1/z")[0].formula
        'z = z_prev'
    """

    kind: ClassVar[str] = "identity"

    name: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True)
class ActivityRegularization(_HandingOn):
    """What comes in, z = z_prev, which E is charged for: E += 1/N (λ₁ Σ |z| + λ₂ Σ z²).

    Backward:  dE/dz_prev = dE/dz, to which the penalty has added λ₁/N sign z + 2 λ₂/N z.

    Args:
        l1: λ₁, 0 for none.
        l2: λ₂, 0 for none.
        name: "activity_regularization_1", … by position if None.

    Raises:
        ValueError: a λ below 0, a name with a slash.
        TypeError: a λ that is no number.

    Source: Keras's `ActivityRegularization` layer.

    Example:
        >>> ActivityRegularization(l2=0.25, name="charge").penalties["charge/z"].write_gradient("z")
        ' + 0.5/N z'
    """

    kind: ClassVar[str] = "activity_regularization"

    l1: float = 0.0
    l2: float = 0.0
    name: str | None = None

    def __post_init__(self) -> None:
        for field in ("l1", "l2"):
            value = coefficient(f"ActivityRegularization({field}=…)", getattr(self, field))
            object.__setattr__(self, field, value)
        check_name(self.name)

    @property
    def penalties(self) -> Mapping[str, Penalty]:
        penalty = Penalty(self.l1, self.l2, mean=True)
        return {f"{self.name}/z": penalty} if penalty else {}


@dataclass(frozen=True)
class Rescaling(Layer):
    """Two fixed numbers: z = a z_prev + c, such as 1/255 for the pixels of an image.

    Backward:  dE/dz_prev = a dE/dz.

    Args:
        scale: a.
        offset: c.
        name: "rescaling_1", "rescaling_2", … by position if None.

    Raises:
        ValueError: a scale of 0, numbers that are not finite, a name with a slash.
        TypeError: no numbers.

    Source: Keras's `Rescaling` layer.

    Example:
        >>> Rescaling(0.5, 1.0, "halves").forward("x")[0].formula
        'z = 0.5 x + 1'
    """

    kind: ClassVar[str] = "rescaling"

    scale: float
    offset: float = 0.0
    name: str | None = None

    def __post_init__(self) -> None:
        for field in ("scale", "offset"):
            value = number(f"Rescaling({field}=…)", getattr(self, field))
            if not math.isfinite(value) or (field == "scale" and value == 0):
                raise ValueError(
                    f"Rescaling({field}={value:g}): expected a finite number{', not 0' * (field == 'scale')}."
                )
            object.__setattr__(self, field, value)
        check_name(self.name)

    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """z from the output of the layer below."""
        return (Equation(str(self.name), f"{self.name}/z", Affine(self.scale, self.offset), (below,)),)

    def backward(
        self, below: str, gradient_below: str, fused: bool = False, training: bool = True
    ) -> tuple[Equation, ...]:
        """dE/dz_prev from dE/dz."""
        return (Equation(str(self.name), gradient_below, Affine(self.scale), (f"{self.name}/dE_dz",)),)
