"""Which arrays of a run are the gradients: those that the weights follow, those near the reference, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gradient_diff.layouts.evidence import FLAT, HALF, exact, far
from gradient_diff.layouts.target import Target
from gradient_diff.layouts.undoing import undo_layout
from gradient_diff.source.held.by_shape import assignments
from gradient_diff.source.held.by_value import is_called_gradient
from gradient_diff.source.held.gradients import Found, Inferred, Left, Parts, Returned, around, arrays_of
from gradient_diff.source.held.places import pattern_of
from gradient_diff.source.held.rates import Rate, by_name, explaining, factors, near
from gradient_diff.source.held.running import Run
from gradient_diff.source.held.ways import Way, Ways
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

GATE = 8.0  # roundings of an update: of lr · g, of the subtraction, and of g where it is stored more coarsely

NO_DESCENT = "its update is no plain descent along its gradients: only these were judged, and not the update"

Option = tuple[str, Way, float | None]
"""(path, way, factor); None for an array of zeros, whose factor is any."""


@dataclass(frozen=True, eq=False)
class Search:
    """Everything that the search reads.

    Attributes:
        run: of the step.
        weights: where these are.
        beside: paths of the weights' memory, which hold no gradient.
        reference: parameter → its gradient at the weights of this run.
        numbers: path → what may be a learning rate.
        batch: N.
        name: how the step is written.
        after: what the weights after the step are read by, where it returns them and changes none.
        needs_rate: whether it is an error that nothing tells the learning rate.
    """

    run: Run
    weights: Parts
    beside: frozenset[str]
    reference: Arrays
    numbers: Mapping[str, float]
    batch: int
    name: str
    after: Returned | None = None
    needs_rate: bool = True

    @cached_property
    def ways(self) -> Ways:
        return Ways(Target({n: self.reference[n] for n in self.reference}))

    @cached_property
    def pool(self) -> dict[str, Array]:
        """The arrays among which gradients may be."""
        left = {p: a for p, a in self.run.left.items() if p not in self.beside}
        return {p: a for p, a in left.items() if a.size in self.ways.sizes and a.dtype.kind == "f"}

    @cached_property
    def moves(self) -> dict[str, Array]:
        before, after = self.around
        return {n: before[n].astype(np.float64) - after[n].astype(np.float64) for n in before}

    @cached_property
    def around(self) -> tuple[dict[str, Array], dict[str, Array]]:
        return around(self.weights, self.run, self.after)

    @cached_property
    def hidden(self) -> dict[str, float]:
        """What storing the weights hides of their moves, at most."""
        before, after = self.around
        return {
            n: UNITS.get(after[n].dtype.name, 0.0) * float((np.abs(a) + np.abs(after[n])).max(initial=0.0))
            for n, a in before.items()
        }

    @cached_property
    def known(self) -> tuple[float, ...]:
        """Factors that the sizes explain."""
        outputs = [a.shape[-1] for a in self.reference.values() if a.ndim]
        return factors(self.batch, outputs[-1] if outputs else 1)

    @property
    def moved(self) -> bool:
        return any(np.any(a) for a in self.moves.values())

    def found(self, learning_rate: float | None) -> Found:
        """The gradients, and the rate where the weights moved."""
        if not self.moved and (after := self._as_returned()) is not None and self._are_weights(after):
            return replace(self, after=after).of_a_step(learning_rate)
        return self.of_a_step(learning_rate) if self.moved else self._of_none(learning_rate)

    # a step that moves the weights

    def of_a_step(self, given: float | None) -> Found:
        """What the weights follow, or their moves."""
        sets = dict(self._sets(self._following))
        follows = bool(sets or self._rates_of(False))
        if not follows and (left := self._exact_sets().get(1.0) or (given is None and self._named_so())):
            return Found(Left(left), given, remarks=(NO_DESCENT,))
        rate = Rate(given, "") if given is not None else self._rate(sets)
        if rate is None:
            return Found(Inferred(self.weights, 1.0, self.after), doubt="nothing tells the learning rate")
        doubt = self._doubt(rate) if given is None else ""
        for ratio, parts in sorted(sets.items(), key=lambda one: not near(abs(one[0]), rate.value)):
            if (factor := self._clean(ratio / rate.value)) is not None:
                return Found(Left(parts, factor), rate.value, rate.source, doubt)
        return Found(Inferred(self.weights, rate.value, self.after), rate.value, rate.source, doubt, follows=follows)

    def _doubt(self, rate: Rate) -> str:
        """What speaks against a rate that nobody said: convicted is only where sizes explain the factor."""
        every = self._rates_of(True)
        if every and not rate.said:
            return f"these are the weights after a step of plain descent with lr = {_short(every[0]):.6g}"
        explained = not every or self._clean(every[0] / rate.value) is not None
        if rate.said and explained:
            return ""
        ratio = f"; with lr = {_short(every[0]):.6g} every gradient would match" if every else ""
        return f"the learning rate was taken to be {rate.value:.6g}, {rate.source}{ratio}"

    def _following(self, name: str, gradient: Array) -> float | None:
        """move = factor · gradient, up to rounding; NaN where it is not."""
        return _ratio(self.moves[name], gradient, self.hidden[name])

    def _clean(self, ratio: float) -> float | None:
        """A factor without the rounding of its measurement; None where no size explains it."""
        clean = next((c for c in self.known if near(abs(ratio), c)), None)
        return None if clean is None else float(np.copysign(clean, ratio))

    def _rate(self, sets: Mapping[float, Parts]) -> Rate | None:
        """What is called a rate goes before other numbers; each is asked what it explains."""
        ratios = [abs(r) for r in sets if not near(abs(r), 1.0)]  # 1: an update that was left, with its rate in it
        named, every, some = by_name(self.numbers), self._rates_of(True), self._rates_of(False)
        ways = [
            *explaining([*every, *ratios, *some], named, (1.0,)),
            *explaining(ratios, named, self.known),
            *((p, v) for p, v in named.items() if len({*named.values()}) == 1),
            *explaining([*every, *ratios, *some], self._rates, (1.0,)),
        ]
        if ways:
            return Rate(ways[0][1], f"`{ways[0][0]}`")
        if ratios:
            return Rate(_short(ratios[0]), "the change of the weights over what was left")
        if every:
            return Rate(_short(every[0]), "the change of the weights over the right gradients", said=False)
        if len({*self._rates.values()}) == 1:
            path, value = next(iter(self._rates.items()))
            return Rate(value, f"`{path}`, the only number that may be one", said=False)
        if not self.needs_rate:
            return None
        raise ValueError(
            f"{self.name}: no learning rate was found. The weights changed, but no one number that the step holds "
            "explains by how much. Pass learning_rate=, or return the gradients."
        )

    @property
    def _rates(self) -> dict[str, float]:
        """Whole numbers are sizes and counts, unless they are called a rate."""
        named = by_name(self.numbers)
        return {p: v for p, v in self.numbers.items() if p in named or v != int(v)}

    def _rates_of(self, every: bool) -> list[float]:
        """The factors of the right gradients that make the moves, the most common first; or one that makes all."""
        found = [r for n, g in self.reference.items() if n in self.moves and (r := self._following(n, g)) is not None]
        sure = [r for r in found if r > 0]
        if not every and any(a.size > 1 for a in self.moves.values()):  # one number is a multiple of any other
            sure = [r for n, g in self.reference.items() if g.size > 1 and (r := self._following(n, g) or 0.0) > 0]
        if every and (len(sure) < len(found) or not all(near(r, sure[0]) for r in sure)):
            return []
        alike = [sum(near(r, other) for other in sure) for r in sure]
        return [r for _, r in sorted(zip(alike, sure, strict=True), key=lambda one: -one[0])][: 1 if every else None]

    # a step that moves nothing

    def _of_none(self, given: float | None) -> Found:
        if given is not None:
            raise ValueError(f"learning_rate={given:g}, but {self.name}(x, y) changed no weight. Leave it out.")
        if (returned := self._as_returned()) is not None:
            return Found(returned)
        sets = self._exact_sets()
        for factor in sorted(sets, key=lambda c: (abs(np.log(abs(c))), c < 0)):
            return Found(Left(sets[factor]))
        return Found(Left(self._by_family() or self._by_shape()))

    def _are_weights(self, returned: Returned) -> bool:
        """Whether what was returned is near the weights: a function that returns new ones, and leaves the old."""
        new, old = returned.read(self.run), self.around[0]
        pairs = [(new[n].astype(np.float64), a.astype(np.float64)) for n, a in old.items() if n in new and np.any(a)]
        return bool(pairs) and all(np.linalg.norm(b - a) < HALF * np.linalg.norm(a) for b, a in pairs)

    def _exact_sets(self) -> dict[float, Parts]:
        """Factor → arrays that are this multiple of the reference, one for every parameter."""
        return {f: parts for f, parts in self._sets(self._near_reference) if self._clean(f) is not None}

    def _near_reference(self, name: str, gradient: Array) -> float | None:
        right = np.asarray(self.reference[name], np.float64)
        if not right.any() or not gradient.any():
            return None if right.any() == gradient.any() else np.nan
        apart = far(gradient, right)
        factor = float(np.vdot(right, gradient) / np.vdot(right, right))
        return np.nan if apart is None or apart[0] > FLAT else self._clean(factor) or factor

    def _as_returned(self) -> Returned | None:
        """What `compare` would make of what was returned."""
        try:
            given = arrays_of(self.run.result)
            undone = undo_layout("what the step returns", given, self.ways.target, None)
        except (TypeError, ValueError):
            return None
        shapes = {n: a.shape for n, a in self.reference.items()}
        fits = all(n in undone.arrays and undone.arrays[n].shape == shapes[n] for n in shapes)
        return Returned(undone.reading, shapes, self.name) if fits else None

    def _by_family(self) -> Parts | None:
        """Where some are right: the others in the same lists."""
        options = {n: [o for o in self._options(n, self._near_reference) if o[2] == 1] for n in self.reference}
        seeds = [(pattern_of(path), path) for several in options.values() for path, _, _ in several]
        if not seeds:
            return None
        patterns = {pattern for pattern, _ in seeds}
        beside = {p: a for p, a in self.pool.items() if pattern_of(p) in patterns}
        found = assignments(beside, self.ways, list(self.reference))
        return max(found, key=lambda one: self._exact(one.parts)).parts if found else None

    def _by_shape(self) -> Parts:
        """Arrays that fit, in the order of the layers, where there is but one set, or one that is named so."""
        found = assignments(self._changed, self.ways, list(self.reference))
        if len(found) == 1:
            return found[0].parts
        if (named := self._named_so()) is not None:
            return named
        raise ValueError(self._no_gradients(len(found)))

    def _named_so(self) -> Parts | None:
        """The one set of arrays that fits and is called gradients."""
        called = {p: a for p, a in self._changed.items() if is_called_gradient(p)}
        found = assignments(called, self.ways, list(self.reference))
        return found[0].parts if len(found) == 1 else None

    @property
    def _changed(self) -> dict[str, Array]:
        """What the step computed."""
        before = self.run.before
        return {p: a for p, a in self.pool.items() if p not in before or _differs(a, before[p])}

    def _no_gradients(self, count: int) -> str:
        which = f"{count} sets of arrays have their shapes" if count else "it returned and left none of their shapes"
        return (
            f"{self.name}(x, y) changed no weights, and no gradients were found: {which}. "
            f"Return them, in the order {', '.join(self.reference)}."
        )

    def count(self, found: Found) -> int:
        """How many of the gradients are right."""
        return exact(found.recipe.read(self.run), self.reference)

    def _exact(self, parts: Parts) -> int:
        return exact(Left(parts).read(self.run), self.reference)

    # both

    def _sets(self, factor_of: Callable[[str, Array], float | None]) -> Iterator[tuple[float, Parts]]:
        """Factor → one array for every parameter, all with this factor; those of one list or object before others."""
        options = {n: list(self._options(n, factor_of)) for n in self.weights}
        if not options or not all(options.values()):
            return
        done: list[float] = []
        for factor in (f for several in options.values() for _, _, f in several if f is not None):
            if any(near(factor, f) for f in done):
                continue
            done.append(factor)
            alike = {n: [o for o in several if o[2] is None or near(o[2], factor)] for n, several in options.items()}
            if all(alike.values()):
                yield factor, _together(alike)

    def _options(self, name: str, factor_of: Callable[[str, Array], float | None]) -> Iterator[Option]:
        for path, array in self.pool.items():
            for way in self.ways.of(array.shape):
                if name not in way.index:
                    continue
                factor = factor_of(name, np.asarray(way.read(array)[name], np.float64))
                if factor is None or not np.isnan(factor):
                    yield path, way, factor


def _together(options: Mapping[str, Sequence[Option]]) -> Parts:
    """Of several arrays with one factor those whose names most parameters share."""
    counts: dict[str, int] = {}
    for several in options.values():
        for pattern in {pattern_of(path) for path, _, _ in several}:
            counts[pattern] = counts.get(pattern, 0) + 1
    best = {n: max(several, key=lambda o: (o[2] is not None, counts[pattern_of(o[0])])) for n, several in options.items()}
    return {n: (path, way) for n, (path, way, _) in best.items()}


def _ratio(move: Array, gradient: Array, hidden: float) -> float | None:
    """move/gradient, if it is one number up to rounding; None where neither says anything, NaN where they disagree."""
    largest = float(np.abs(move).max(initial=0.0))
    if not gradient.any() or 0 < largest <= GATE * hidden:
        return None if largest <= GATE * hidden else np.nan
    with np.errstate(all="ignore"):
        ratio = float(np.vdot(gradient, move) / np.vdot(gradient, gradient))
        off = np.abs(move - ratio * gradient)
        limit = GATE * hidden + GATE * UNITS["float32"] * FINE * np.abs(move)
    return ratio if (off <= limit).all() else np.nan


FINE = 1e-3  # an update in float64 keeps far more bits than float32's, one in float32 has them in `hidden`


def _short(ratio: float) -> float:
    """A rate that somebody may have written."""
    return float(f"{ratio:.6g}")


def _differs(a: Array, b: Array) -> bool:
    return a.shape != b.shape or a.tobytes() != b.tobytes()
