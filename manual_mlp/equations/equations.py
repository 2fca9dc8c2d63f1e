"""The equation: one record that evaluation, matrix ledger, noise, isolated comparison, diagnosis and report all read.

Backpropagation is a tuple of equations, run in order. There is no second copy of it anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from manual_mlp.arrays import Array, Shape
from manual_mlp.equations.operations import Operation, show
from manual_mlp.errors import ShapeError
from manual_mlp.nodes import LOSS, SAMPLE_WEIGHT, kind_of, layer_of


@dataclass(frozen=True)
class Equation:
    """node = operation(operands), e.g. `dense_2/dE_dkernel` = Product(transpose_left)(`dense_1/z`, `dense_2/dE_du`).

    Attributes:
        layer: the layer in whose derivation it stands.
        node: the name of the array that it defines.
        operation: what is done.
        operands: names of nodes, parameters, draws such as `dropout_1/mask`, or the data "x", "y" and "sample_weight".
        internal: whether the node is a step on the way, such as a variance of the batch, which no tape shows.

    Example:
        >>> from manual_mlp import MLP, Dense
        >>> for equation in MLP(1, [Dense(1)]).equations("mse"):
        ...     print(equation.node, "|", equation.formula)
        dense_1/u | u = x W + b
        dense_1/z | z = u
        loss | E = 1/(N·K) Σ_n Σ_k (z − y)²
        dense_1/dE_dz | dE/dz = 2/(N·K) (z − y)
        dense_1/dE_du | δ = dE/dz
        dense_1/dE_dkernel | dE/dW = xᵀ δ
        dense_1/dE_dbias | dE/db = Σ_N δ
        inputs/dE_dx | dE/dx = δ Wᵀ
    """

    layer: str
    node: str
    operation: Operation
    operands: tuple[str, ...]
    internal: bool = False

    @property
    def formula(self) -> str:
        """The equation as it stands in a book."""
        symbols = [symbol(o, self.layer) for o in self.operands]
        return f"{symbol(self.node, self.layer)} = {self.operation.render(*symbols)}"

    @property
    def parts(self) -> tuple[Equation, ...]:
        """One equation per summand of a sum, such as that of a penalty; else itself."""
        found = self.operation.parts(self.operands)
        return (self,) if len(found) == 1 else tuple(replace(self, operation=o, operands=names) for o, names in found)

    def evaluate(self, environment: Mapping[str, Array]) -> Array:
        """The node's array from the arrays of its operands."""
        return self.operation.evaluate(*[environment[o] for o in self.operands])

    def shape(self, shapes: Mapping[str, Shape]) -> Shape:
        """The node's shape; a ShapeError names layer, formula and both sides of the clash."""
        try:
            return self.operation.shape(*[shapes[o] for o in self.operands])
        except ShapeError as clash:
            operands, _, reason = str(clash).rpartition(": ")
            raise ShapeError(f"{self.layer}: {self.formula}   {operands} → none: {reason}") from None

    def render_shapes(self, shapes: Mapping[str, Shape]) -> str:
        """`(100, 5)ᵀ @ (100, 5) → (5, 5)`."""
        operands = self.operation.render_shapes(*[shapes[o] for o in self.operands])
        return f"{operands} → {show(self.shape(shapes))}"

    def render_line(self, shapes: Mapping[str, Shape]) -> str:
        """Formula and shapes, as the matrix ledger has them: `dE/dW = xᵀ δ   (100, 5)ᵀ @ (100, 5) → (5, 5)`."""
        return f"{self.formula}   {self.render_shapes(shapes)}"


def evaluate(equations: Iterable[Equation], environment: Mapping[str, Array]) -> dict[str, Array]:
    """Run equations in order.

    Args:
        equations: each may read the nodes of those before it.
        environment: name → array of data and parameters; it is not changed.

    Returns:
        node → array, in the order of the computation.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(1, [Dense(1, use_bias=False)])
        >>> data = {"x": np.array([[2.0]]), "dense_1/kernel": np.array([[3.0]])}
        >>> evaluate(mlp.forward_equations, data)["dense_1/z"]
        array([[6.]])
    """
    values = dict(environment)
    nodes = {}
    for equation in equations:
        result = equation.operation.evaluate(*[values[o] for o in equation.operands])
        nodes[equation.node] = values[equation.node] = result
    return nodes


def infer_shapes(equations: Iterable[Equation], shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shape of every name, the given ones first, from those of data and parameters, in numbers or in letters."""
    known = dict(shapes)
    for equation in equations:
        known[equation.node] = equation.shape(known)
    return known


_SYMBOLS = {
    "u": "u",
    "z": "z",
    "kernel": "W",
    "bias": "b",
    "mask": "m",
    "dE_dz": "dE/dz",
    "dE_du": "δ",
    "dE_dkernel": "dE/dW",
    "dE_dbias": "dE/db",
    "dE_dx": "dE/dx",
    "gamma": "γ",
    "scale": "γ",
    "beta": "β",
    "mean": "μ",
    "variance": "v",
    "moving_mean": "μ",
    "moving_variance": "v",
    "dE_dgamma": "dE/dγ",
    "dE_dscale": "dE/dγ",
    "dE_dbeta": "dE/dβ",
}


def symbol(name: str, layer: str) -> str:
    """A name in the letters of the alphabet, as seen from a layer: another layer's z is z_prev.

    Example:
        >>> symbol("dense_1/z", layer="dense_2"), symbol("dense_2/dE_du", layer="dense_2"), symbol("loss", "")
        ('z_prev', 'δ', 'E')
    """
    if "/" not in name:
        return {LOSS: "E", SAMPLE_WEIGHT: "w"}.get(name, name)
    owner, kind = layer_of(name), kind_of(name)
    letter = _SYMBOLS.get(kind, kind)
    return letter if owner in (layer, "inputs") else f"{letter}_prev"
