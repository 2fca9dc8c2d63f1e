"""What training repeats: the equations compiled once into calls over reused buffers, and steps in cache blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.equations import Equation, infer_shapes
from manual_mlp.network.initializers import Seed, generator
from manual_mlp.network.layers.dropout import Dropout
from manual_mlp.network.layers.normalization import move_on
from manual_mlp.network.network import MLP, Problem
from manual_mlp.nodes import LOSS, gradient_node
from manual_mlp.training.update_rule import SCRATCH, Rule

CACHE_BLOCK = 1 << 15  # entries; what a step needs of a block stays in the cache until it is done with it


class Weights:
    """Parameters, gradients and state as views of flat vectors, so that a step is one pass over memory."""

    def __init__(self, parameters: Mapping[str, Array], mlp: MLP, slots: int) -> None:
        own = {name: parameters[name] for name in mlp.parameter_shapes}
        trained = {name: array for name, array in own.items() if name not in mlp.untrained}
        flat, views = _views(trained)
        flat_gradient, self.gradients = _views(trained)
        self.values = {name: views.get(name, np.empty_like(array)) for name, array in own.items()}
        for name, array in own.items():
            self.values[name][...] = array
        self._blocks = list(_blocks(flat, flat_gradient, *(np.zeros_like(flat) for _ in range(slots))))

    def update(self, rule: Rule) -> None:
        for block in self._blocks:
            rule(*block)


def _blocks(*vectors: Array) -> Iterator[list[Array]]:
    """Views of the vectors, block by block, and buffers of the block's size, which all blocks share."""
    buffers = [np.empty_like(vectors[0][:CACHE_BLOCK]) for _ in range(SCRATCH)]
    for start in range(0, len(vectors[0]), CACHE_BLOCK):
        views = [vector[start : start + CACHE_BLOCK] for vector in vectors]
        yield [*views, *(buffer[: len(views[0])] for buffer in buffers)]


def _views(parameters: Mapping[str, Array]) -> tuple[Array, dict[str, Array]]:
    sizes = [array.size for array in parameters.values()]
    flat = np.empty(sum(sizes), next(iter(parameters.values())).dtype)
    pieces = np.split(flat, np.cumsum(sizes)[:-1])
    return flat, {n: p.reshape(a.shape) for p, (n, a) in zip(pieces, parameters.items(), strict=True)}


@dataclass(frozen=True, eq=False)
class _Mask:
    """One Dropout's mask of a batch, drawn afresh into the same buffer."""

    layer: Dropout
    array: Array
    kept: Array  # of bool, which comparing writes fastest

    @classmethod
    def of(cls, layer: Dropout, shape: tuple[int, ...], batch: int, dtype: np.dtype[Any]) -> _Mask:
        return cls(layer, np.empty((batch, *shape), dtype), np.empty((batch, *shape), np.bool_))

    def draw(self, rng: np.random.Generator | np.random.RandomState) -> None:
        m = self.array
        if isinstance(rng, np.random.Generator) and m.dtype in (np.float32, np.float64):
            rng.random(out=m, dtype=m.dtype.type)
        else:
            m[...] = rng.uniform(size=m.shape)
        np.greater_equal(m, m.dtype.type(self.layer.rate), self.kept)
        np.multiply(self.kept, m.dtype.type(self.layer.scale), m)


class Plan:
    """The equations bound to arrays: each call walks a list of ready functions and fills the same buffers."""

    def __init__(self, problem: Problem, weights: Weights, x: Array, y: Array, masks: Mapping[str, Array]) -> None:
        self.batch, self.x, self.y = len(x), x, y
        moves = {name: move for layer in problem.mlp.layers for name, move in layer.updates.items()}
        wanted = {*map(gradient_node, weights.gradients), *(node for node, _ in moves.values())}
        equations = problem.equations
        arrays: dict[str, Array] = {"x": x, "y": y, **weights.values, **masks}
        known = infer_shapes(equations, {n: a.shape for n, a in arrays.items()})
        arrays |= {gradient_node(name): gradient for name, gradient in weights.gradients.items()}
        value = next(e for e in equations if e.node == LOSS)
        needed = _needed([e for e in equations if e is not value], wanted)
        for equation in needed:
            arrays.setdefault(equation.node, np.empty(known[equation.node], x.dtype))  # type: ignore[arg-type]  # numbers
        self._gradient = _bound(needed, arrays)
        self._loss = partial(value.evaluate, arrays)
        self._moves = [(weights.values[name], arrays[node], momentum) for name, (node, momentum) in moves.items()]

    def gradient(self) -> None:
        for call in self._gradient:
            call()

    def move_on(self) -> None:
        """Moving statistics after this batch."""
        for moving, statistic, momentum in self._moves:
            moving[...] = move_on(moving, statistic, momentum)

    def loss(self) -> float:
        """E of the weights and masks that the last gradient was taken at: it reads what that gradient has read."""
        return float(self._loss())


def _bound(equations: Iterable[Equation], arrays: Mapping[str, Array]) -> list[Callable[[], object]]:
    """What to call, one after the other, to fill the arrays of these equations."""
    return [call for e in equations for call in e.operation.bound(*[arrays[o] for o in e.operands], out=arrays[e.node])]


def _needed(equations: Iterable[Equation], wanted: set[str]) -> list[Equation]:
    """Those equations that the wanted nodes depend on, in order."""
    wanted, kept = set(wanted), []
    for equation in reversed(list(equations)):
        if equation.node in wanted:
            wanted |= set(equation.operands)
            kept.append(equation)
    return kept[::-1]


class Batches:
    """One plan for full batches and one for the ragged last; an epoch fills their x, y and masks."""

    def __init__(self, problem: Problem, weights: Weights, batch_size: int | None, seed: Seed) -> None:
        self._problem, self._rng = problem, generator(seed)
        n = problem.batch
        self._size = n if batch_size is None else min(batch_size, n)
        sizes = {self._size, n % self._size} - {0}
        self._masks = {
            size: [_Mask.of(*drop, size, problem.dtype) for drop in problem.mlp.masks.values()] for size in sizes
        }
        self._plans = {size: self._plan(weights, size) for size in sizes}

    def _plan(self, weights: Weights, size: int) -> Plan:
        x, y = self._problem.x, self._problem.y
        if size != len(x):
            x, y = np.empty_like(x[:size]), np.empty_like(y[:size])
        return Plan(self._problem, weights, x, y, {mask.layer.mask: mask.array for mask in self._masks[size]})

    def epoch(self) -> Iterator[Plan]:
        n = self._problem.batch
        order = None if self._size == n else self._rng.permutation(n)
        for start in range(0, n, self._size):
            plan = self._plans[min(self._size, n - start)]
            if order is not None:
                chosen = order[start : start + self._size]
                # mode="clip" lets take write into the buffer directly; the indices are in range
                np.take(self._problem.x, chosen, axis=0, out=plan.x, mode="clip")
                np.take(self._problem.y, chosen, axis=0, out=plan.y, mode="clip")
            for mask in self._masks[plan.batch]:
                mask.draw(self._rng)
            yield plan
