"""Held: somebody's training step with its weights and gradients found, to be run again as often as one likes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradient_diff.source.held.gradients import Found, Inferred, around
from gradient_diff.source.held.influence import Influence
from gradient_diff.source.held.matching import Matching
from gradient_diff.source.held.pairing import Asked, Weights, copying_line, find_weights
from gradient_diff.source.held.places import Place
from gradient_diff.source.held.rates import numbers_of
from gradient_diff.source.held.running import Run, Stepper, stepper_of
from gradient_diff.source.held.searching import Search
from gradient_diff.source.held.snapshot import Snapshot
from manual_mlp import Array
from manual_mlp.extend import Arrays

GradientsAt = Callable[[Arrays], Arrays]
"""Parameters → the right gradients there, by parameter."""


@dataclass(frozen=True, eq=False)
class Held:
    """A training step, read.

    Attributes:
        stepper: how it is run.
        weights: where its weights are.
        found: how its gradients are read, and its learning rate.
        parameters: name → array as the reference has it: the given ones, or the step's own where it holds others.
        ran: the run on the data that it was read with.
    """

    stepper: Stepper
    weights: Weights
    found: Found
    parameters: Mapping[str, Array]
    ran: Run
    snapshot: Snapshot

    @property
    def own(self) -> tuple[str, ...]:
        """The parameters that are the step's own, and not the given ones."""
        return self.weights.own

    @property
    def gradients(self) -> dict[str, Array]:
        """By parameter, of the run on the data that it was read with."""
        return self.found.recipe.read(self.ran)

    @property
    def around(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """The weights before and after that run."""
        after = self.found.recipe.after if isinstance(self.found.recipe, Inferred) else None
        return around(self.weights.parts, self.ran, after)

    def place_of(self, name: str) -> Place:
        """Where a parameter is held, perhaps with others."""
        return self.weights.bindings[name].place

    def put_weights(self, parameters: Arrays) -> None:
        """Other weights of the same shapes into the object, in its layout; `restore` takes them out again."""
        self.weights.write(parameters)

    def restore(self) -> None:
        """Everything as it was when the step was read."""
        self.snapshot.restore()

    def run(self, x: Array, y: Array) -> dict[str, Array]:
        """The gradients of one step on other data, from the weights that are held now; these stay what they are."""
        return self.found.recipe.read(replace(self.stepper, quiet=True).run(x, y))

    def derivation(self, parameters: Arrays, x: Array, y: Array) -> dict[str, Array]:
        """The step as a function of weights and data, which `compare` takes, too."""
        stepper = replace(self.stepper, quiet=True)
        return self.found.recipe.read(stepper.run(x, y, [lambda: self.put_weights(parameters)]))


UNREPEATED = (
    "two runs of the step on the same data leave different numbers: it draws from a generator that is held nowhere, so "
    "that no run says what another did. Keep the generator in the object, or seed it"
)


@dataclass(frozen=True, eq=False)
class Reader:
    """How a step is read: on which parameters and data, and against which gradients.

    Attributes:
        parameters: what the step is thought to hold.
        gradients_at: the right gradients at other parameters; raises a ValueError where nobody can tell.
        written: how the caller writes a parameter of the reference, for the line that copies it.
        learning_rate: as the caller said it.
        needs_rate: whether it is an error that nothing tells it.
        by_moves: whether the weights alone count, before and after: another optimizer than plain descent took the step.
    """

    parameters: Arrays
    x: Array
    y: Array
    gradients_at: GradientsAt
    written: Callable[[str], str]
    learning_rate: float | None = None
    needs_rate: bool = True
    by_moves: bool = False

    def read(self, step: Callable[..., Any]) -> Held:
        """Find everything; what the step holds is put back, and stays so."""
        stepper, first = stepper_of(step, self.x, self.y)
        snapshot = Snapshot.of(step, stepper.large)
        influence = Influence(replace(stepper, quiet=True), self.x, self.y)
        asked = Asked(self.parameters, self.written, lambda weights: self._score(step, stepper, weights), stepper.name)
        weights = find_weights(influence, asked)
        parameters = self._agreed(weights)
        stepper = _seeing(stepper, weights)
        try:
            right = self._gradients_at(parameters, asked, weights)
            run = replace(stepper, quiet=True).run(self.x, self.y, [lambda: weights.write(parameters)])
        finally:
            snapshot.restore()
        found = self._found(self._search(step, stepper, weights, right, run))
        if not influence.plain.repeats(first):
            found = replace(found, remarks=(*found.remarks, UNREPEATED))
        return Held(stepper, weights, found, parameters, run, snapshot)

    def _agreed(self, weights: Weights) -> dict[str, Array]:
        """The given parameters, or the step's own in the dtype of the given ones."""
        held = weights.read()
        return {n: held[n].astype(a.dtype) if n in weights.own else np.asarray(a) for n, a in self.parameters.items()}

    def _gradients_at(self, parameters: Arrays, asked: Asked, weights: Weights) -> Arrays:
        try:
            return self.gradients_at(parameters)
        except NotAgain as error:
            raise ValueError(
                f"{asked.name} holds other weights than the reference's, and {error}. "
                f"Copy the reference's into it before: {copying_line(asked, weights)}"
            ) from None

    def _score(self, step: Callable[..., Any], stepper: Stepper, weights: Weights) -> int:
        """How many gradients come out right if these are the weights."""
        stepper = replace(_seeing(stepper, weights), quiet=True)
        run = stepper.run(self.x, self.y)
        try:
            right = self.gradients_at(self._agreed(weights))
            search = self._search(step, stepper, weights, right, run)
            return search.count(self._found(search))
        except (NotAgain, ValueError):
            return -1

    def _found(self, search: Search) -> Found:
        return Found(Inferred(search.match.weights, 1.0)) if self.by_moves else search.found(self.learning_rate)

    def _search(self, step: Callable[..., Any], stepper: Stepper, weights: Weights, right: Arrays, run: Run) -> Search:
        held = [b.place.value for b in weights.bindings.values()]
        beside = {p.path for p in stepper.places() if any(np.may_share_memory(p.value, a) for a in held)}
        paths = {b.path for b in weights.bindings.values()}
        parts = {n: part for n, part in weights.parts.items() if n in right}
        wanted = {n: right[n] for n in parts}
        match = Matching(run, parts, frozenset(beside | paths), wanted, len(self.x))
        state = Influence(replace(stepper, quiet=True), self.x, self.y).feeds_itself
        return Search(match, numbers_of(step, run.before), stepper.name, state, self.needs_rate)


def _seeing(stepper: Stepper, weights: Weights) -> Stepper:
    """One whose runs note all places of these weights."""
    plain = {p.path for p in stepper.places()}
    return replace(stepper, spread=any(b.path not in plain for b in weights.bindings.values()))


class NotAgain(Exception):  # noqa: N818  # it says no, and nothing has failed
    """A reference that cannot be made again at other parameters; the words follow `and`."""
