"""Which arrays of a run are the gradients: those that the weights follow, what was returned, or the moves alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.layouts.evidence import HALF, exact
from gradient_diff.layouts.undoing import undo_layout
from gradient_diff.source.held.by_shape import assignments
from gradient_diff.source.held.called import is_called_gradient
from gradient_diff.source.held.gradients import Found, Inferred, Left, Parts, Returned, arrays_of
from gradient_diff.source.held.matching import Matching
from gradient_diff.source.held.places import pattern_of
from gradient_diff.source.held.rates import Rate, by_name, explaining

NO_DESCENT = "its update is no plain descent along its gradients: only these were judged, and not the update"


@dataclass(frozen=True, eq=False)
class Search:
    """What is asked of a run.

    Attributes:
        match: its arrays.
        numbers: path → what may be a learning rate.
        name: how the step is written.
        is_state: whether what stands at a path hangs on what stood there before the step: that is no gradient.
        needs_rate: whether it is an error that nothing tells the learning rate.
    """

    match: Matching
    numbers: Mapping[str, float]
    name: str
    is_state: Callable[[str], bool]
    needs_rate: bool = True

    def found(self, learning_rate: float | None) -> Found:
        """The gradients, and the rate where the weights moved."""
        if self.match.moved:
            return self._of_a_step(learning_rate)
        returned = self._as_returned()
        if returned is not None and self._are_weights(returned):
            other = replace(self, match=replace(self.match, after=returned))
            return other._of_a_step(learning_rate)  # noqa: SLF001  (the same search, of other weights after the step)
        if learning_rate is not None:
            raise ValueError(f"learning_rate={learning_rate:g}, but {self.name}(x, y) changed no weight. Leave it out.")
        return Found(returned or Left(self._left()))

    def count(self, found: Found) -> int:
        """How many of the gradients are right."""
        return exact(found.recipe.read(self.match.run), self.match.reference)

    # a step that moves the weights

    def _of_a_step(self, given: float | None) -> Found:
        match = self.match
        found = dict(match.sets(match.of_moves))
        sets = {f: parts for f, parts in found.items() if not any(self.is_state(path) for path, _ in parts.values())}
        follows = any(not match.near(abs(f), 1.0) for f in sets) or bool(match.rates(every=False))
        if not follows and (left := self._exact_sets().get(1.0) or (given is None and self._called_so())):
            return Found(Left(left), given, remarks=(NO_DESCENT,))
        rate = Rate(given, "") if given is not None else self._rate(sets)
        if rate is None:
            return Found(Inferred(match.weights, 1.0, match.after), doubt="nothing tells the learning rate")
        doubt = self._doubt(rate) if given is None else ""
        for ratio, parts in sorted(sets.items(), key=lambda one: not match.near(abs(one[0]), rate.value)):
            if (factor := match.clean(ratio / rate.value)) is not None:
                return Found(Left(parts, factor), rate.value, rate.source, doubt)
        return Found(Inferred(match.weights, rate.value, match.after), rate.value, rate.source, doubt, follows=follows)

    def _rate(self, sets: Mapping[float, Parts]) -> Rate | None:
        """What is called a rate goes before other numbers; each is asked what it explains."""
        match, named, numbers = self.match, by_name(self.numbers), self._numbers
        ratios = [abs(r) for r in sets if not match.near(abs(r), 1.0)]  # 1: an update, with its rate in it
        every, some = match.rates(every=True), match.rates(every=False)
        ways = [
            *explaining([*every, *ratios, *some], named, (1.0,), match.near),
            *explaining(ratios, named, match.known, match.near),
            *((p, v) for p, v in named.items() if len({*named.values()}) == 1),
            *explaining([*every, *ratios, *some], numbers, (1.0,), match.near),
        ]
        if ways:
            return Rate(ways[0][1], f"`{ways[0][0]}`")
        if ratios:
            return Rate(_short(ratios[0]), "the change of the weights over what was left")
        if every:
            return Rate(_short(every[0]), "the change of the weights over the right gradients", said=False)
        if len({*numbers.values()}) == 1:
            path, value = next(iter(numbers.items()))
            return Rate(value, f"`{path}`, the only number that may be one", said=False)
        if not self.needs_rate:
            return None
        raise ValueError(
            f"{self.name}: no learning rate was found. The weights changed, but no one number that the step holds "
            "explains by how much. Pass learning_rate= if it is plain descent, or return the gradients."
        )

    @property
    def _numbers(self) -> dict[str, float]:
        """Whole numbers are sizes and counts, unless they are called a rate."""
        named = by_name(self.numbers)
        return {p: v for p, v in self.numbers.items() if p in named or v != int(v)}

    def _doubt(self, rate: Rate) -> str:
        """What speaks against a rate that nobody said: convicted is only where sizes explain the factor."""
        every = self.match.rates(every=True)
        if rate.said and (not every or self.match.clean(every[0] / rate.value) is not None):
            return ""
        ratio = f"; with lr = {_short(every[0]):.6g} every gradient would match" if every else ""
        return f"the learning rate was taken to be {rate.value:.6g}, {rate.source}{ratio}"

    # a step that moves nothing

    def _as_returned(self) -> Returned | None:
        """What `compare` would make of what was returned."""
        try:
            given = arrays_of(self.match.run.result)
            undone = undo_layout("what the step returns", given, self.match.ways.target, None)
        except (TypeError, ValueError):
            return None
        shapes = {n: a.shape for n, a in self.match.reference.items()}
        fits = all(n in undone.arrays and undone.arrays[n].shape == shapes[n] for n in shapes)
        return Returned(undone.reading, shapes, self.name) if fits else None

    def _are_weights(self, returned: Returned) -> bool:
        """Whether what was returned is near the weights: a function that returns new ones, and leaves the old."""
        new, old = returned.read(self.match.run), self.match.around[0]
        pairs = [(new[n].astype(np.float64), a.astype(np.float64)) for n, a in old.items() if n in new and np.any(a)]
        return bool(pairs) and all(np.linalg.norm(b - a) < HALF * np.linalg.norm(a) for b, a in pairs)

    def _left(self) -> Parts:
        """Arrays that are right up to a factor; the lists in which some are; the only ones that fit."""
        sets = self._exact_sets()
        if sets:
            return sets[min(sets, key=lambda c: (abs(np.log(abs(c))), c < 0))]
        if (family := self._by_family()) is not None:
            return family
        found = assignments(self.match.computed, self.match.ways, list(self.match.reference))
        if len(found) == 1:
            return found[0].parts
        if (called := self._called_so()) is not None:
            return called
        which = f"{len(found)} sets of arrays fit" if found else "it returned and left none of their shapes"
        raise ValueError(
            f"{self.name}(x, y) changed no weights, and no gradients were found: {which}. "
            f"Return them, in the order {', '.join(self.match.reference)}."
        )

    def _exact_sets(self) -> dict[float, Parts]:
        """Factor → arrays that are this multiple of the reference, one for every parameter."""
        match = self.match
        return {f: parts for f, parts in match.sets(match.of_reference) if match.clean(f) is not None}

    def _by_family(self) -> Parts | None:
        """Where some are right: the others in the same lists."""
        match = self.match
        right = [o for n in match.reference for o in match.options(n, match.of_reference) if o[2] == 1]
        patterns = {pattern_of(path) for path, _, _ in right}
        beside = {p: a for p, a in match.pool.items() if pattern_of(p) in patterns}
        found = assignments(beside, match.ways, list(match.reference))
        return max(found, key=lambda one: self.count(Found(Left(one.parts)))).parts if found else None

    def _called_so(self) -> Parts | None:
        """The one set of arrays that fits and is called gradients."""
        called = {p: a for p, a in self.match.computed.items() if is_called_gradient(p)}
        found = assignments(called, self.match.ways, list(self.match.reference))
        return found[0].parts if len(found) == 1 else None


def _short(ratio: float) -> float:
    """A rate that somebody may have written."""
    return float(f"{ratio:.6g}")
