"""A fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from manual_mlp.arrays import Shape
from manual_mlp.equations.activations import activation
from manual_mlp.equations.equations import Equation
from manual_mlp.equations.operations import Activate, Operation, Product, Pullback, SumOverBatch
from manual_mlp.equations.penalties import Penalty
from manual_mlp.equations.summing import penalised
from manual_mlp.network.layers.layer import Layer, check_name, coefficient

_LATER = ("kernel_l1", "bias_l1", "bias_l2", "activity_l1", "activity_l2")  # files of before know nothing of them


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer: u = z_prev W + b, z = f(u).

    Backward, with δ = dE/du:  δ = dE/dz ⊙ f′,  dE/dW = z_prevᵀ δ,  dE/db = Σ_N δ,  dE/dz_prev = δ Wᵀ; each λ₁ adds
    λ₁ sign a and each λ₂ adds 2 λ₂ a to the gradient by W, b or z, the latter divided by N.

    Args:
        units: n_out, at least 1.
        activation: a key of `ACTIVATIONS`, or one with Keras's arguments, such as "leaky_relu(0.3)".
        use_bias: whether b is added.
        name: "dense_1", "dense_2", … by position if None.
        kernel_l2: λ of a decay, E += λ Σ W²; 0 for none.
        kernel_l1: λ of E += λ Σ |W|.
        bias_l1, bias_l2: the same of b.
        activity_l1, activity_l2: the same of z, divided by N.

    Raises:
        ValueError: unknown activation (the nearest is suggested), units below 1, a λ below 0, one of a bias that is
            not there, a name with a slash.
        TypeError: units that are no whole number, a λ that is no number.

    Source: Okatani, Deep Learning, 2016, ch. 4; Keras's conventions for shapes, names and penalties.

    Example:
        >>> Dense(5, "sigmoid").parameter_shapes((3,))
        {'kernel': (3, 5), 'bias': (5,)}
        >>> Dense(5, kernel_l1=0.5, kernel_l2=0.25, name="a").backward("x", "inputs/dE_dx")[1].formula
        'dE/dW = xᵀ δ + 0.5 sign W + 0.5 W'
    """

    kind: ClassVar[str] = "dense"

    units: int
    activation: str = "linear"
    use_bias: bool = True
    name: str | None = None
    kernel_l2: float = 0.0
    kernel_l1: float = 0.0
    bias_l1: float = 0.0
    bias_l2: float = 0.0
    activity_l1: float = 0.0
    activity_l2: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int):
            raise TypeError(f"Dense(units={self.units!r}): expected a whole number such as 5.")
        if self.units < 1:
            raise ValueError(f"Dense(units={self.units}): expected at least 1.")
        for field in ("kernel_l2", *_LATER):
            object.__setattr__(self, field, coefficient(f"Dense({field}=…)", getattr(self, field)))
        if not self.use_bias and (self.bias_l1 or self.bias_l2):
            raise ValueError("Dense(use_bias=False): there is no b, but a λ of one. Leave bias_l1 and bias_l2 out.")
        check_name(self.name)
        object.__setattr__(self, "activation", activation(self.activation).name)

    @property
    def head(self) -> str:
        return self.activation

    @property
    def kernel(self) -> str:
        return f"{self.name}/kernel"

    @property
    def penalties(self) -> Mapping[str, Penalty]:
        every = {
            self.kernel: Penalty(self.kernel_l1, self.kernel_l2),
            f"{self.name}/bias": Penalty(self.bias_l1, self.bias_l2),
            f"{self.name}/z": Penalty(self.activity_l1, self.activity_l2, mean=True),
        }
        return {name: penalty for name, penalty in every.items() if penalty}

    @property
    def word(self) -> int:
        return self.units

    def shape(self, below: Shape, width: str = "") -> Shape:
        """(…, n_in) → (…, n_out)."""
        return (*below[:-1], width or self.units)

    def parameter_shapes(self, below: Shape, width: str = "") -> dict[str, Shape]:
        """Short name → shape."""
        n = width or self.units
        return {"kernel": (below[-1], n), "bias": (n,)} if self.use_bias else {"kernel": (below[-1], n)}

    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """u and z from the output of the layer below."""
        affine = (below, f"{self.name}/kernel", f"{self.name}/bias")
        return (
            self._equation("u", Product(), *(affine if self.use_bias else affine[:2])),
            self._equation("z", Activate(self.activation), f"{self.name}/u"),
        )

    def backward(
        self, below: str, gradient_below: str, fused: bool = False, training: bool = True
    ) -> tuple[Equation, ...]:
        """δ, dE/dW, dE/db and dE/dz_prev from dE/dz; where the activation is fused the loss has given δ itself."""
        delta, kernel = f"{self.name}/dE_du", f"{self.name}/kernel"
        reads = f"{self.name}/{activation(self.activation).reads}"
        own = (
            self._equation("dE_dkernel", Product(transpose_left=True), below, delta),
            *((self._equation("dE_dbias", SumOverBatch(), delta),) if self.use_bias else ()),
        )
        return (
            *(() if fused else (self._equation("dE_du", Pullback(self.activation), f"{self.name}/dE_dz", reads),)),
            *(penalised(equation, self.penalties) for equation in own),
            Equation(str(self.name), gradient_below, Product(transpose_right=True), (delta, kernel)),
        )

    def fused_ends(self, below: str, gradient_below: str) -> tuple[str, str]:
        """(what a fused loss reads, the node that it gives): the pre-activation, and its gradient."""
        return f"{self.name}/u", f"{self.name}/dE_du"

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON; a λ of 0 that files of before did not know of is left out."""
        return {name: value for name, value in super().to_dict().items() if value or name not in _LATER}

    def _equation(self, node: str, operation: Operation, *operands: str) -> Equation:
        return Equation(str(self.name), f"{self.name}/{node}", operation, operands)
