"""Nodes that are reached on several ways: equations of one node become one, a sum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

from manual_mlp.equations.equations import Equation
from manual_mlp.equations.penalties import Penalty, PenaltyGradient, Plus
from manual_mlp.nodes import gradient_node, variable_of


def added(first: Equation, second: Equation) -> Equation:
    """One equation of a node for two that each give a summand of it."""
    operation = Plus(first.operation, second.operation, len(first.operands))
    return Equation(first.layer, first.node, operation, (*first.operands, *second.operands))


def joined(parts: Iterable[Equation]) -> Equation:
    """One equation of a node from its summands, of which there is at least one: the inverse of `Equation.parts`."""
    return reduce(added, parts)


def summed(equations: Iterable[Equation]) -> tuple[Equation, ...]:
    """The same derivation with one equation per node, where the last of its summands is known."""
    found: dict[str, Equation] = {}
    for equation in equations:
        before = found.pop(equation.node, None)
        found[equation.node] = equation if before is None else added(before, equation)
    return tuple(found.values())


def penalty_equation(layer: str, name: str, penalty: Penalty) -> Equation:
    """What a penalty of an array adds to the gradient by it."""
    return Equation(layer, gradient_node(name), PenaltyGradient(penalty), (name,))


def penalised(equation: Equation, penalties: Mapping[str, Penalty]) -> Equation:
    """The equation of a gradient, with that of the penalty of what it is the gradient by, where there is one."""
    name = variable_of(equation.node)
    penalty = penalties.get(name)
    return equation if penalty is None else added(equation, penalty_equation(equation.layer, name, penalty))
