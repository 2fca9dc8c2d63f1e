"""Kinks: units so close to where two slopes meet that rounding decides which one is taken."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.noise.network import Noise, on_branch, rounding_noise
from manual_mlp import Array, Equation, Problem, gradient_node
from manual_mlp.extend import UNITS, Activate, LossGradient, Multiply, Operation, PenaltyGradient, Pullback

MOST_UNITS = 12  # whose two branches are tried one by one
MOST_LAYERS = 4  # whose two branches are tried in all combinations
NOT_KNOWN = (math.nan, math.nan)
STEP_ASIDE = 1e-300  # beside a kink, where no rounding is expected


@dataclass(frozen=True)
class Kink:
    """One unit of one sample at a kink.

    Attributes:
        node: the array that decides the branch, e.g. `dense_1/u`.
        index: (sample, unit).
        value: of that entry, in float64.
        noise: the rounding to expect there.
        slopes: dE/d(entry) with the slope taken from the left and from the right; nan where that of the loss jumps.
        edge: where the kink is.
        clips: whether it is the end of where a loss clips probabilities.
    """

    node: str
    index: tuple[int, ...]
    value: float
    noise: float
    slopes: tuple[float, float]
    edge: float = 0.0
    clips: bool = False

    def __str__(self) -> str:
        place = f"{self.node}[{', '.join(map(str, self.index))}] = {self.value:.1e}, rounding {self.noise:.1e}"
        if np.isnan(self.slopes).any():
            return f"{place}; there {'the loss clips' if self.clips else 'the slope of the loss jumps'}"
        left, right = self.slopes
        return f"{place}; dE/d{self.node.rpartition('/')[2]} is {left:.3g} from the left, {right:.3g} from the right"


def kinks(problem: Problem, noise: Noise) -> list[Kink]:
    """Units whose deciding value is within its own rounding of a kink."""
    found = []
    for node, edge, equation in kink_positions(problem, noise.values):
        if node == "x":  # what no weight has a say in
            continue
        value, rounding = _deciding(problem, noise, node)
        stored = UNITS[noise.dtype] * np.maximum(np.abs(edge), _blur(equation))  # 1 − ε is 1 in 16 bits
        near = (np.abs(value - edge) <= rounding + stored) & _matters(problem, noise, equation)
        edges = np.broadcast_to(edge, near.shape)
        for place in np.argwhere(near):
            index = tuple(map(int, place))
            here = Kink(node, index, float(value[index]), float(rounding[index]), NOT_KNOWN, float(edges[index]))
            found.append(_with_slopes(here, noise, equation))
    return found


def _matters(problem: Problem, noise: Noise, equation: Equation) -> Array | bool:
    """Where what a penalty of an output sends down gets through the units below: a unit that is off stops it."""
    if not isinstance(equation.operation, PenaltyGradient) or equation.node not in noise.values:
        return True
    known = {**problem.float64.environment, **noise.values}
    signal, node = np.ones(noise.values[equation.node].shape), equation.node
    below = {part.operands[0]: part for e in problem.equations for part in e.parts if _entry_by_entry(part.operation)}
    while node in below:
        part = below[node]
        signal, node = part.operation.evaluate(signal, *(known[o] for o in part.operands[1:])), part.node
    return signal != 0


def _entry_by_entry(operation: Operation) -> bool:
    """Operations that may be 0 for single entries: of units that are off, and of masks."""
    if isinstance(operation, Pullback):
        return bool(operation.function.kinks) or operation.name == "linear"
    return isinstance(operation, Multiply) or operation == Activate("linear")


def _deciding(problem: Problem, noise: Noise, node: str) -> tuple[Array, Array]:
    """What decides a branch, and its rounding; weights are what they are."""
    if node in noise.values:
        return noise.values[node], np.asarray(noise.tolerance(node, sides=1))
    weights = np.asarray(problem.parameters[node], np.float64)
    return weights, np.zeros(weights.shape)


def _blur(equation: Equation) -> float:
    operation = equation.operation
    return operation.function.blur if isinstance(operation, Activate) else 0.0


def kink_positions(problem: Problem, values: Mapping[str, Array]) -> list[tuple[str, Array | float, Equation]]:
    """(node that decides, where its kink is, in every entry or in each, the equation that has it), in order.

    `values` are the problem's nodes in float64: where one output meets another depends on both.

    Example:
        >>> from manual_mlp import MLP, Dense
        >>> import numpy as np
        >>> mlp = MLP(1, [Dense(1, "relu")])
        >>> found = mlp.backpropagate(mlp.initialize(0), np.ones((1, 1)), np.ones((1, 1)), "mse")
        >>> [(node, edge) for node, edge, _ in kink_positions(found.problem, found.nodes)]
        [('dense_1/u', 0.0)]
    """
    result: list[tuple[str, Array | float, Equation]] = []
    for equation in (part for e in problem.equations for part in e.parts):
        operation = equation.operation
        if isinstance(operation, PenaltyGradient) and operation.penalty.l1:
            result.append((equation.operands[0], 0.0, equation))
        if isinstance(operation, Activate):
            result += [(equation.operands[0], edge, equation) for edge in operation.function.kinks]
        if isinstance(operation, LossGradient):
            edges = operation.edges(values[equation.operands[0]], np.asarray(problem.float64.y))
            result += [(equation.operands[0], edge, equation) for edge in edges]
    return result


def _with_slopes(kink: Kink, noise: Noise, equation: Equation) -> Kink:
    """The slopes on both sides, where the derivation tells them."""
    operation, above = equation.operation, noise.values.get(f"{equation.layer}/dE_dz")
    if isinstance(operation, PenaltyGradient):
        jump = operation.penalty.slope(len(noise.values[equation.node]))
        middle = float(noise.values[equation.node][kink.index]) - jump * float(np.sign(kink.value))
        return replace(kink, slopes=(middle - jump, middle + jump))
    if above is None or not isinstance(operation, Activate):
        return replace(kink, clips=isinstance(operation, LossGradient) and operation.clips)
    back, at = operation.function.back_on_branch, np.array([kink.edge])
    assert back is not None  # where there are kinks
    left, right = (float(back(above[kink.index], at, np.nextafter(at, far))[0]) for far in (-np.inf, np.inf))
    return replace(kink, slopes=(left, right))


def kinks_of(problem: Problem, noise: Noise, nodes: Sequence[str]) -> list[Kink]:
    """Those that have a say in some of these gradients: that of a weight has one in its own alone."""
    found = kinks(problem, noise)
    return [kink for kink in found if kink.node not in problem.parameters or gradient_node(kink.node) in nodes]


@np.errstate(divide="ignore", invalid="ignore", over="ignore")  # beyond a clip E may have no gradient
def explained_by_kinks(
    problem: Problem, noise: Noise, hand: Mapping[str, Array], reference: Mapping[str, Array], nodes: Sequence[str]
) -> bool:
    """Whether the sides differ only through the branches taken at kinks.

    A side whose deciding arrays are at hand must meet the float64 derivation on its own branches; one that gives
    gradients only, or takes another subgradient, on one slope at all kinks: the left one, the right one, or their
    mean. Failing that, each kink is tried by itself: the difference must be a mixture, −1 to 1 of each.
    """
    found = kinks_of(problem, noise, nodes)
    if not found:
        return False
    case = _Branches(problem, noise, found, tuple(nodes))
    return all(case.follows(side) for side in (hand, reference)) or case.mixes(hand, reference)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def mixed_by_kinks(
    problem: Problem, noise: Noise, hand: Mapping[str, Array], reference: Mapping[str, Array], node: str
) -> list[Kink]:
    """The kinks of which the difference at one node is a mixture, however few numbers say so; none where it is not."""
    found = kinks_of(problem, noise, [node])
    mixed = bool(found) and _Branches(problem, noise, found, (node,)).is_mixed(hand, reference)
    return found if mixed else []


@dataclass(frozen=True, eq=False)
class _Branches:
    """The gradients of a problem on the branches that may be taken at its kinks."""

    problem: Problem
    noise: Noise
    found: list[Kink]
    nodes: tuple[str, ...]

    def follows(self, side: Mapping[str, Array]) -> bool:
        """Whether a side meets the derivation on its own branches, or on one slope at all kinks."""
        known = {**self.problem.parameters, **side}  # all compute with the same weights
        if {kink.node for kink in self.found} <= known.keys():
            own = self.anchors({kink: float(known[kink.node][kink.index]) for kink in self.found})
            if self.meets(self.along(own), side):
                return True
        left, right = (self.along(self.all_on(branch)) for branch in (-1, 1))
        return any(self.meets(noise, side) for noise in (left, right, self.mean(left, right)))

    def meets(self, noise: Noise, side: Mapping[str, Array]) -> bool:
        return all((noise.distance(n, side[n] - noise.values[n], sides=1) <= noise.gate).all() for n in self.nodes)

    def anchors(self, values: Mapping[Kink, float]) -> dict[str, Array]:
        """The arrays that decide, with the kinks at these values."""
        arrays = {n: _deciding(self.problem, self.noise, n)[0].copy() for n in {kink.node for kink in self.found}}
        for kink, value in values.items():
            arrays[kink.node][kink.index] = value
        return arrays

    def all_on(self, branch: int, but: Kink | None = None) -> dict[str, Array]:
        """All kinks on the left (−1) or right (1) branch, but one."""
        return self.anchors({kink: _beside(kink, -branch if kink is but else branch) for kink in self.found})

    def along(self, anchors: Mapping[str, Array]) -> Noise:
        """Values and rounding on these branches; a unit that is dead on one of them rounds on the other."""
        moved = rounding_noise(self.problem, self.noise.dtype, anchors=anchors, loops=self.noise.loops)
        return replace(moved, bound={n: np.maximum(b, self.noise.bound[n]) for n, b in moved.bound.items()})

    def mean(self, left: Noise, right: Noise) -> Noise:
        """Half of both slopes at every kink, as where a tie of max(u, 0) is shared out.

        No path leads through two units of a layer, so the gradients are linear in the slopes of one layer, and the mean
        over all choices of left or right per layer is exact.
        """
        layers = list(dict.fromkeys(kink.node for kink in self.found))[:MOST_LAYERS]
        runs = []
        for choice in itertools.product((-1, 1), repeat=len(layers)):
            branch = dict(zip(layers, choice, strict=True))
            runs.append(self.values(self.anchors({k: _beside(k, branch.get(k.node, -1)) for k in self.found})))
        values = {n: np.mean([run[n] for run in runs], axis=0) for n in self.nodes}
        sigma = {n: np.maximum(left.sigma[n], right.sigma[n]) for n in self.nodes}
        bound = {n: np.maximum(left.bound[n], right.bound[n]) for n in self.nodes}
        return replace(self.noise, values=values, sigma=sigma, bound=bound)

    def values(self, anchors: Mapping[str, Array]) -> dict[str, Array]:
        problem = self.problem.float64
        return on_branch(problem.equations, problem.environment, anchors)

    def mixes(self, hand: Mapping[str, Array], reference: Mapping[str, Array]) -> bool:
        """As `is_mixed`, where there are so many numbers that not just anything could be mixed."""
        enough = 2 * len(self.found) <= sum(self.noise.values[n].size for n in self.nodes)
        return enough and self.is_mixed(hand, reference)

    def is_mixed(self, hand: Mapping[str, Array], reference: Mapping[str, Array]) -> bool:
        """Whether hand − reference is a mixture of what the kinks do one by one, from all left or from all right."""
        if len(self.found) > MOST_UNITS:
            return False  # too much to try
        difference = self.flat({n: np.subtract(hand[n], reference[n], dtype=np.float64) for n in self.nodes})
        sides = (self.noise, *(self.along(self.all_on(branch)) for branch in (-1, 1)))
        tolerance = np.max([self.flat({n: s.tolerance(n) for n in self.nodes}) for s in sides], axis=0)
        unit = np.maximum(tolerance, 1e-12 * np.abs(difference).max())
        return any(_is_mixture(difference / unit, self.effects(branch) / unit[:, None]) for branch in (-1, 1))

    def effects(self, branch: int) -> Array:
        """What the gradients change by when one kink leaves a branch on which all are; one column per kink."""
        base = self.flat(self.values(self.all_on(branch)))
        return np.stack([self.flat(self.values(self.all_on(branch, kink))) - base for kink in self.found], axis=1)

    def flat(self, arrays: Mapping[str, Array]) -> Array:
        return np.concatenate([np.broadcast_to(arrays[n], self.noise.values[n].shape).ravel() for n in self.nodes])


def _beside(kink: Kink, branch: int) -> float:
    return kink.edge + 2 * branch * max(kink.noise, STEP_ASIDE)


def _is_mixture(difference: Array, effects: Array) -> bool:
    """Least squares, in units of the tolerance; on a branch where E has no gradient nothing is mixed."""
    if not (np.isfinite(difference).all() and np.isfinite(effects).all()):
        return False
    share, *_ = np.linalg.lstsq(effects, difference, rcond=None)
    return bool(np.abs(share).max() <= 1.001 and np.abs(effects @ share - difference).max() <= 1)
