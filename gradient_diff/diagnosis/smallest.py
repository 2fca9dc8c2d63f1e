"""The smallest batch and net on which a derivation is still wrong: samples, layers and units are left out in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from gradient_diff.calling import call_derivation
from gradient_diff.noise.network import rounding_noise
from gradient_diff.result.findings import Smallest
from gradient_diff.sides import Derivation
from manual_mlp import MLP, Dense, Problem, evaluation_of, gradient_node

MOST_TRIES = 200


def smallest_case(is_wrong: Callable[[Problem], bool], problem: Problem, most_tries: int = MOST_TRIES) -> Smallest:
    """Leave out samples, then hidden layers, then units, as long as the derivation stays wrong.

    Delta debugging (Zeller and Hildebrandt, 2002): of a list, halves, quarters, … are left out, until no single item
    can be spared. A try that the derivation refuses with an error counts as not wrong.
    """
    search = _Search(is_wrong, most_tries)
    samples = search.fewest(range(problem.batch), lambda chosen: problem.of_samples(list(chosen)))
    small = problem.of_samples(list(samples))
    if all(type(layer) is Dense for layer in small.mlp.layers):
        small = _fewer_units(search, _fewer_layers(search, small))
    return Smallest(small, tuple(samples), problem, search.tries)


def smallest_wrong(derivation: Derivation, problem: Problem) -> Smallest:
    """The smallest case on which a derivation is still wrong."""
    return smallest_case(lambda smaller: is_wrong(derivation, smaller), problem)


def is_wrong(derivation: Derivation, problem: Problem) -> bool:
    """Whether a derivation's gradients are further from the right ones than rounding explains."""
    given = call_derivation(derivation, problem.parameters, problem.x, problem.y).gradients
    mine = {n: np.asarray(a) for n, a in given.items()}
    right, noise = evaluation_of(problem).gradients, rounding_noise(problem)
    limits = {n: noise.tolerance(gradient_node(n), 2) for n in right}
    return any(mine[n].shape != right[n].shape or not (np.abs(mine[n] - right[n]) <= limits[n]).all() for n in right)


class _Search:
    """Counts the tries, and takes a refusal for a no."""

    def __init__(self, is_wrong: Callable[[Problem], bool], most: int) -> None:
        self._is_wrong, self._most, self.tries = is_wrong, most, 0

    def shows(self, make: Callable[[], Problem | None]) -> bool:
        if self.tries >= self._most:
            return False
        self.tries += 1
        try:
            problem = make()
            return problem is not None and self._is_wrong(problem)
        except Exception:  # noqa: BLE001  # a derivation may be made for one net alone, and say so in any way
            return False

    def fewest(self, items: Sequence[int], make: Callable[[list[int]], Problem | None]) -> list[int]:
        """The fewest items for which the problem made of them still shows it."""
        kept, parts = list(items), 2
        while len(kept) > 1:
            fewer = next((c for c in _tries(kept, parts) if self.shows(lambda c=c: make(c))), None)  # type: ignore[misc]
            if fewer is not None:
                kept, parts = fewer, max(2, min(parts - 1, len(fewer)) if len(fewer) > len(kept) / 2 else 2)
            elif parts >= len(kept):
                break
            else:
                parts = min(2 * parts, len(kept))
        return kept


def _tries(items: list[int], parts: int) -> Iterator[list[int]]:
    """Each part alone, then all but each part."""
    pieces = [list(map(int, piece)) for piece in np.array_split(np.array(items), parts)]
    yield from pieces
    if parts > 2:
        yield from ([i for i in items if i not in set(piece)] for piece in pieces)


def _fewer_layers(search: _Search, problem: Problem) -> Problem:
    """Leave out hidden layers, last first; the layer above then reads the first units of the one below."""
    for i in reversed(range(len(problem.mlp.layers) - 1)):
        if search.shows(lambda i=i, p=problem: _without_layer(p, i)):  # type: ignore[misc]
            problem = _without_layer(problem, i)
    return problem


def _without_layer(problem: Problem, i: int) -> Problem:
    layers = problem.mlp.layers
    width, below = problem.mlp.units[i], (*problem.mlp.input_shape, *problem.mlp.units)[i]
    above = f"{layers[i + 1].name}/kernel"
    rows = np.resize(np.arange(width), below)  # as many as the layer below has units
    gone = {f"{layers[i].name}/{short}" for short in ("kernel", "bias")}
    parameters = {n: a[rows] if n == above else a for n, a in problem.parameters.items() if n not in gone}
    return replace(problem, mlp=MLP(problem.mlp.inputs, [*layers[:i], *layers[i + 1 :]]), parameters=parameters)


def _fewer_units(search: _Search, problem: Problem) -> Problem:
    """Fewest inputs, then fewest units of each layer; outputs only where y has a column for each."""
    for level in range(len(problem.mlp.layers) + (problem.y.ndim == 2)):
        width = (*problem.mlp.input_shape, *problem.mlp.units)[level]
        units = search.fewest(range(width), lambda chosen, level=level, p=problem: _narrowed(p, level, chosen))  # type: ignore[misc]
        if len(units) < width:
            problem = _narrowed(problem, level, units)
    return problem


def _narrowed(problem: Problem, level: int, units: list[int]) -> Problem:
    """Only these units of a level; level 0 are the inputs."""
    layers, parameters = list(problem.mlp.layers), dict(problem.parameters)
    inputs, x, y = problem.mlp.inputs, problem.x, problem.y
    if level:
        layer = layers[level - 1]
        assert isinstance(layer, Dense)
        layers[level - 1] = replace(layer, units=len(units))
        for name in (f"{layer.name}/kernel", f"{layer.name}/bias"):
            parameters |= {name: parameters[name][..., units]} if name in parameters else {}
    else:
        inputs, x = len(units), x[:, units]
    if level < len(layers):
        name = f"{layers[level].name}/kernel"
        parameters[name] = parameters[name][units]
    else:
        y = y[:, units]
    return replace(problem, mlp=MLP(inputs, layers), parameters=parameters, x=x, y=y)
