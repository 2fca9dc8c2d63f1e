"""The equations of one problem by node, and the steps between: which values lead to which."""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import cached_property

from gradient_diff.source.forms import Recognised
from gradient_diff.source.normalised import normalisation_steps
from gradient_diff.source.pieces import BETWEEN, all_equations
from gradient_diff.source.steps import Step
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
    def steps(self) -> dict[str, list[Step]]:
        """Result → the steps that give it, of what is made step by step."""
        found: dict[str, list[Step]] = {}
        for step in normalisation_steps(self.equations):
            found.setdefault(step.node, []).append(step)
        return found

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
        return node in self.equations or node in self.steps or node.partition("/")[2] in BETWEEN

    def roles_into(self, node: str) -> frozenset[str]:
        """What kinds of values its equation takes, or the steps that give it."""
        names = {o for step in self.steps.get(node, ()) for o in step.operands}
        names |= set(self.equations[node].operands) if node in self.equations else set()
        return frozenset({"x": "z", INPUT_GRADIENT: "dE_dz"}.get(n, n.partition("/")[2] or n) for n in names)

    def is_above(self, name: Recognised, node: str) -> bool:
        """Whether a value is an operand, or further up, of what gives a node step by step."""
        if node not in self.steps:
            return self.leads_to(name, node)
        return any(n == node or n in self._above(node) for n in name.nodes)

    def lead_to(self, names: Sequence[Recognised], node: str) -> bool:
        """Whether values go into a node together: each is an operand of its equation, or all are on one way to it."""
        if node not in self.steps:
            return all(self.leads_to(n, node) for n in names)
        return any(all(way & {*n.nodes} for n in names) for way in self._ways(node))

    def leads_to(self, name: Recognised, node: str) -> bool:
        """Whether a value is an operand of a node's equation or of a step to it, or what that passes through."""
        if any(" with " in n or n.startswith(("θ", "dE/dθ")) for n in name.nodes):
            return True
        layer, _, kind = node.partition("/")
        own = [n.partition("/")[2] if n.startswith(f"{layer}/") else n for n in name.nodes]
        if node in self.steps:
            return any(way & {*name.nodes} for way in self._ways(node))
        if (equation := self.equations.get(node)) is None:  # it stands between nodes itself
            made_of = BETWEEN[kind][0] if kind in BETWEEN else ()
            if not made_of and (above := self.equations.get(f"{layer}/u")) is not None:
                return any(n in above.operands for n in name.nodes)
            return not made_of or any(n in (kind, *made_of) for n in own)
        operands = {*equation.operands, node}
        return any(n in operands for n in name.nodes) or any(n in BETWEEN and kind in BETWEEN[n][1] for n in own)

    def _ways(self, node: str) -> list[frozenset[str]]:
        """What each step to a node is made of, up to the next nodes; it is itself on each."""
        if node not in self._found_ways:
            self._found_ways[node] = [self._gathered([s], self.named) | {node} for s in self.steps[node]]
        return self._found_ways[node]

    def _above(self, node: str) -> frozenset[str]:
        """All that its steps are made of, up to what comes from other layers."""
        if node not in self._all_above:
            self._all_above[node] = self._gathered(self.steps[node], frozenset())
        return self._all_above[node]

    def _gathered(self, steps: Sequence[Step], ends: Set[str]) -> frozenset[str]:
        found, left = set[str](), [*steps]
        while left:
            new = set(left.pop().operands) - found
            found |= new
            left += [step for o in new - ends for step in self.steps.get(o, ())]
        return frozenset(found)

    @cached_property
    def _all_above(self) -> dict[str, frozenset[str]]:
        return {}

    @cached_property
    def _found_ways(self) -> dict[str, list[frozenset[str]]]:
        return {}

    def reductions_of(self, nodes: Sequence[str]) -> list[str]:
        """The sums and means that steps take of these."""
        each = ((node, step) for node, steps in self.steps.items() for step in steps)
        return [node for node, step in each if step.written.reduces and step.operands[0] in nodes]

    def are_of_one(self, name: Recognised, node: str) -> bool:
        """Whether a value is the sum, and a node the mean of the same, or the other way round."""
        read = {s.operands[0] for s in self.steps.get(node, ()) if s.written.reduces}
        every = (s for n in name.nodes for s in self.steps.get(n, ()))
        return any(s.written.reduces and s.operands[0] in read for s in every)
