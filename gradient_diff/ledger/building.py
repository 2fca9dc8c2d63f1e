"""The matrix ledger: every equation of a derivation with the shapes of its operands, and whether they fit."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from gradient_diff.ledger.boxes import boxes
from gradient_diff.ledger.ledger import Ledger, LedgerLine
from gradient_diff.ledger.symbols import PRIMES, indexed_width, positions, symbolic
from manual_mlp import MLP, Array, Equation, Loss, Problem, ShapeError, gradient_node
from manual_mlp.extend import SAMPLE_WEIGHT, Shape, as_loss, is_gradient, show, variable_of


def ledger(
    mlp: MLP,
    loss: str | Loss,
    batch: int | str = "N",
    *,
    fused: bool | None = None,
    shapes: Mapping[str, Array | tuple[int, ...]] | None = None,
) -> Ledger:
    """The ledger of a network from its description alone.

    Args:
        mlp: the network; of a Keras model it is `keras_mlp.from_keras(model)[0]`.
        loss: a name or a `Loss`.
        batch: N, a number or a letter.
        fused: as for `MLP.equations`.
        shapes: what is really there, name → array or shape: data (x, y, sample_weight), parameters, or nodes such as
            `dense_1/dE_dkernel`. Whatever does not fit is a clash. With `sample_weight` E is that of weighted samples.

    Returns:
        A `Ledger`: one line per equation, in the order of the computation.

    Raises:
        ValueError: as `MLP.equations`, or shapes of something that the network does not have.

    Example:
        >>> from manual_mlp import Dense
        >>> book = ledger(MLP(3, [Dense(2)]), "mse", 4, shapes={"dense_1/kernel": (2, 3)})
        >>> print(book[0])
        dense_1  u = x W + b   (4, 3) @ (2, 3) + (2,)   the inner dimensions 3 and 2 differ
    """
    loss = as_loss(loss)
    weighted = SAMPLE_WEIGHT in (shapes or {})
    equations, leaves = mlp.equations(loss, fused, weighted), mlp.leaf_shapes(batch, loss, weighted=weighted)
    given = {name: a if isinstance(a, tuple) else np.shape(a) for name, a in (shapes or {}).items()}
    unknown = given.keys() - leaves.keys() - {e.node for e in equations}
    if unknown:
        raise ValueError(
            f"shapes= names {', '.join(sorted(unknown))}, which this network has not: {', '.join(leaves)}."
        )
    leaves |= {name: shape for name, shape in given.items() if name in leaves}
    return _ledger(mlp, loss, equations, leaves, given, batch)


def live_ledger(problem: Problem, arrays: Mapping[str, Array]) -> Ledger:
    """The ledger of live arrays: what was computed is held against what its equation gives."""
    parameters = problem.parameters
    live = {gradient_node(n) if n in parameters else n: a.shape for n, a in arrays.items()}
    leaves = {name: array.shape for name, array in problem.environment.items()}
    return _ledger(problem.mlp, problem.loss, problem.equations, leaves, live, problem.batch)


def _ledger(
    mlp: MLP,
    loss: Loss,
    equations: tuple[Equation, ...],
    leaves: Mapping[str, Shape],
    live: Mapping[str, tuple[int, ...]],
    batch: int | str,
) -> Ledger:
    weighted = SAMPLE_WEIGHT in leaves
    known, meant = dict(leaves), mlp.leaf_shapes(batch, loss, weighted=weighted)
    letters = mlp.leaf_shapes("N", loss, letters=True, weighted=weighted)
    places, lines = positions(mlp), []
    for equation in equations:
        node = equation.node
        letters[node], meant[node] = equation.shape(letters), equation.shape(meant)
        line, result = _line(equation, known, meant, letters, places, live.get(node))
        known[node] = live.get(node, meant[node]) if result is None else result  # so that one clash stays one
        lines.append(line)
    own = {i: n for i, (layer, n) in enumerate(zip(mlp.layers, mlp.units, strict=True), 1) if layer.kernel}
    widths = {0: mlp.input_shape[-1], **own}
    return Ledger(tuple(lines), f"{mlp.outline}, {loss.name}, batch {batch}", _advice(batch, widths))


def _advice(batch: int | str, widths: Mapping[int, int]) -> str:
    """The batch meets every width, and each width the next one; layer → width, of layers that have one of their own."""
    named = {indexed_width(i): n for i, n in widths.items()}
    pairs = [("N", name, n) for name, n in named.items() if n == batch]
    pairs += [(a, b, n) for (a, n), (b, m) in itertools.pairwise(named.items()) if n == m]
    if not pairs:
        return ""
    equal = ", ".join(f"{a} = {b} = {n}" for a, b, n in pairs)
    return f"{equal}: there a matrix fits either way round, and shapes prove nothing. {PRIMES}"


def _line(
    equation: Equation,
    known: Mapping[str, Shape],
    meant: Mapping[str, Shape],
    letters: Mapping[str, Shape],
    places: Mapping[str, int],
    live: tuple[int, ...] | None,
) -> tuple[LedgerLine, Shape | None]:
    """The line of one equation, and the shape that it gives."""
    counterpart_name = _counterpart(equation.node)
    expected = known.get(counterpart_name)
    counterpart = f"{counterpart_name.rsplit('/', 1)[-1]} {show(expected)}" if expected is not None else ""
    operation, operands = equation.operation, [known[o] for o in equation.operands]
    result, clash = _result(equation, operands)
    if result is not None and live not in (None, result):
        clash = f"given {show(live)}{': the transpose' * (live == result[::-1])}"
    elif result is not None and expected not in (None, result):
        clash = f"differs from {counterpart}"
    came, wanted = (live or result, expected) if live in (None, result) else (live, result)
    arrow = "" if result is None else f" → {show(result)}"
    line = LedgerLine(
        equation.layer,
        equation.node,
        equation.formula,
        operation.render_shapes(*operands) + arrow,
        counterpart,
        not clash,
        clash,
        symbolic(equation, places),
        f"{operation.render_meeting(*[letters[o] for o in equation.operands])} → {show(letters[equation.node])}",
        operation.render_meeting(*operands) + (arrow or " → ✗"),
        equation.operands,
        boxes(equation, known, meant, letters, places, (None if result is None else came, wanted)),
        operation.signs,
    )
    return line, result


def _result(equation: Equation, operands: Sequence[Shape]) -> tuple[Shape | None, str]:
    """What the equation gives, or why it gives nothing."""
    try:
        return equation.operation.shape(*operands), ""
    except ShapeError as error:
        return None, str(error).rpartition(": ")[2]


def _counterpart(node: str) -> str:
    """What a gradient must have the shape of: dE/dW that of W, δ that of u, dE/dx that of x."""
    return variable_of(node) if is_gradient(node) else ""
