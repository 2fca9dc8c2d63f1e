"""The equations of one problem by node: which values lead to which."""

from __future__ import annotations

from functools import cached_property

from gradient_diff.source.forms import Recognised
from gradient_diff.source.pieces import BETWEEN, all_equations
from manual_mlp import Equation, Problem
from manual_mlp.extend import INPUT_GRADIENT


class Ladder:
    """What is made of what."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    @cached_property
    def equations(self) -> dict[str, Equation]:
        """node → its equation."""
        return all_equations(self._problem)

    @cached_property
    def activations(self) -> dict[str, str]:
        """Layer → the name of its activation."""
        layers = self._problem.mlp.layers
        return {str(layer.name): layer.activation for layer in layers if hasattr(layer, "activation")}

    @cached_property
    def named(self) -> set[str]:
        """Nodes, parameters and data, without what stands between them."""
        return {*self._problem.environment, *self.equations}

    def is_computed(self, node: str) -> bool:
        """Whether it is the result of an equation, or on the way to one: not data, nor a parameter."""
        return node in self.equations or node.partition("/")[2] in BETWEEN

    def roles_into(self, node: str) -> frozenset[str]:
        """What kinds of values its equation takes."""
        equation = self.equations.get(node)
        names = equation.operands if equation is not None else ()
        return frozenset({"x": "z", INPUT_GRADIENT: "dE_dz"}.get(n, n.partition("/")[2] or n) for n in names)

    def leads_to(self, name: Recognised, node: str) -> bool:
        """Whether a value is an operand of a node's equation, or what that passes through."""
        if any(" with " in n or n.startswith(("θ", "dE/dθ")) for n in name.nodes):
            return True
        layer, _, kind = node.partition("/")
        own = [n.partition("/")[2] if n.startswith(f"{layer}/") else n for n in name.nodes]
        if (equation := self.equations.get(node)) is None:  # it stands between nodes itself
            made_of = BETWEEN[kind][0] if kind in BETWEEN else ()
            if not made_of and (above := self.equations.get(f"{layer}/u")) is not None:
                return any(n in above.operands for n in name.nodes)
            return not made_of or any(n in (kind, *made_of) for n in own)
        operands = {*equation.operands, node}
        return any(n in operands for n in name.nodes) or any(n in BETWEEN and kind in BETWEEN[n][1] for n in own)
