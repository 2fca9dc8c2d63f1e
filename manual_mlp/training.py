"""Plain gradient descent, W ← W − lr · dE/dW, on the same equations, compiled once into a plan with reused buffers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from manual_mlp._types import Array
from manual_mlp.equations import Equation, infer_shapes
from manual_mlp.evaluation import Problem, gradient_node
from manual_mlp.initializers import Seed, generator
from manual_mlp.losses import Loss
from manual_mlp.network import MLP

CACHE_BLOCK = 1 << 15  # entries; the scaled gradient of a block stays in the cache until it is subtracted


@dataclass(frozen=True)
class Progress:
    """What a callback sees after an epoch.

    Attributes:
        epoch: epochs done.
        loss: the mean of E over the epoch's samples, each batch before its own update.
        parameters: name → array, live views: copy what is to be kept.

    Example: see `train`.
    """

    epoch: int
    loss: float
    parameters: Mapping[str, Array]


@dataclass
class History:
    """E over the epochs: `loss[i]` belongs to `epochs[i]`.

    Example:
        >>> History([1, 2], [0.5, 0.25]).loss[-1]
        0.25
    """

    epochs: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)


def train(
    mlp: MLP,
    parameters: Mapping[str, Array],
    x: Array,
    y: Array,
    loss: str | Loss,
    *,
    learning_rate: float,
    epochs: int,
    batch_size: int | None = None,
    seed: Seed = 0,
    record_every: int = 1,
    callback: Callable[[Progress], None] | None = None,
) -> tuple[dict[str, Array], History]:
    """Gradient descent over full batches or mini-batches: W ← W − lr · dE/dW.

    Every sample is seen once an epoch, in a fresh random order where there are several batches; the last batch is
    as large as what is left, and E of a batch is scaled by its own size.

    Args:
        mlp: the network.
        parameters: name → array to start from; they are not changed.
        x: (N, n_0).
        y: (N, K), or class indices (N,).
        loss: a name or a `Loss`.
        learning_rate: lr, above 0.
        epochs: passes over the data, 0 or more.
        batch_size: samples a step; None for all.
        seed: of the order of the samples.
        record_every: E is computed, kept and told every so many epochs.
        callback: told a `Progress` at each recorded epoch.

    Returns:
        The trained parameters, name → array, and the `History`.

    Raises:
        ValueError: learning_rate, epochs, batch_size or record_every out of range; otherwise as `MLP.backpropagate`.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import Dense
        >>> mlp = MLP(1, [Dense(1, use_bias=False)])
        >>> w = {"dense_1/kernel": np.array([[0.0]])}
        >>> w, history = train(mlp, w, np.array([[1.0]]), np.array([[2.0]]), "mse", learning_rate=0.25, epochs=3)
        >>> w["dense_1/kernel"], history.loss
        (array([[1.75]]), [4.0, 1.0, 0.25])
    """
    _check_settings(learning_rate, epochs, batch_size, record_every)
    problem = mlp.problem(parameters, x, y, loss)
    weights = _Weights(problem.parameters)
    batches = _Batches(problem, weights, batch_size, seed)
    history = History()
    for epoch in range(1, epochs + 1):
        recorded = epoch % record_every == 0 or epoch == epochs
        total = 0.0
        for plan in batches.epoch():
            if recorded:
                total += plan.loss() * plan.batch
            plan.gradient()
            weights.descend(learning_rate)
        if recorded:
            history.epochs.append(epoch)
            history.loss.append(total / problem.batch)
            if callback is not None:
                callback(Progress(epoch, history.loss[-1], weights.values))
    return {name: array.copy() for name, array in weights.values.items()}, history


def _check_settings(learning_rate: float, epochs: int, batch_size: int | None, record_every: int) -> None:
    if not 0 < learning_rate < float("inf"):
        raise ValueError(f"learning_rate={learning_rate}: expected a finite number above 0.")
    if epochs < 0:
        raise ValueError(f"epochs={epochs}: expected 0 or more.")
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size={batch_size}: expected at least 1, or None for the full batch.")
    if record_every < 1:
        raise ValueError(f"record_every={record_every}: expected at least 1.")


class _Weights:
    """All parameters and gradients as views of two flat vectors, so that a step is one pass over memory."""

    def __init__(self, parameters: Mapping[str, Array]) -> None:
        self._flat, self.values = _views(parameters)
        self._flat_gradient, self.gradients = _views(parameters)
        for name, array in parameters.items():
            self.values[name][...] = array
        self._blocks = list(_blocks(self._flat, self._flat_gradient))

    def descend(self, learning_rate: float) -> None:
        rate = self._flat.dtype.type(learning_rate)
        for w, g, scaled in self._blocks:
            np.multiply(g, rate, scaled)
            np.subtract(w, scaled, w)


def _blocks(*vectors: Array) -> Iterator[list[Array]]:
    """Views of the vectors, block by block, and a buffer of the block's size, which all blocks share."""
    buffer = np.empty_like(vectors[0][:CACHE_BLOCK])
    for start in range(0, len(vectors[0]), CACHE_BLOCK):
        views = [vector[start : start + CACHE_BLOCK] for vector in vectors]
        yield [*views, buffer[: len(views[0])]]


def _views(parameters: Mapping[str, Array]) -> tuple[Array, dict[str, Array]]:
    sizes = [array.size for array in parameters.values()]
    flat = np.empty(sum(sizes), next(iter(parameters.values())).dtype)
    pieces = np.split(flat, np.cumsum(sizes)[:-1])
    return flat, {n: p.reshape(a.shape) for p, (n, a) in zip(pieces, parameters.items(), strict=True)}


class _Plan:
    """The equations bound to arrays: each call walks a list of ready functions and fills the same buffers."""

    def __init__(self, problem: Problem, weights: _Weights, x: Array, y: Array) -> None:
        self.batch, self.x, self.y = len(x), x, y
        wanted = {gradient_node(name) for name in weights.values}
        equations = problem.equations
        needed = _needed([e for e in equations if e.node != "loss"], wanted)
        known = infer_shapes(equations, {n: a.shape for n, a in {"x": x, "y": y, **weights.values}.items()})
        arrays: dict[str, Array] = {"x": x, "y": y, **weights.values}
        arrays |= {gradient_node(name): gradient for name, gradient in weights.gradients.items()}
        for equation in needed:
            arrays.setdefault(equation.node, np.empty(known[equation.node], x.dtype))  # type: ignore[arg-type]  # numbers
        self._gradient = _bound(needed, arrays)
        value = next(e for e in equations if e.node == "loss")
        self._forward = _bound(_needed(problem.mlp.forward_equations, set(value.operands)), arrays)
        self._loss = partial(value.evaluate, arrays)

    def gradient(self) -> None:
        for call in self._gradient:
            call()

    def loss(self) -> float:
        for call in self._forward:
            call()
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


class _Batches:
    """One plan for full batches and one for the ragged last; an epoch fills their x and y."""

    def __init__(self, problem: Problem, weights: _Weights, batch_size: int | None, seed: Seed) -> None:
        self._problem, self._rng = problem, generator(seed)
        n = problem.batch
        self._size = n if batch_size is None else min(batch_size, n)
        self._plans = {size: self._plan(weights, size) for size in {self._size, n % self._size} - {0}}

    def _plan(self, weights: _Weights, size: int) -> _Plan:
        x, y = self._problem.x, self._problem.y
        if size == len(x):
            return _Plan(self._problem, weights, x, y)
        return _Plan(self._problem, weights, np.empty_like(x[:size]), np.empty_like(y[:size]))

    def epoch(self) -> Iterator[_Plan]:
        n = self._problem.batch
        if self._size == n:
            yield self._plans[n]
            return
        order = self._rng.permutation(n)
        for start in range(0, n, self._size):
            chosen = order[start : start + self._size]
            plan = self._plans[len(chosen)]
            # mode="clip" lets take write into the buffer directly; the indices are in range
            np.take(self._problem.x, chosen, axis=0, out=plan.x, mode="clip")
            np.take(self._problem.y, chosen, axis=0, out=plan.y, mode="clip")
            yield plan
