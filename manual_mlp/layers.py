"""Layers: frozen descriptions that know their equations, backward right below forward."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from manual_mlp._types import Dim, Shape
from manual_mlp.activations import activation
from manual_mlp.equations import Equation
from manual_mlp.operations import Activate, Product, Pullback, SumOverBatch


@dataclass(frozen=True)
class Dense:
    """A fully connected layer: u = z_prev W + b, z = f(u).

    Backward, with δ = dE/du:  δ = dE/dz ⊙ f′,  dE/dW = z_prevᵀ δ,  dE/db = Σ_N δ,  dE/dz_prev = δ Wᵀ.

    Args:
        units: n_out, at least 1.
        activation: a key of `ACTIVATIONS`.
        use_bias: whether b is added.
        name: "dense_1", "dense_2", … by position if None.

    Raises:
        ValueError: unknown activation (the nearest is suggested), units below 1, a name with a slash.
        TypeError: units that are no whole number.

    Source: Okatani, Deep Learning, 2016, ch. 4; Keras's conventions for shapes and names.

    Example:
        >>> Dense(5, "sigmoid").parameter_shapes(3)
        {'kernel': (3, 5), 'bias': (5,)}
    """

    kind: ClassVar[str] = "dense"

    units: int
    activation: str = "linear"
    use_bias: bool = True
    name: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int):
            raise TypeError(f"Dense(units={self.units!r}): expected a whole number such as 5.")
        if self.units < 1:
            raise ValueError(f"Dense(units={self.units}): expected at least 1.")
        if self.name is not None and not re.fullmatch(r"[^/]+", self.name):
            raise ValueError(f"Layer name {self.name!r}: expected text without '/', which separates layer and array.")
        activation(self.activation)

    def parameter_shapes(self, n_in: Dim, n_out: Dim | None = None) -> dict[str, Shape]:
        """Short name → shape; letters may stand for numbers."""
        n = self.units if n_out is None else n_out
        return {"kernel": (n_in, n), "bias": (n,)} if self.use_bias else {"kernel": (n_in, n)}

    def forward(self, below: str) -> tuple[Equation, ...]:
        """u and z from the output of the layer below."""
        affine = (below, f"{self.name}/kernel", f"{self.name}/bias")
        return (
            self._equation("u", Product(), *(affine if self.use_bias else affine[:2])),
            self._equation("z", Activate(self.activation), f"{self.name}/u"),
        )

    def pullback(self) -> Equation:
        """δ from dE/dz; left out where the loss gives δ itself."""
        reads = f"{self.name}/{activation(self.activation).reads}"
        return self._equation("dE_du", Pullback(self.activation), f"{self.name}/dE_dz", reads)

    def backward(self, below: str, gradient_below: str) -> tuple[Equation, ...]:
        """dE/dW, dE/db and dE/dz_prev from δ."""
        delta, kernel = f"{self.name}/dE_du", f"{self.name}/kernel"
        return (
            self._equation("dE_dkernel", Product(transpose_left=True), below, delta),
            *([self._equation("dE_dbias", SumOverBatch(), delta)] if self.use_bias else []),
            Equation(str(self.name), gradient_below, Product(transpose_right=True), (delta, kernel)),
        )

    def _equation(self, node: str, operation: Activate | Product | Pullback | SumOverBatch, *operands: str) -> Equation:
        return Equation(str(self.name), f"{self.name}/{node}", operation, operands)

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON; `layer_from_dict` reads it back."""
        return {
            "kind": self.kind,
            "units": self.units,
            "activation": self.activation,
            "use_bias": self.use_bias,
            "name": self.name,
        }


Layer = Dense  # the union of all layers; Dropout and Activation join it


def layer_from_dict(data: Mapping[str, object]) -> Layer:
    """The layer that `to_dict` wrote down."""
    kinds = {Dense.kind: Dense}
    fields = dict(data)
    kind = fields.pop("kind", None)
    if kind not in kinds:
        raise ValueError(f"Unknown layer kind {kind!r}: this version reads {', '.join(kinds)}.")
    return kinds[str(kind)](**fields)  # type: ignore[arg-type]  # the constructor checks each field
