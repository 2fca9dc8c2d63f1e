"""The matrix ledger: every equation of a derivation with the shapes of its operands, and whether they fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from manual_mlp import MLP, Equation, Loss, Problem, ShapeError, gradient_node


@dataclass(frozen=True)
class LedgerLine:
    """One equation of the ledger.

    Attributes:
        layer: in whose derivation it stands.
        node: the array that it defines.
        formula: as it stands in a book.
        shapes: the operands' shapes as the operation combines them, and the result's.
        counterpart: what the result must fit, e.g. `kernel (5, 5)`; empty where nothing constrains it.
        fits: whether it does.
        clash: what does not fit, in words; empty where it fits.

    Example:
        >>> from manual_mlp import Dense
        >>> print(ledger(MLP(3, [Dense(2)]), "mse", batch=4)[5])
        dense_1  dE/dW = xᵀ δ   (4, 3)ᵀ @ (4, 2) → (3, 2)   kernel (3, 2)   fits
    """

    layer: str
    node: str
    formula: str
    shapes: str
    counterpart: str
    fits: bool
    clash: str = ""

    def __str__(self) -> str:
        parts = [f"{self.layer}  {self.formula}", self.shapes, self.counterpart, "fits" if self.fits else self.clash]
        return "   ".join(p for p in parts if p)


def ledger(mlp: MLP, loss: str | Loss, batch: int | str = "N", *, fused: bool | None = None) -> list[LedgerLine]:
    """The ledger of a network from its description alone.

    Args:
        mlp: the network.
        loss: a name or a `Loss`.
        batch: N, a number or a letter.
        fused: as for `MLP.equations`.

    Returns:
        One line per equation, in the order of the computation.

    Raises:
        ValueError: as `MLP.equations`.

    Example: see `LedgerLine`.
    """
    return _lines(mlp.equations(loss, fused), mlp.leaf_shapes(batch, loss), {})


def live_ledger(problem: Problem, arrays: Mapping[str, npt.NDArray[Any]]) -> list[LedgerLine]:
    """The ledger of live arrays: what was computed is held against what its equation gives.

    Args:
        problem: names the equations and the shapes of data and parameters.
        arrays: node or parameter name → array, by hand, by the tape or by somebody else.

    Returns:
        One line per equation; one whose live result has another shape than the equation gives does not fit.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import Dense
        >>> mlp = MLP(3, [Dense(2)])
        >>> problem = mlp.problem(mlp.initialize(0), np.ones((4, 3)), np.ones((4, 2)), "mse")
        >>> print(live_ledger(problem, {"dense_1/kernel": np.ones((2, 3))})[5])
        dense_1  dE/dW = xᵀ δ   (4, 3)ᵀ @ (4, 2) → (3, 2)   kernel (3, 2)   given (2, 3): the transpose
    """
    parameters = problem.parameters
    live = {gradient_node(n) if n in parameters else n: a.shape for n, a in arrays.items()}
    leaves = {name: array.shape for name, array in problem.environment.items()}
    return _lines(problem.equations, leaves, live)


def _lines(
    equations: tuple[Equation, ...], leaves: Mapping[str, tuple[Any, ...]], live: Mapping[str, tuple[int, ...]]
) -> list[LedgerLine]:
    known = dict(leaves)
    lines = []
    for equation in equations:
        line, known[equation.node] = _line(equation, known, live.get(equation.node))
        lines.append(line)
    return lines


def _line(
    equation: Equation, known: Mapping[str, tuple[Any, ...]], live: tuple[int, ...] | None
) -> tuple[LedgerLine, tuple[Any, ...]]:
    """The line of one equation, and the shape its node goes on with."""
    counterpart_name = _counterpart(equation.node)
    expected = known.get(counterpart_name)
    counterpart = f"{counterpart_name.rsplit('/', 1)[-1]} {_show(expected)}" if expected is not None else ""
    try:
        result = equation.shape(known)
    except ShapeError as error:
        shapes = equation.operation.render_shapes(*[known[o] for o in equation.operands])
        line = LedgerLine(equation.layer, equation.node, equation.formula, shapes, counterpart, False, str(error))
        return line, live or expected or ()
    clash = "" if live in (None, result) else f"given {_show(live)}{': the transpose' * (live == result[::-1])}"  # type: ignore[arg-type]  # live is a shape here
    if not clash and expected is not None and expected != result:
        clash = f"differs from {counterpart}"
    text = equation.render_shapes(known)
    return LedgerLine(equation.layer, equation.node, equation.formula, text, counterpart, not clash, clash), result


def _counterpart(node: str) -> str:
    """What a gradient must have the shape of: dE/dW that of W, δ that of u, dE/dx that of x."""
    if node == "inputs/dE_dx":
        return "x"
    owner, _, kind = node.rpartition("/")
    return f"{owner}/{kind[4:]}" if kind.startswith("dE_d") else ""


def _show(shape: tuple[Any, ...]) -> str:
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"
