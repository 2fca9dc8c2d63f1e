"""An activation function as a layer of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from manual_mlp.equations.activations import activation
from manual_mlp.equations.equations import Equation
from manual_mlp.equations.operations import Activate, Pullback
from manual_mlp.network.layers.layer import Layer, check_name


@dataclass(frozen=True)
class Activation(Layer):
    """An activation function as a layer of its own: z = f(z_prev).

    Backward:  dE/dz_prev = dE/dz ⊙ f′ (for softmax the whole Jacobian).

    Args:
        activation: a key of `ACTIVATIONS`, or one with Keras's arguments, such as "leaky_relu(0.3)".
        name: "activation_1", "activation_2", … by position if None.

    Raises:
        ValueError: unknown activation (the nearest is suggested), a name with a slash.

    Source: Keras's `Activation` layer.

    Example:
        >>> for equation in Activation("tanh", "act").backward("dense_1/z", "dense_1/dE_dz"):
        ...     print(equation.formula)
        dE/dz_prev = dE/dz ⊙ (1 − z²)
    """

    kind: ClassVar[str] = "activation"

    activation: str
    name: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        object.__setattr__(self, "activation", activation(self.activation).name)

    @property
    def transparent(self) -> bool:
        return self.activation == "linear"

    @property
    def head(self) -> str:
        return self.activation

    @property
    def word(self) -> str:
        return self.activation

    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """z from the output of the layer below."""
        return (Equation(str(self.name), f"{self.name}/z", Activate(self.activation), (below,)),)

    def backward(
        self, below: str, gradient_below: str, fused: bool = False, training: bool = True
    ) -> tuple[Equation, ...]:
        """dE/dz_prev from dE/dz; nothing where the loss has given it."""
        reads = below if activation(self.activation).reads == "u" else f"{self.name}/z"
        pullback = Pullback(self.activation), (f"{self.name}/dE_dz", reads)
        return () if fused else (Equation(str(self.name), gradient_below, *pullback),)
