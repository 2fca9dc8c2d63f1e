"""find_weights: which place is which parameter, by value; else by shape, and then the object's own weights count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.layouts.target import Target
from gradient_diff.source.held.by_shape import Assignment, assignments, bound, fitting
from gradient_diff.source.held.by_value import ByValue, by_value
from gradient_diff.source.held.called import strange_words
from gradient_diff.source.held.gradients import Parts
from gradient_diff.source.held.influence import Influence
from gradient_diff.source.held.places import Place, gathered
from gradient_diff.source.held.ways import Binding, Ways
from manual_mlp import Array
from manual_mlp.extend import Arrays, show

MOST_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Weights:
    """Where a step holds its weights.

    Attributes:
        bindings: parameter → its place, in the order of the network; what is held nowhere is missing.
        own: the parameters whose values are not the given ones, so that the step's own count.
        remarks: what else is to be said of the choice.
    """

    bindings: Mapping[str, Binding]
    own: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def parts(self) -> Parts:
        """As paths, to be read of a run."""
        return {n: (b.path, b.way) for n, b in self.bindings.items()}

    def read(self) -> dict[str, Array]:
        """The values that are held now."""
        return {n: b.way.read(b.place.value)[n] for n, b in self.bindings.items()}

    def write(self, parameters: Arrays) -> None:
        """Hold other values from now on, in the layout of each place."""
        for binding in {b.path: b for b in self.bindings.values()}.values():
            whole = all(n in parameters for n in binding.way.index)
            values = parameters if whole else {**binding.way.read(binding.place.value), **parameters}
            binding.place.put(binding.way.written(binding.place.value, values))


Score = Callable[[Weights], int]
"""How many of the gradients are right where these are the weights; -1 where that cannot be told."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What is looked for: the parameters, how the model's are written, and how a choice is judged."""

    parameters: Arrays
    written: Callable[[str], str]
    score: Score
    name: str


def find_weights(influence: Influence, asked: Asked) -> Weights:
    """By value where all are held, else by shape; raises where that leaves several answers."""
    ways = Ways(Target(asked.parameters))
    places = influence.stepper.places()
    found = by_value(places, ways, asked.parameters, influence)
    if len(found.bindings) < len(asked.parameters):
        spread = replace(influence, stepper=replace(influence.stepper, spread=True))
        more = by_value(spread.stepper.places(), ways, asked.parameters, spread)
        found = more if len(more.bindings) > len(found.bindings) else found
    if len(found.bindings) == len(asked.parameters):
        return _in_order(found, asked.parameters)
    return _the_rest(influence, places, ways, _trusted(found, ways.target), asked)


def _trusted(found: ByValue, target: Target) -> ByValue:
    """Biases of zeros are the same everywhere: without one kernel nothing was found."""
    kernels = any(target.is_matrix(n) for n in found.bindings)
    return found if kernels else ByValue({}, {})


def _in_order(found: ByValue, parameters: Arrays) -> Weights:
    remarks = tuple(
        f"`{found.bindings[n].path}` was taken for {n}, by its name: {', '.join(f'`{p}`' for p in others)} "
        f"hold{'s' * (len(others) == 1)} the same numbers"
        for n, others in found.doubts.items()
    )
    return Weights({n: found.bindings[n] for n in parameters if n in found.bindings}, (), remarks)


def _the_rest(influence: Influence, places: Sequence[Place], ways: Ways, found: ByValue, asked: Asked) -> Weights:
    """What no value tells, by shape; biases that are nowhere may be none of the user's."""
    rest = [n for n in asked.parameters if n not in found.bindings]
    used = [b.place.value for b in found.bindings.values()]
    first = _in_order(found, asked.parameters)
    spread = replace(influence, stepper=replace(influence.stepper, spread=True))
    for runner, every in ((influence, places), (spread, (*places, *gathered(places)))):
        free = [p for p in every if not any(np.may_share_memory(p.value, a) for a in used)]
        weights = runner.weights_among(fitting(free, ways, rest))
        known = {p.path: p for p in weights}
        options = assignments({n: p.value for n, p in known.items()}, ways, rest)
        if options:
            return _chosen([_with(first, one, known, asked.parameters) for one in options], options, asked)
    if found.bindings and not any(ways.target.is_matrix(n) for n in rest):
        return replace(first, remarks=(*first.remarks, f"held nowhere: {', '.join(rest)}"))
    raise ValueError(_not_found(asked, rest, places))


def _with(first: Weights, one: Assignment, known: Mapping[str, Place], parameters: Arrays) -> Weights:
    bindings = {**first.bindings, **bound(one, known)}
    return Weights({n: bindings[n] for n in parameters}, tuple(one.parts), first.remarks)


def _chosen(found: Sequence[Weights], options: Sequence[Assignment], asked: Asked) -> Weights:
    """The only one; the one whose gradients are right; the one that is named like weights."""
    if len(found) == 1:
        return found[0]
    scores = [asked.score(one) for one in found]
    best = [one for one, score in zip(found, scores, strict=True) if score == max(scores) > 0]
    if len(best) == 1:
        return best[0]
    strange = [sum(map(strange_words, one.paths)) for one in options]
    named = [i for i, count in enumerate(strange) if count == min(strange)]
    paths = {options[i].paths for i in named}
    if len(named) == 1 and not best:
        words = f"{', '.join(f'`{p}`' for p in options[named[0]].paths)} were taken for the weights by their names"
        return replace(found[named[0]], remarks=(*found[named[0]].remarks, words))
    raise ValueError(_ambiguous(asked, found, len(paths)))


def _ambiguous(asked: Asked, found: Sequence[Weights], sets: int) -> str:
    which = f"{sets} sets of arrays have the shapes of the weights" if sets > 1 else "the layout of the weights is open"
    return (
        f"{asked.name} holds other weights than the model's, and which is which cannot be told: {which}. "
        f"Copy the model's into it before: {copying_line(asked, found[0])}"
    )


def copying_line(asked: Asked, weights: Weights) -> str:
    """The statement that puts the first of the model's weights into the user's object, in its layout."""
    name = next(iter(weights.own), next(iter(weights.bindings)))
    binding = weights.bindings[name]
    shape, held = asked.parameters[name].shape, binding.place.value.shape
    source = asked.written(name)
    if "(n_out, n_in)" in binding.way.words and held == shape[::-1]:
        source = f"{source}.T"
    elif held != shape:
        source = f"{source}.reshape{show(held)}"
    many = ", and so on" * (len(weights.bindings) > 1)
    return f"{binding.path}[...] = {source}{many}."


def _not_found(asked: Asked, rest: Sequence[str], places: Sequence[Place]) -> str:
    shown = [f"`{p.path}` {show(p.value.shape)}" for p in places if p.value.ndim][:MOST_SHOWN]
    wanted = ", ".join(f"{n} {show(asked.parameters[n].shape)}" for n in rest)
    return (
        f"{asked.name} holds no arrays that can be {wanted}. Found: {', '.join(shown) or 'no arrays at all'}. "
        "Expected the weights in the object of the method, its lists and dicts, in closures, defaults or globals of "
        "the function; wrap it in one that has them: lambda x, y: step(weights, x, y)."
    )
