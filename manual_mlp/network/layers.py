"""Layers: frozen descriptions that know their equations, backward right below forward.

Every layer answers the same questions: how wide its output is, which parameters and draws it reads, its equations
forward and backward, and what a loss that takes its activation in would read and give instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from manual_mlp.arrays import Array, Dim, Shape
from manual_mlp.equations.activations import activation
from manual_mlp.equations.equations import Equation
from manual_mlp.equations.operations import Activate, Multiply, Operation, Product, Pullback, SumOverBatch


@dataclass(frozen=True)
class Dense:
    """A fully connected layer: u = z_prev W + b, z = f(u).

    Backward, with δ = dE/du:  δ = dE/dz ⊙ f′,  dE/dW = z_prevᵀ δ (+ 2λ W),  dE/db = Σ_N δ,  dE/dz_prev = δ Wᵀ.

    Args:
        units: n_out, at least 1.
        activation: a key of `ACTIVATIONS`, or one with Keras's arguments, such as "leaky_relu(0.3)".
        use_bias: whether b is added.
        name: "dense_1", "dense_2", … by position if None.
        kernel_l2: λ of a decay, E += λ Σ W²; 0 for none.

    Raises:
        ValueError: unknown activation (the nearest is suggested), units below 1, a λ below 0, a name with a slash.
        TypeError: units that are no whole number, a λ that is no number.

    Source: Okatani, Deep Learning, 2016, ch. 4; Keras's conventions for shapes, names and the decay.

    Example:
        >>> Dense(5, "sigmoid").parameter_shapes(3)
        {'kernel': (3, 5), 'bias': (5,)}
    """

    kind: ClassVar[str] = "dense"
    transparent: ClassVar[bool] = False

    units: int
    activation: str = "linear"
    use_bias: bool = True
    name: str | None = None
    kernel_l2: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int):
            raise TypeError(f"Dense(units={self.units!r}): expected a whole number such as 5.")
        if self.units < 1:
            raise ValueError(f"Dense(units={self.units}): expected at least 1.")
        decay = _number("Dense(kernel_l2=…)", self.kernel_l2)
        if not 0 <= decay < math.inf:
            raise ValueError(f"Dense(kernel_l2={self.kernel_l2}): expected a finite λ of 0 or more, such as 1e-4.")
        object.__setattr__(self, "kernel_l2", decay)
        _check_name(self.name)
        object.__setattr__(self, "activation", activation(self.activation).name)

    def width(self, n_in: Dim) -> Dim:
        """n_out."""
        return self.units

    def parameter_shapes(self, n_in: Dim, n_out: Dim | None = None) -> dict[str, Shape]:
        """Short name → shape; letters may stand for numbers."""
        n = self.units if n_out is None else n_out
        return {"kernel": (n_in, n), "bias": (n,)} if self.use_bias else {"kernel": (n_in, n)}

    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """u and z from the output of the layer below."""
        affine = (below, f"{self.name}/kernel", f"{self.name}/bias")
        return (
            self._equation("u", Product(), *(affine if self.use_bias else affine[:2])),
            self._equation("z", Activate(self.activation), f"{self.name}/u"),
        )

    def backward(self, below: str, gradient_below: str, fused: bool = False) -> tuple[Equation, ...]:
        """δ, dE/dW, dE/db and dE/dz_prev from dE/dz; where the activation is fused the loss has given δ itself."""
        delta, kernel = f"{self.name}/dE_du", f"{self.name}/kernel"
        reads = f"{self.name}/{activation(self.activation).reads}"
        weights, decay = ((below, delta, kernel), 2 * self.kernel_l2) if self.kernel_l2 else ((below, delta), 1.0)
        return (
            *(() if fused else (self._equation("dE_du", Pullback(self.activation), f"{self.name}/dE_dz", reads),)),
            self._equation("dE_dkernel", Product(transpose_left=True, plus=decay), *weights),
            *((self._equation("dE_dbias", SumOverBatch(), delta),) if self.use_bias else ()),
            Equation(str(self.name), gradient_below, Product(transpose_right=True), (delta, kernel)),
        )

    def fused_ends(self, below: str, gradient_below: str) -> tuple[str, str]:
        """(what a fused loss reads, the node that it gives): the pre-activation, and its gradient."""
        return f"{self.name}/u", f"{self.name}/dE_du"

    def _equation(self, node: str, operation: Operation, *operands: str) -> Equation:
        return Equation(str(self.name), f"{self.name}/{node}", operation, operands)

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON; `layer_from_dict` reads it back."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Activation:
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
        _check_name(self.name)
        object.__setattr__(self, "activation", activation(self.activation).name)

    @property
    def transparent(self) -> bool:
        """Whether Keras hands on the very tensor that came in."""
        return self.activation == "linear"

    def width(self, n_in: Dim) -> Dim:
        """That of the layer below."""
        return n_in

    def parameter_shapes(self, n_in: Dim, n_out: Dim | None = None) -> dict[str, Shape]:
        """None."""
        return {}

    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """z from the output of the layer below."""
        return (Equation(str(self.name), f"{self.name}/z", Activate(self.activation), (below,)),)

    def backward(self, below: str, gradient_below: str, fused: bool = False) -> tuple[Equation, ...]:
        """dE/dz_prev from dE/dz; nothing where the loss has given it."""
        reads = below if activation(self.activation).reads == "u" else f"{self.name}/z"
        pullback = Pullback(self.activation), (f"{self.name}/dE_dz", reads)
        return () if fused else (Equation(str(self.name), gradient_below, *pullback),)

    def fused_ends(self, below: str, gradient_below: str) -> tuple[str, str]:
        """(what a fused loss reads, the node that it gives): both belong to the layer below."""
        return below, gradient_below

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON; `layer_from_dict` reads it back."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Dropout:
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
        rate = _number("Dropout(rate=…)", self.rate)
        if not 0 <= rate < 1:
            raise ValueError(f"Dropout(rate={self.rate}): expected a share of 0 or more and below 1, such as 0.3.")
        object.__setattr__(self, "rate", rate)
        _check_name(self.name)

    @property
    def transparent(self) -> bool:
        """Whether Keras hands on the very tensor that came in."""
        return self.rate == 0

    @property
    def scale(self) -> float:
        """1/(1 − rate), by which what is kept is multiplied."""
        return 1 / (1 - self.rate)

    @property
    def mask(self) -> str:
        """The name of the draw."""
        return f"{self.name}/mask"

    def sample(self, rng: np.random.Generator | np.random.RandomState, shape: tuple[int, int], dtype: str) -> Array:
        """A mask."""
        kept = rng.uniform(size=shape) >= self.rate
        return np.multiply(kept, self.scale).astype(dtype)

    def width(self, n_in: Dim) -> Dim:
        """That of the layer below."""
        return n_in

    def parameter_shapes(self, n_in: Dim, n_out: Dim | None = None) -> dict[str, Shape]:
        """None."""
        return {}

    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """z from the output of the layer below; in inference no mask is read."""
        operation, operands = (Multiply(), (below, self.mask)) if training else (Activate("linear"), (below,))
        return (Equation(str(self.name), f"{self.name}/z", operation, operands),)

    def backward(self, below: str, gradient_below: str, fused: bool = False) -> tuple[Equation, ...]:
        """dE/dz_prev from dE/dz."""
        return (Equation(str(self.name), gradient_below, Multiply(), (f"{self.name}/dE_dz", self.mask)),)

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON; `layer_from_dict` reads it back."""
        return {"kind": self.kind, **asdict(self)}


Layer: TypeAlias = Dense | Dropout | Activation


def layer_from_dict(data: Mapping[str, object]) -> Layer:
    """The layer that `to_dict` wrote down."""
    kinds: dict[str, type[Layer]] = {layer.kind: layer for layer in (Dense, Dropout, Activation)}
    fields = dict(data)
    kind = fields.pop("kind", None)
    if kind not in kinds:
        raise ValueError(f"Unknown layer kind {kind!r}: this version reads {', '.join(kinds)}.")
    return kinds[str(kind)](**fields)  # type: ignore[arg-type]  # the constructor checks each field


def _check_name(name: str | None) -> None:
    if name is not None and not re.fullmatch(r"[^/]+", name):
        raise ValueError(f"Layer name {name!r}: expected text without '/', which separates layer and array.")


def _number(what: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating)):
        raise TypeError(f"{what} is {type(value).__name__}: expected a number.")
    return float(value)
