"""What a right derivation passes through: every node, and what stands between, each with the rounding it may have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from gradient_diff.noise.network import rounding_noise
from gradient_diff.source.normalised import normalisation_steps, numbers_of
from gradient_diff.source.piece import UNIT, Piece
from gradient_diff.source.steps import pieces_of_steps
from manual_mlp import Array, Equation, Problem, evaluation_of, gradient_node
from manual_mlp.extend import (
    INPUT_GRADIENT,
    LOSS,
    Mean,
    Pullback,
    Variance,
    activation,
    is_gradient,
    kind_of,
    variable_of,
)

BETWEEN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "z_prev W": ((), ("u",)),  # of the layer below, and whatever its name
    "exp(−u)": (("u",), ("z",)),
    "1 + exp(−u)": (("exp(−u)",), ("z",)),
    "u − max": (("u",), ("z",)),
    "exp(u)": (("u",), ("z",)),
    "exp(u − max)": (("u − max",), ("z",)),
    "Σ exp(u)": (("exp(u)",), ("z",)),
    "Σ exp(u − max)": (("exp(u − max)",), ("z",)),
    "log z": (("z",), (LOSS,)),
    "log Σ exp(u − max)": (("Σ exp(u − max)",), (LOSS,)),
    "f′": (("u", "z", "1 − z", "z²", "exp(−u)", "1 + exp(−u)"), ("dE_du",)),
    "z²": (("z",), ("dE_du",)),
    "1 − z": (("z",), ("dE_du", "dE_dz", LOSS)),
    "z − y": (("z", "y"), ("dE_du", "dE_dz")),
    "(z − y)²": (("z − y",), (LOSS, "dE_dz")),
    "1 − y": (("y",), ("dE_du", "dE_dz", LOSS)),
    "y / z": (("y", "z"), ("dE_du", "dE_dz")),
    "(1 − y) / (1 − z)": (("1 − y", "1 − z"), ("dE_du", "dE_dz")),
}
"""What stands between nodes → (what of the same layer it is made of, which of its nodes are made of it)."""


def pieces_of(problem: Problem, rate: float | None = None) -> list[Piece]:
    """All of a float64 problem, the commonest first; with a learning rate also the weights after the step."""
    nodes, tolerances = _nodes(problem)
    known = {**problem.environment, **nodes}
    named = [_given(n, np.asarray(a, float), problem.batch) for n, a in problem.environment.items()]
    named += [Piece(n, np.asarray(a), tolerances[n], _by_sample(problem, n)) for n, a in nodes.items()]
    named += _between(problem, known, tolerances)
    named += _of_normalisations(problem, known, tolerances)
    named += _with_ones(problem, {p.node: p for p in named})
    named += _flat(problem, {p.node: p for p in named})
    if rate is not None:
        named += _after(problem, {p.node: p for p in named}, rate)
    return [p for p in named if p.array.size and np.isfinite(p.array).all() and p.array.any()]


def all_equations(problem: Problem) -> dict[str, Equation]:
    """node → its equation, of the ladder without fused ends and, where they part, of that with them."""
    both = [replace(problem, fused=fused) for fused in (True, False) if fused <= problem.mlp.fuses(problem.loss)]
    return {e.node: e for p in both for e in p.equations}


def _nodes(problem: Problem) -> tuple[dict[str, Array], dict[str, Array]]:
    """Values and tolerances, of the fused ladder and of that without: people write either."""
    nodes: dict[str, Array] = {}
    tolerances: dict[str, Array] = {}
    for fused in (False, True):
        if fused and not problem.mlp.fuses(problem.loss):
            continue
        way = replace(problem, fused=fused)
        noise = rounding_noise(way, "float64")
        for node, array in evaluation_of(way).nodes.items():
            own = np.asarray(noise.tolerance(node), float) + 4 * UNIT * np.abs(array)
            nodes[node], tolerances[node] = array, np.maximum(own, tolerances.get(node, 0.0))
    return nodes, tolerances


def _given(name: str, array: Array, batch: int) -> Piece:
    return Piece(name, array, 4 * UNIT * np.abs(array), name in ("x", "y") or name.endswith("/mask"))


def _by_sample(problem: Problem, node: str) -> bool:
    if node in (LOSS, INPUT_GRADIENT):
        return node == INPUT_GRADIENT
    equation = all_equations(problem)[node]
    over_samples = isinstance(equation.operation, Mean | Variance) and equation.operation.over == "batch"
    return not over_samples and not (is_gradient(node) and variable_of(node) in problem.parameters)


def _between(problem: Problem, known: Mapping[str, Array], tolerances: Mapping[str, Array]) -> Iterator[Piece]:
    """f′ of each layer, what it is made of, and the error z − y."""
    for equation in all_equations(problem).values():
        if isinstance(equation.operation, Pullback):
            yield from _slopes(equation, known, tolerances)
    last = str(problem.mlp.layers[-1].name)
    z, y = known[f"{last}/z"], known["y"]
    if y.shape == z.shape:
        made = {"z − y": z - y, "(z − y)²": (z - y) ** 2, "1 − y": 1 - y}
        with np.errstate(all="ignore"):
            made |= {"y / z": y / z, "(1 − y) / (1 − z)": (1 - y) / (1 - z)}
        for name, value in made.items():
            yield _made(f"{last}/{name}", value, tolerances[f"{last}/z"], z)
    for layer, below in _dense(problem):
        value = known[below] @ known[f"{layer}/kernel"]
        yield _made(f"{layer}/z_prev W", value, tolerances[f"{layer}/u"], value)


def _of_normalisations(
    problem: Problem, known: Mapping[str, Array], tolerances: Mapping[str, Array]
) -> Iterator[Piece]:
    equations = all_equations(problem)
    numbers = {n: np.asarray(number) for n, number in numbers_of(equations, known).items()}
    return pieces_of_steps(normalisation_steps(equations), {**known, **numbers}, tolerances)


def _slopes(equation: Equation, known: Mapping[str, Array], tolerances: Mapping[str, Array]) -> Iterator[Piece]:
    name = str(getattr(equation.operation, "name", ""))
    if name == "linear":
        return
    layer, (_, reads) = equation.layer, equation.operands
    read = known[reads]
    allowed = np.broadcast_to(tolerances.get(reads, 4 * UNIT * np.abs(read)), read.shape)
    z = known.get(f"{layer}/z", read)
    if name == "softmax":
        u = known[f"{layer}/u"]
        shifted = u - u.max(axis=1, keepdims=True)
        for title, value in (("exp(u)", np.exp(u)), ("u − max", shifted), ("exp(u − max)", np.exp(shifted))):
            yield _made(f"{layer}/{title}", value, allowed.max() * np.ones_like(value), value)
        total = np.exp(shifted).sum(1, keepdims=True)
        for title, value in (("log z", np.log(z)), ("log Σ exp(u − max)", np.log(total))):
            yield _made(f"{layer}/{title}", value, allowed.max(), u)
        yield _made(f"{layer}/Σ exp(u − max)", np.exp(shifted).sum(1, keepdims=True), allowed.max(), u[:, :1])
        yield _made(f"{layer}/Σ exp(u)", np.exp(u).sum(1, keepdims=True), allowed.max(), u[:, :1])
        return
    slope = activation(name).backward
    if slope is not None:
        yield _made(f"{layer}/f′", slope(np.ones_like(read), read), allowed, read)
    for title, value in {"sigmoid": (("1 − z", 1 - z),), "tanh": (("z²", z * z),)}.get(name, ()):
        yield _made(f"{layer}/{title}", value, allowed, z)
    if name == "sigmoid" and f"{layer}/u" in known:
        e = np.exp(-known[f"{layer}/u"])
        for title, value in (("exp(−u)", e), ("1 + exp(−u)", 1 + e)):
            yield _made(f"{layer}/{title}", value, np.max(tolerances[f"{layer}/u"]) + UNIT, value)


def _made(name: str, value: Array, tolerance: Array | float, magnitude: Array) -> Piece:
    own = 8 * UNIT * (np.abs(value) + np.abs(magnitude).max(initial=0.0) + 1.0)
    return Piece(name, value, np.broadcast_to(own + 4 * np.asarray(tolerance), value.shape), True)


def _with_ones(problem: Problem, named: Mapping[str, Piece]) -> Iterator[Piece]:
    """A column of ones beside what a layer reads, and its bias in one matrix with the kernel."""
    for layer, below in _dense(problem):
        pairs = [(f"{layer}/kernel", f"{layer}/bias"), tuple(map(gradient_node, (f"{layer}/kernel", f"{layer}/bias")))]
        for kernel, bias in pairs:
            if kernel in named and bias in named:
                yield from _stacked(f"{kernel} with the bias", named[bias], named[kernel], 0)
        ones = Piece("1", np.ones((problem.batch, 1)), np.zeros((problem.batch, 1)))
        yield from _stacked(f"{below} with ones", ones, named[below], 1)


def _stacked(name: str, small: Piece, large: Piece, axis: int) -> Iterator[Piece]:
    """Before the first and behind the last."""
    for parts in ((small, large), (large, small)):
        arrays = [np.atleast_2d(p.array) for p in parts]
        tolerances = [np.atleast_2d(p.tolerance) for p in parts]
        yield Piece(name, np.concatenate(arrays, axis), np.concatenate(tolerances, axis), large.per_sample)


def _dense(problem: Problem) -> list[tuple[str, str]]:
    """(layer with a kernel and a bias, what it reads)."""
    forward = problem.mlp.forward_equations
    found = [(e.layer, e.operands[0]) for e in forward if kind_of(e.node) == "u"]
    return [(layer, below) for layer, below in found if f"{layer}/bias" in problem.parameters]


def _flat(problem: Problem, named: Mapping[str, Piece]) -> Iterator[Piece]:
    """All parameters in one vector, and all gradients."""
    for title, names in (("θ", list(problem.trained)), ("dE/dθ", [gradient_node(n) for n in problem.trained])):
        own = [named[n] for n in names if n in named]
        for turn in (False, True):
            arrays = [(p.array.T if turn else p.array).ravel() for p in own]
            allowed = [np.broadcast_to(p.tolerance, p.array.shape) for p in own]
            limits = [(a.T if turn else a).ravel() for a in allowed]
            yield Piece(title, np.concatenate(arrays), np.concatenate(limits))


def _after(problem: Problem, named: Mapping[str, Piece], rate: float) -> Iterator[Piece]:
    for name in problem.trained:
        weight, gradient = named[name], named.get(gradient_node(name))
        if gradient is not None:
            moved = weight.array - rate * gradient.array
            allowed = weight.tolerance + rate * gradient.tolerance + 4 * UNIT * np.abs(moved)
            yield Piece(f"{name} after the step", moved, allowed)
