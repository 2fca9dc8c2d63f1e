"""What is known when a mistake is looked for: the network, the right derivation, and the hand's arrays."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gradient_diff.diagnosis.factors import fit
from gradient_diff.diagnosis.reenactment.formula import Formula, weighed
from gradient_diff.diagnosis.reenactment.graph import Graph
from gradient_diff.noise.network import Noise
from manual_mlp import Array, Equation, Problem
from manual_mlp.extend import (
    GATE,
    SAMPLE_WEIGHT,
    UNITS,
    Arrays,
    Operation,
    PenaltyGradient,
    evaluate,
    is_gradient,
    joined,
    variable_of,
)

NEAR = 64  # times what rounding explains of the right array: worth a closer look
CLEARLY = 2.0  # two arrays that both fit one hand are no more tolerances apart than this
LEAST = 1 / (GATE * NEAR * NEAR)  # of what rounding explains: what is smaller is not what a sum that cancels leaves
CHANCE = 1e-6  # of digits that agree by chance: some hundred derivations are held against a hand
MANY, FEW = 512, 7  # an array of more entries is first looked at in a few rows and columns
SMALLEST = float(np.finfo(float).tiny)


@dataclass(frozen=True, eq=False)
class Scene:
    """The network, the right derivation, and the hand's arrays.

    Attributes:
        problem: in float64.
        noise: the rounding of the hand's arrays.
        hand: node → array: what is to be explained.
        decay: λ of a term 2λW that the reference has in every kernel's gradient and the problem does not tell of.
        ignored: node → entries that say nothing, since another mistake has overwritten them.
        granted: a first mistake is taken for right here, and a second one is looked for.
        extra: node → rounding beside the network's own, e.g. of weights that gradients were inferred from.
    """

    problem: Problem
    noise: Noise
    hand: Arrays
    decay: float = 0.0
    extra: Arrays = field(default_factory=dict)
    ignored: Arrays = field(default_factory=dict)
    granted: bool = False

    @cached_property
    def equations(self) -> tuple[Equation, ...]:
        """The right derivation."""
        return self.problem.equations

    @cached_property
    def by_node(self) -> dict[str, Equation]:
        """node → its right equation."""
        return {e.node: e for e in self.equations}

    @cached_property
    def values(self) -> dict[str, Array]:
        """Data, parameters and every node of the right derivation."""
        environment = self.problem.environment
        return {**environment, **evaluate(self.equations, environment)}

    @cached_property
    def added(self) -> dict[str, Array]:
        """node → 2λW, where E has a decay."""
        kernels = [n for n in self.hand if is_gradient(n, "kernel")] if self.decay else []
        return {n: 2 * self.decay * self.weights(n) for n in kernels}

    @cached_property
    def right(self) -> dict[str, Array]:
        """The right arrays under the names of the hand's, in the order of the computation."""
        return {n: self.values[n] + self.added[n] if n in self.added else self.values[n] for n in self.nodes}

    @cached_property
    def nodes(self) -> list[str]:
        """Names of the hand's arrays, in the order of the computation."""
        return [n for n in self.by_node if n in self.hand]

    @cached_property
    def gradients(self) -> list[str]:
        """Those of them that are gradients, whose shape is right."""
        return [n for n in self.nodes if is_gradient(n) and self.hand[n].shape == self.values[n].shape]

    @cached_property
    def factor(self) -> float | None:
        """Of the right gradients, the one that fits the hand's best."""
        return fit(self.hand, self.right, self.gradients)

    @cached_property
    def graph(self) -> Graph:
        """Where things are in the right derivation."""
        return Graph(self.problem)

    @property
    def names(self) -> list[str]:
        """Layers with a kernel, from input to output."""
        return self.graph.names

    @property
    def batch(self) -> int:
        """N."""
        return self.problem.batch

    @property
    def outputs(self) -> int:
        """K."""
        return self.problem.mlp.units[-1]

    @property
    def last(self) -> str:
        """The last layer with a kernel."""
        return self.names[-1]

    def weights(self, node: str) -> Array:
        """The parameter that a node is the gradient by."""
        return self.values[variable_of(node)]

    def below(self, i: int) -> str:
        """The node that feeds kernel i."""
        return self.graph.below(self.names[i])

    def decayed(self, node: str) -> Array | float:
        """What a penalty adds to the gradient of its own array: in the problem's own E, and in the reference's."""
        own = self.graph.penalties.get(variable_of(node))
        return self.added.get(node, 0.0) + (0.0 if own is None else own.gradient(self.weights(node)))

    @cached_property
    def penalised(self) -> dict[str, Array]:
        """Gradient → what all penalties together make of it; those where that is something."""
        found = {n: self.added[n] for n in self.nodes if n in self.added}
        if self.graph.penalties:
            head = self.graph.head
            silent = self.swap(head.node, Formula("0", lambda p, *_: np.zeros_like(p)), *head.operands)
            alone = evaluate([silent.get(e.node, e) for e in self.equations], self.problem.environment)
            found = {n: alone[n] + self.added.get(n, 0.0) for n in self.nodes if is_gradient(n)}
        return {n: a for n, a in found.items() if np.any(a) and a.shape == self.hand[n].shape}

    def swap(self, node: str, operation: Operation, *operands: str) -> dict[str, Equation]:
        """Another equation for a node; what a penalty adds there stays."""
        right = self.by_node[node]
        others = () if isinstance(right.parts[0].operation, PenaltyGradient) else right.parts[1:]
        return {node: joined((Equation(right.layer, node, operation, operands), *others))}

    def weigh(self, operation: Operation, *operands: str) -> tuple[Any, ...]:
        """The gradient of some E by the output, and its operands; each sample weighed where the problem weighs it."""
        if self.problem.sample_weight is None:
            return operation, *operands
        made = weighed(operation, len(operands)) if isinstance(operation, Formula) else operation
        return made, *operands, SAMPLE_WEIGHT

    def residual(self, node: str, predicted: Array, tolerance: Array | None = None) -> float:
        """|hand − predicted| over what rounding explains, its worst entry; inf for another shape.

        The tolerance is that of the derivation that predicts; None for the right one's, grown or shrunk with it.
        """
        h = self.hand[node]
        if np.shape(predicted) != h.shape:
            return np.inf
        return self._residual(node, predicted, *self._allowed(node, predicted, tolerance))

    def _residual(self, node: str, predicted: Array, tolerance: Array | float, factor: float) -> float:
        h = self.hand[node]
        if h.size > MANY and node not in self.extra and node not in self.ignored:
            some = _some(h.shape)
            few = tolerance[some] if isinstance(tolerance, np.ndarray) and tolerance.shape == h.shape else tolerance
            worst = self._worst(h[some], predicted[some], few, factor)
            if worst > 1:
                return worst
        if node in self.ignored and self.ignored[node].shape == h.shape:
            h = np.where(self.ignored[node], predicted, h)
        return self._worst(h, predicted, tolerance, factor)

    def _worst(self, h: Array, predicted: Array, tolerance: Array | float, factor: float) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            worst = float((np.abs(h - predicted) / self._limit(predicted, tolerance, factor)).max(initial=0.0))
        return np.inf if np.isnan(worst) else worst

    def _limit(self, predicted: Array, tolerance: Array | float, factor: float) -> Array:
        """What rounding explains, entry by entry: of the derivation, and of storing what it gives."""
        stored = GATE * UNITS[self.noise.dtype] * np.abs(predicted)
        return np.asarray(np.maximum(factor * tolerance + stored, SMALLEST))

    def tells(self, node: str, predicted: Array, tolerance: Array | None = None, noise: bool = False) -> bool:
        """Whether it says something that a prediction explains an array: neither zeros nor the right array fit as well.

        Of two arrays that both fit one hand, none is farther than two tolerances from the other; a prediction that is
        nowhere as large would be met by zeros, and by any hand of that size. Zeros themselves are met by zeros alone.
        Where the hand has another shape than the right array, the shape says it. With `noise`, noise is explained, too,
        where the derivation gives nothing else and the right one more.
        """
        h, right = self.hand[node], self.right[node]
        if np.shape(predicted) != h.shape or right.shape != h.shape:
            return np.shape(predicted) == h.shape
        if not np.any(h):
            return noise or not np.any(predicted)
        limit = self._limit(predicted, *self._allowed(node, predicted, tolerance))
        size, left, given = (self._largest(node, a / limit) for a in (predicted, h - predicted, h))
        without = self._largest(node, (h - right) / limit)
        if size > CLEARLY:
            return without > CLEARLY * left
        return noise and given > LEAST and without > CLEARLY

    def has_digits(self, predicted: Arrays) -> bool:
        """Whether a prediction has half of the digits of all that the judge holds against the hand: no chance has.

        What a saturated unit gives may agree so, though the noise of computing it might have been larger than all. By
        chance a number of that size agrees so once in 1/√u, and k of them once in 1/√u to the k-th.
        """
        u, agreeing = UNITS[self.noise.dtype], 0
        for node in self.off:
            h, right, p = self.hand[node], self.right[node], predicted[node]
            if np.shape(p) != h.shape or right.shape != h.shape:
                return False
            against = np.abs(h - right) > self._limit(right, self._fine(node), 1.0)
            size = np.abs(p[against]).max(initial=0.0)
            if not size or (np.abs(h - p)[against] > np.sqrt(u) * size).any():
                return False
            agreeing += int(against.sum())
        return bool(u ** (agreeing / 2) <= CHANCE)

    def _fine(self, node: str) -> Array:
        """What rounding explains of the right array, entry by entry."""
        return np.asarray(self.noise.tolerance(node, self.sides))

    def _largest(self, node: str, array: Array) -> float:
        """Of the entries that say something."""
        ignored = self.ignored.get(node)
        if ignored is not None and ignored.shape == array.shape:
            array = np.where(ignored, 0.0, array)
        return float(np.abs(array).max(initial=0.0))

    def _allowed(self, node: str, predicted: Array, tolerance: Array | float | None) -> tuple[Array | float, float]:
        """A tolerance and a factor of it, with what is not the network's own added."""
        factor = 1.0
        if tolerance is None:
            tolerance, factor = self.tolerance(node), max(self._growth(node, predicted), 2.0**-20)
        if node in self.extra:
            tolerance, factor = factor * tolerance + levelled(self.extra[node], self.hand[node].shape), 1.0
        return tolerance, factor

    def near(self, node: str, predicted: Array) -> bool:
        """Whether the rounding of some derivation of these sizes might explain it: worth to be computed."""
        if np.shape(predicted) != self.hand[node].shape:
            return False
        least = GATE * UNITS[self.noise.dtype] * np.abs(predicted).max(initial=0.0)
        tolerance = NEAR * max(self._growth(node, predicted), 1.0) * (self.tolerance(node) + least)
        return self._residual(node, predicted, *self._allowed(node, predicted, tolerance)) <= 1

    def _growth(self, node: str, predicted: Array) -> float:
        size = self._sizes[node]
        return float(np.linalg.norm(predicted)) / size if size else 1.0

    @cached_property
    def _sizes(self) -> dict[str, float]:
        return {n: float(np.linalg.norm(self.values[n])) for n in self.nodes}

    def tolerance(self, node: str) -> Array:
        """Of the right array, and nowhere below its root mean square: a mistake puts noise where there was none."""
        return self._tolerances[node]

    @cached_property
    def _tolerances(self) -> dict[str, Array]:
        return {n: levelled(self._fine(n), self.hand[n].shape) for n in self.nodes}

    @cached_property
    def places(self) -> dict[str, int]:
        """Node → which of the equations is its own."""
        return {e.node: place for place, e in enumerate(self.equations)}

    @cached_property
    def downstream(self) -> dict[str, frozenset[int]]:
        """Node or data → the places of the equations that hang on it, a node's own included."""
        found: dict[str, frozenset[int]] = {}
        for e in reversed(self.equations):
            own = found.get(e.node, frozenset()) | {self.places[e.node]}
            found[e.node] = own
            for operand in e.operands:
                found[operand] = found.get(operand, frozenset()) | own
        return found

    @cached_property
    def reached(self) -> dict[str, frozenset[str]]:
        """Node → the hand's arrays that it has a say in."""
        nodes = [e.node for e in self.equations]
        return {n: frozenset(nodes[p] for p in self.downstream[n] if nodes[p] in self.hand) for n in nodes}

    @property
    def sides(self) -> int:
        """In float64 the prediction rounds as much as the hand."""
        return 2 if self.noise.dtype == "float64" else 1

    @cached_property
    def good(self) -> dict[str, bool]:
        """Which of the hand's arrays are right as they are."""
        return {n: self.residual(n, r) <= 1 for n, r in self.right.items()}

    @cached_property
    def off(self) -> list[str]:
        """Those that are wrong entry by entry, as the judge has it: some entries are known far better than the rest."""
        if self.granted:  # of which the noise is not the derivation's own
            return [n for n in self.nodes if not self.good[n]]
        return [n for n, r in self.right.items() if not self.good[n] or self.residual(n, r, self._fine(n)) > 1]

    @cached_property
    def before_off(self) -> frozenset[str]:
        """The hand's arrays before the first wrong one, in the order of the computation."""
        off = set(self.off)
        return frozenset(itertools.takewhile(lambda n: n not in off, self.nodes))


def _some(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """A few entries of a large array, to see at once that it is far off."""
    return tuple(slice(None, None, max(1, n // FEW)) for n in shape)


def levelled(tolerance: Array, shape: tuple[int, ...]) -> Array:
    """A tolerance per entry of a shape, nowhere below its root mean square."""
    typical = float(np.sqrt(np.mean(np.square(tolerance)))) if tolerance.size else 0.0
    return np.maximum(tolerance if tolerance.shape == shape else np.zeros(shape), typical)
