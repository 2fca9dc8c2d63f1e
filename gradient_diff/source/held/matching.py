"""What the arrays of a run are multiples of: of the moves of the weights, of the right gradients, or of neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradient_diff.layouts.evidence import FLAT, far
from gradient_diff.layouts.target import Target
from gradient_diff.source.held.gradients import Parts, Returned, around
from gradient_diff.source.held.places import differs, pattern_of
from gradient_diff.source.held.rates import NEAR, factors, near
from gradient_diff.source.held.running import Run
from gradient_diff.source.held.ways import Way, Ways
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

GATE = 8.0  # roundings of an update: of lr · g, of the subtraction, and of g where it is stored more coarsely
FINE = 1024 * UNITS["float64"]  # of an update in float64; one in float32 has its bits in what storing hides
MOST_LOOSE = 0.01  # relative: beyond this no ratio tells a rate from another

Option = tuple[str, Way, float | None]
"""(path, way, factor); None for an array of zeros, whose factor is any."""
FactorOf = Callable[[str, Array], float | None]


@dataclass(frozen=True, eq=False)
class Matching:
    """The arrays of one run.

    Attributes:
        run: of the step.
        weights: where these are.
        beside: paths of the weights' memory, which hold no gradient.
        reference: parameter → its gradient at the weights of this run.
        batch: N.
        after: what the weights after the step are read by, where it returns them and changes none.
    """

    run: Run
    weights: Parts
    beside: frozenset[str]
    reference: Arrays
    batch: int
    after: Returned | None = None

    @cached_property
    def ways(self) -> Ways:
        return Ways(Target(self.reference))

    @cached_property
    def pool(self) -> dict[str, Array]:
        """The arrays among which gradients may be."""
        left = {p: a for p, a in self.run.left.items() if p not in self.beside}
        return {p: a for p, a in left.items() if a.size in self.ways.sizes and a.dtype.kind == "f"}

    @property
    def computed(self) -> dict[str, Array]:
        """Those of them that the step made or changed."""
        before = self.run.before
        return {p: a for p, a in self.pool.items() if p not in before or differs(a, before[p])}

    @cached_property
    def around(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """The weights before and after."""
        return around(self.weights, self.run, self.after)

    @cached_property
    def moves(self) -> dict[str, Array]:
        """before − after."""
        before, after = self.around
        return {n: before[n].astype(np.float64) - after[n].astype(np.float64) for n in before}

    @cached_property
    def _hidden(self) -> dict[str, float]:
        """What storing the weights hides of their moves, at most."""
        before, after = self.around
        sums = {n: float((np.abs(a) + np.abs(after[n])).max(initial=0.0)) for n, a in before.items()}
        return {n: UNITS.get(after[n].dtype.name, 0.0) * size for n, size in sums.items()}

    @cached_property
    def _loose(self) -> float:
        """How well a ratio of moves is known, where storing the weights hides much of them."""
        largest = {n: float(np.abs(a).max(initial=0.0)) for n, a in self.moves.items()}
        shares = [self._hidden[n] / size for n, size in largest.items() if size > GATE * self._hidden[n]]
        return min(max(NEAR, GATE * max(shares, default=0.0)), MOST_LOOSE)

    @property
    def moved(self) -> bool:
        """Whether any weight changed."""
        return any(np.any(a) for a in self.moves.values())

    def near(self, a: float, b: float) -> bool:
        """Whether two ratios are one, as far as they are known."""
        return near(a, b, self._loose)

    @cached_property
    def known(self) -> tuple[float, ...]:
        """Factors that the sizes explain."""
        outputs = [a.shape[-1] for a in self.reference.values() if a.ndim]
        return factors(self.batch, outputs[-1] if outputs else 1)

    def clean(self, ratio: float) -> float | None:
        """A factor without the rounding of its measurement; None where no size explains it."""
        found = next((c for c in self.known if self.near(abs(ratio), c)), None)
        return None if found is None else float(np.copysign(found, ratio))

    def of_moves(self, name: str, gradient: Array) -> float | None:
        """move/gradient, if it is one number up to rounding; None where neither says anything, NaN where it is none."""
        move, hidden = self.moves[name], self._hidden[name]
        largest = float(np.abs(move).max(initial=0.0))
        if not gradient.any() or 0 < largest <= GATE * hidden:
            return None if largest <= GATE * hidden else np.nan
        ratio = _ratio(move, gradient)
        off = np.abs(move - ratio * gradient) <= GATE * hidden + FINE * np.abs(move)
        return ratio if off.all() else np.nan

    def of_reference(self, name: str, gradient: Array) -> float | None:
        """gradient/reference, likewise."""
        right = np.asarray(self.reference[name], np.float64)
        if not right.any() or not gradient.any():
            return None if right.any() == gradient.any() else np.nan
        apart = far(gradient, right)
        ratio = _ratio(gradient, right)
        return np.nan if apart is None or apart[0] > FLAT else self.clean(ratio) or ratio

    def rates(self, every: bool) -> list[float]:
        """The factors of the right gradients that make the moves, the most common first; or the one that makes all."""
        found = {n: self.of_moves(n, np.asarray(g, np.float64)) for n, g in self.reference.items() if n in self.moves}
        sizes = [self.moves[n].size for n in found]
        told = {n: r for n, r in found.items() if r is not None}
        if not every and max(sizes, default=0) > 1:  # one number is a multiple of any other
            told = {n: r for n, r in told.items() if self.moves[n].size > 1}
        sure = [r for r in told.values() if r > 0]
        if every:
            return sure[:1] if len(sure) == len(told) and all(self.near(r, sure[0]) for r in sure) else []
        return sorted(sure, key=lambda r: -sum(self.near(r, other) for other in sure))

    def sets(self, factor_of: FactorOf) -> Iterator[tuple[float, Parts]]:
        """Factor → one array for every parameter, all with this factor; those of one list or object before others."""
        options = {n: list(self.options(n, factor_of)) for n in self.weights}
        if not options or not all(options.values()):
            return
        done: list[float] = []
        for factor in (f for several in options.values() for _, _, f in several if f is not None):
            if any(self.near(factor, f) for f in done):
                continue
            done.append(factor)
            alike = {n: [o for o in every if o[2] is None or self.near(o[2], factor)] for n, every in options.items()}
            if all(alike.values()):
                yield factor, _together(alike)

    def options(self, name: str, factor_of: FactorOf) -> Iterator[Option]:
        """The arrays that may be of one parameter, with their factors."""
        for path, array in self.pool.items():
            for way in (w for w in self.ways.of(array.shape) if name in w.index):
                factor = factor_of(name, np.asarray(way.read(array)[name], np.float64))
                if factor is None or not np.isnan(factor):
                    yield path, way, factor


def _ratio(array: Array, of: Array) -> float:
    """The factor that comes nearest; arrays that are huge or tiny have squares, too."""
    size = float(np.abs(of).max())
    scaled = of / size
    with np.errstate(all="ignore"):
        return float(np.vdot(scaled, array / size) / np.vdot(scaled, scaled))


def _together(options: Mapping[str, Sequence[Option]]) -> Parts:
    """Of several arrays with one factor those whose names most parameters share."""
    patterns = {n: {pattern_of(path) for path, _, _ in several} for n, several in options.items()}
    every = [p for found in patterns.values() for p in found]
    best = {
        n: max(several, key=lambda o: (o[2] is not None, every.count(pattern_of(o[0]))))
        for n, several in options.items()
    }
    return {n: (path, way) for n, (path, way, _) in best.items()}
