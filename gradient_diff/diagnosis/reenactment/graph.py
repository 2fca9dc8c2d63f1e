"""Where things are in a derivation: what feeds a kernel, where its δ goes, where an activation is gone back through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from manual_mlp import Equation, Problem
from manual_mlp.extend import Activate, LossGradient, Penalty, Product, Pullback, activation


@dataclass(frozen=True)
class Slope:
    """One activation, and the equation that goes back through it.

    Attributes:
        layer: in whose derivation it stands.
        kind: its name.
        u, z: the nodes of its argument and of its result.
        g: the node of the gradient by z.
        node: the node of the gradient by u, which the equation defines.
    """

    layer: str
    kind: str
    u: str
    z: str
    g: str
    node: str

    @property
    def reads(self) -> str:
        """What its derivative reads, u or z."""
        return self.u if activation(self.kind).reads == "u" else self.z


@dataclass(frozen=True, eq=False)
class Graph:
    """The right derivation of a problem, looked at as a graph; layers without a kernel stand between those with one."""

    problem: Problem

    @cached_property
    def equations(self) -> tuple[Equation, ...]:
        """The right derivation, also where a first mistake is granted."""
        p = self.problem
        return p.mlp.equations(p.loss, p.fused, p.sample_weight is not None, p.training)

    @cached_property
    def by_node(self) -> Mapping[str, Equation]:
        """node → its right equation."""
        return {e.node: e for e in self.equations}

    @cached_property
    def names(self) -> list[str]:
        """Layers with a kernel, from input to output."""
        return [str(layer.name) for layer in self.problem.mlp.layers if layer.kernel]

    @cached_property
    def signals(self) -> list[str]:
        """x, and every node of the forward pass but E."""
        nodes = [e.node for e in self.equations]
        return ["x", *nodes[: nodes.index("loss")]]

    def dropped(self, z: str) -> list[str]:
        """What Dropout layers leave of a node."""
        masks = self.problem.mlp.masks
        return [e.node for e in self.equations if e.operands[:1] == (z,) and e.operands[-1] in masks]

    def below(self, name: str) -> str:
        """The node that feeds a kernel."""
        return self.by_node[f"{name}/u"].operands[0]

    def sent(self, name: str) -> str:
        """The node that a kernel sends its δ down to."""
        down = Product(transpose_right=True)
        return next(e.node for e in self._parts if e.layer == name and e.operation == down)

    @cached_property
    def penalties(self) -> dict[str, Penalty]:
        """Parameter, or output of a layer → what E adds for it."""
        return {name: penalty for layer in self.problem.mlp.layers for name, penalty in layer.penalties.items()}

    @cached_property
    def _parts(self) -> list[Equation]:
        """The summands of the equations, one by one."""
        return [part for e in self.equations for part in e.parts]

    @cached_property
    def head(self) -> Equation:
        """The gradient of E by the network's output, or by its logits."""
        return next(e for e in self._parts if isinstance(e.operation, LossGradient))

    @cached_property
    def units(self) -> list[tuple[str, str, str, str]]:
        """(layer, kind, u, z) of every activation of the forward pass."""
        forward = [self.by_node[n] for n in self.signals[1:]]
        return [
            (e.layer, e.operation.name, e.operands[0], e.node) for e in forward if isinstance(e.operation, Activate)
        ]

    @cached_property
    def slopes(self) -> list[Slope]:
        """The activations that are gone back through, from the output down."""
        forward = {layer: (kind, u, z) for layer, kind, u, z in self.units}
        back = [e for e in self._parts if isinstance(e.operation, Pullback)]
        return [Slope(e.layer, *forward[e.layer], e.operands[0], e.node) for e in back]

    @cached_property
    def output(self) -> Slope | None:
        """The output's own activation: the one that the loss takes in, or that stands right below it."""
        if not self.problem.fused:
            return next((s for s in self.slopes if s.g == self.head.node), None)
        layer, kind, u, z = next(unit for unit in self.units if unit[0] == self.head.layer)
        return Slope(layer, kind, u, z, f"{layer}/dE_dz", self.head.node)

    def slope_above(self, name: str) -> Slope | None:
        """The activation that bends a kernel's output; None where none does, as of an output from logits."""
        found = f"{name}/dE_du"
        while (e := self.by_node[found].parts[0]).operation == Pullback("linear"):
            found = e.operands[0]
        bent = [s for s in (*self.slopes, self.output) if s is not None and s.node == found and s.kind != "linear"]
        return bent[0] if bent else None

    @cached_property
    def hidden(self) -> list[Slope]:
        """The others that bend: those of hidden layers, from the input up."""
        return [s for s in reversed(self.slopes) if s.kind != "linear" and s != self.output]

    def path(self, start: str, end: str) -> list[Equation]:
        """The equations of the signal that travels down from one gradient to another, from the upper to the lower.

        Without what penalties add on the way: in these it is linear.
        """
        found, node = [], end
        while node != start:
            found.append(self.by_node[node].parts[0])
            node = found[-1].operands[0]
        return found[::-1]
