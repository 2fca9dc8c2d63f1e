"""The operands of an equation as boxes that meet: what a drawing of the ledger is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradient_diff.ledger.symbols import indexed
from manual_mlp import Equation
from manual_mlp.extend import Shape


@dataclass(frozen=True)
class Box:
    """An operand or a result, as it meets its neighbours.

    Attributes:
        symbol: with its transposition, `z⁽¹⁾ᵀ`.
        shape: after that transposition; None where nothing comes out.
        letters: the same in letters, (n₁, N); empty where they do not hold.
        clash: the axes that do not fit.
    """

    symbol: str
    shape: Shape | None
    letters: Shape
    clash: tuple[int, ...] = ()


def boxes(
    equation: Equation,
    known: Mapping[str, Shape],
    meant: Mapping[str, Shape],
    letters: Mapping[str, Shape],
    places: Mapping[str, int],
    results: tuple[Shape | None, Shape | None],
) -> tuple[Box, ...]:
    """One box per operand, and last the result: as it is live, else as the equation gives it."""
    operation, operands = equation.operation, equation.operands
    symbols = operation.marked(*[indexed(o, places) for o in operands])
    meeting = operation.meeting(*[known[o] for o in operands])
    signs = operation.meeting(*[letters[o] if known[o] == meant[o] else () for o in operands])
    came, wanted = results
    clashes = [()] * len(operands) if came is not None else _clashes(operation.signs, meeting)
    left = [Box(*parts) for parts in zip(symbols, meeting, signs, clashes, strict=True)]
    off = () if came is None or wanted is None else _differing(came, wanted)
    name = letters[equation.node] if came == meant[equation.node] else ()
    return (*left, Box(indexed(equation.node, places), came, name, off))


def _clashes(signs: Sequence[str], meeting: Sequence[Shape]) -> list[tuple[int, ...]]:
    """Per operand, the axes at which it does not meet its neighbour."""
    left, right, *extra = meeting
    if signs[0] != "@":
        return [_differing(left, right), _differing(right, left), *[()] * len(extra)]
    if len(left) == len(right) == 2 and left[1] != right[0]:
        return [(1,), (0,), *[()] * len(extra)]
    flat = [tuple(range(len(s))) if len(s) != 2 else () for s in (left, right)]
    return [*flat, *[tuple(range(len(s))) if not any(flat) else () for s in extra]]


def _differing(mine: Shape, other: Shape) -> tuple[int, ...]:
    """The axes in which two shapes differ; all of them where they have not the same number of axes."""
    same = len(mine) == len(other)
    return tuple(i for i in range(len(mine)) if not same or mine[i] != other[i])
