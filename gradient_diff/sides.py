"""What was handed over, read once: a side of a comparison, and both under the names of one problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from manual_mlp import Array, Evaluation, Problem, gradient_node
from manual_mlp.extend import LOSS, Arrays, read_array

Derivation: TypeAlias = Callable[[Mapping[str, Array], Array, Array], Mapping[str, Array]]
"""(parameters, x, y) → gradients, parameter name → array: what is under test, to be called on other data and nets."""


@dataclass(frozen=True, eq=False)
class Side:
    """Hand or reference as it was given: arrays by the caller's names, and the whole run where there is one."""

    arrays: Arrays
    run: Evaluation | None = None

    @classmethod
    def of(cls, title: str, given: Evaluation | Arrays, names: Mapping[str, str] | None = None) -> Side:
        """Read what was given; `title` is whose it is, for messages, `names` renames arrays."""
        if isinstance(given, Evaluation):
            return cls(given.gradients, given)
        return cls(_checked(title, with_loss(given), names or {}))

    @property
    def origin(self) -> str:
        """Who computed it."""
        return self.run.origin if self.run else "given arrays"

    def by_node(self, problem: Problem | None) -> dict[str, Array]:
        """node → array; parameter names become the names of their gradients' nodes."""
        if self.run:
            return {gradient_node(n): a for n, a in self.arrays.items()}
        parameters = problem.parameters if problem else {}
        return {gradient_node(n) if n in parameters else n: a for n, a in self.arrays.items()}


def with_loss(given: object) -> object:
    """(loss, gradients) or (gradients, loss) as one dict by name, as a function that returns both has it."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        return given
    numbers = [item for item in given if not isinstance(item, Mapping | tuple | list) and np.size(item) == 1]
    held = [item for item in given if isinstance(item, Mapping)]
    return {LOSS: numbers[0], **held[0]} if len(numbers) == len(held) == 1 else given


def _checked(title: str, given: object, names: Mapping[str, str]) -> dict[str, Array]:
    if not isinstance(given, Mapping):
        raise TypeError(
            f"{title} is {type(given).__name__}: expected an Evaluation or a dict, name → array. "
            "Of a list say which is which: dict(zip(names, arrays))."
        )
    if not given:
        raise ValueError(f"{title} is an empty dict: there is nothing to compare.")
    unknown = names.keys() - given.keys()
    if unknown:
        raise ValueError(f"names= renames {', '.join(sorted(unknown))}, which {title} has not: {', '.join(given)}.")
    renamed = {names.get(n, n): checked_array(title, n, a) for n, a in given.items()}
    if len(renamed) != len(given):
        raise ValueError(f"names= sends two of {title}'s arrays to one name: {dict(names)}.")
    return renamed


def checked_array(title: str, name: str, value: object) -> Array:
    """An array of numbers, as it is."""
    if value is None:
        raise TypeError(f"{title}[{name!r}] is None: no gradient was computed.")
    array = read_array(f"{title}[{name!r}]", value)
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        kind = array.dtype if array.ndim or array.dtype != object else type(value).__name__
        raise TypeError(f"{title}[{name!r}] is {kind}: expected an array of numbers.")
    return array


@dataclass(frozen=True, eq=False)
class Pair:
    """Hand and reference under the names of one problem, node → array.

    Attributes:
        problem: what both are of, where at least one side says so.
        runs: the whole evaluations of hand and reference, where given.
        origins: who computed them.
    """

    hand: Arrays
    reference: Arrays
    problem: Problem | None = None
    runs: tuple[Evaluation | None, Evaluation | None] = (None, None)
    origins: tuple[str, str] = ("given arrays", "given arrays")

    @classmethod
    def of(cls, hand: Side, reference: Side) -> Pair:
        """Both sides, of one problem: of two whole runs every node, else gradients and what the other side asks for."""
        problem = _common_problem(hand.run, reference.run)
        if hand.run and reference.run:
            h, r = _without_fused(hand.run, reference.run), _without_fused(reference.run, hand.run)
        else:
            h, r = hand.by_node(problem), reference.by_node(problem)
            if reference.run:
                r |= {n: reference.run.nodes[n] for n in h if n in reference.run.nodes}
            if hand.run:
                h |= {n: hand.run.nodes[n] for n in r if n in hand.run.nodes}
        return cls(h, r, problem, (hand.run, reference.run), (hand.origin, reference.origin))

    @cached_property
    def formulas(self) -> Mapping[str, tuple[str, str]]:
        """node → its layer and its equation, where the network is known."""
        return {e.node: (e.layer, e.formula) for e in self.problem.equations} if self.problem else {}

    @cached_property
    def order(self) -> list[str]:
        """The names of both sides in the order of the computation, then those that it does not know."""
        present = dict.fromkeys([*self.reference, *self.hand])
        known = [n for n in self.formulas if n in present]
        return [*known, *(n for n in present if n not in set(known))]

    @cached_property
    def known(self) -> Arrays:
        """Data, parameters and nodes, the hand's own where it brings them."""
        if self.problem is None:
            return {}
        hand, reference = self.runs
        nodes = [run.nodes for run in (reference, hand) if run]
        return {name: array for arrays in (self.problem.environment, *nodes) for name, array in arrays.items()}

    @cached_property
    def noisier(self) -> Problem | None:
        """Whose rounding to expect: where one side fuses the last activation into the loss, the other's longer way."""
        problems = [run.problem for run in self.runs if run]
        return next((p for p in problems if not p.fused), self.problem)


def _without_fused(side: Evaluation, other: Evaluation) -> dict[str, Array]:
    """All nodes but the dE/dz that exists only because this side does not fuse what the other fuses."""
    if side.problem.fused or not other.problem.fused:
        return dict(side.nodes)
    extra = {e.node for e in side.problem.equations} - {e.node for e in other.problem.equations}
    return {name: array for name, array in side.nodes.items() if name not in extra}


def _common_problem(hand: Evaluation | None, reference: Evaluation | None) -> Problem | None:
    if hand and reference:
        _check_same(hand.problem, reference.problem)
    run = hand or reference
    return run.problem if run else None


def _check_same(a: Problem, b: Problem) -> None:
    mine, other = ({k: v for k, v in p.to_dict().items() if k != "fused"} for p in (a, b))
    differing = [key for key in dict.fromkeys([*mine, *other]) if mine.get(key) != other.get(key)]
    if not differing:
        left, right = a.environment, b.environment
        differing = [name for name, array in left.items() if not np.array_equal(array, right[name])]
    if differing:
        raise ValueError(
            f"The two Evaluations are of different problems: {', '.join(differing)} differ. "
            "Evaluate both sides on the same network, parameters and data."
        )
