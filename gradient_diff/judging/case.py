"""What is judged: two sides of one problem, the rounding to expect of them, and who may be asked."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gradient_diff.noise.given import check_independent, measured_noise, relative_noise, widened
from gradient_diff.noise.network import Kind, Noise, rounding_noise
from gradient_diff.result.status import Status
from gradient_diff.shapes.misfit import misfit
from gradient_diff.sides import Pair, Side
from gradient_diff.witnesses.complex_step import Asked
from manual_mlp import Array, Equation, Problem
from manual_mlp.extend import UNITS, Arrays


@dataclass(frozen=True, eq=False)
class Case:
    """A pair, and what is known about it.

    Attributes:
        pair: both sides.
        noise: the rounding to expect.
        granted: the noise that the caller brought ready-made, which may be more than the network's own.
        ask: a witness from outside, where no network is known.
        sizes: (N, K), where no Evaluation tells them.
    """

    pair: Pair
    noise: Noise | None
    granted: Noise | None = None
    ask: Asked | None = None
    sizes: tuple[int, int] | None = None

    @classmethod
    def of(
        cls,
        pair: Pair,
        noise: Noise | Arrays | None = None,
        rtol: float | None = None,
        ask: Asked | None = None,
        sizes: tuple[int, int] | None = None,
    ) -> Case:
        """The case of a pair, judged by what the caller names, or by the network's own rounding where it is known."""
        if ask is not None and not callable(ask):
            raise TypeError(
                f"witness is {type(ask).__name__}: expected a function (name, direction) → (derivative, its error)."
            )
        sizes = _checked_sizes(sizes)
        bare = cls(pair, None)
        given = noise if isinstance(noise, Noise) else None
        return cls(pair, _noise(bare, given, None if given else noise, rtol), given, ask, sizes)

    @cached_property
    def sound(self) -> list[str]:
        """The nodes whose names, shapes and finiteness are in order, so that values can be compared."""
        h, r = self.pair.hand, self.pair.reference
        return [n for n in self.pair.order if n in h and n in r and not unsound(h[n], r[n])]

    @cached_property
    def hand(self) -> Arrays:
        """node → array of the sound nodes."""
        return {n: self.pair.hand[n] for n in self.sound}

    @cached_property
    def reference(self) -> Arrays:
        """node → array of the sound nodes."""
        return {n: self.pair.reference[n] for n in self.sound}

    @property
    def problem(self) -> Problem | None:
        """Whose rounding is expected."""
        return self.pair.noisier

    @cached_property
    def truth(self) -> Problem | None:
        """What is differentiated: a cross-entropy that lost its logits and is clipped is meant to be the whole.

        Unless both sides are whole evaluations that clip it: then that is what they agreed on.
        """
        if self.problem is None:
            return None
        if all(run is not None and not run.problem.fused for run in self.pair.runs):
            return self.problem
        return replace(self.problem, fused=self.problem.mlp.fuses(self.problem.loss))

    @cached_property
    def truth_noise(self) -> Noise | None:
        """The rounding of computing just that."""
        if self.problem is None or self.truth is None or self.noise is None or self.truth.fused == self.problem.fused:
            return self.noise
        return rounding_noise(self.truth, self.noise.dtype, loops=self.noise.loops)

    @cached_property
    def truth_noises(self) -> tuple[Noise | None, Noise | None]:
        """The same of hand and of reference by itself: one may add its products in more bits than the other."""
        noise = self.truth_noise
        if noise is None or self.truth is None or noise.loops in (0, 1):
            return noise, noise
        hand, reference = (rounding_noise(self.truth, noise.dtype, loops=float(run is None)) for run in self.pair.runs)
        return hand, reference

    def difference(self, node: str) -> Array:
        """hand − reference in float64."""
        return np.asarray(self.hand[node], np.float64) - np.asarray(self.reference[node], np.float64)

    @cached_property
    def equations(self) -> tuple[Mapping[str, Equation], Mapping[str, Equation]]:
        """Of hand and reference, by node."""
        problems = [self.problem if run is None else run.problem for run in self.pair.runs]
        hand, reference = ({e.node: e for e in p.equations} if p else {} for p in problems)
        return hand, reference

    @cached_property
    def environments(self) -> tuple[Arrays, Arrays]:
        """What the equations of hand and reference read, as that side has it: data, parameters, its own nodes."""
        known = self.problem.environment if self.problem else {}
        arrays = zip((self.hand, self.reference), self.pair.runs, strict=True)
        hand, reference = ({**known, **(own if run is None else run.nodes)} for own, run in arrays)
        return hand, reference

    def coarse_sides(self, node: str) -> int:
        """How many of the two arrays carry the rounding of the coarser dtype."""
        units = [UNITS.get(side[node].dtype.name, 0.0) for side in (self.hand, self.reference)]
        return units.count(max(units))


def _checked_sizes(sizes: object) -> tuple[int, int] | None:
    if sizes is None:
        return None
    pair = list(sizes) if isinstance(sizes, tuple | list | np.ndarray) else []
    whole = [n for n in pair if isinstance(n, int | np.integer) and not isinstance(n, bool) and n > 0]
    if len(pair) != 2 or len(whole) != 2:
        raise (ValueError if len(pair) == 2 else TypeError)(
            f"sizes={sizes!r}: expected (N, K), two whole numbers above 0: how many samples and outputs, as (32, 10)."
        )
    return int(whole[0]), int(whole[1])


def _noise(case: Case, given: Noise | None, second: object, rtol: float | None) -> Noise | None:
    """The rounding to expect: by a tolerance, a second set of the reference, a ready-made noise, or the network."""
    h, r, problem = case.hand, case.reference, case.problem
    if rtol is not None:
        return relative_noise(r, rtol, h)
    if second is not None:
        given = measured_noise(r, Side.of("noise", second).by_node(case.pair.problem))  # type: ignore[arg-type]  # it checks
    if given is not None:
        if given.kind is not Kind.REPEATED:
            return given
        check_independent(given, h, r)
        return widened(given, h, r)
    if problem is None:
        return None
    dtypes = [[float_name(a) for a in side.values()] for side in (h, r)]
    return expected_noise(problem, itertools.chain(*dtypes), _loops(case.pair, dtypes))


def _loops(pair: Pair, dtypes: Sequence[Sequence[str]]) -> float:
    """Of which share of the sides that round most it is not known how they add their products: bare arrays do not say.

    An Evaluation is the engine's or a tape's, and both add 16-bit products in float32.
    """
    coarsest = [max((UNITS.get(d, 0.0) for d in side), default=0.0) for side in dtypes]
    unknown = [run is None for run, u in zip(pair.runs, coarsest, strict=True) if u == max(coarsest)]
    return sum(unknown) / len(unknown)


def expected_noise(problem: Problem, dtypes: Iterable[str], loops: float = 0.0) -> Noise | None:
    """The network's noise at the coarsest dtype compared; None if no rounding is known for it."""
    coarsest = max(dtypes, key=lambda d: UNITS.get(d, 0.0), default=problem.dtype.name)
    return rounding_noise(problem, coarsest, loops=loops) if coarsest in UNITS else None


def unsound(h: Array, r: Array) -> tuple[Status, str] | None:
    """What forbids to compare values: shapes first, then finiteness."""
    if h.shape != r.shape:
        return Status.SHAPE, misfit(h, r)
    if not h.size:
        return Status.VACUOUS, "the arrays are empty"
    bad = [text for title, a in (("hand", h), ("reference", r)) if (text := _not_finite(title, a))]
    return (Status.NONFINITE, "; ".join(bad)) if bad else None


def _not_finite(title: str, a: Array) -> str:
    """How many entries of a side are no numbers, and the first of them; nothing where all are."""
    values = np.asarray(a, np.float64)
    finite = np.isfinite(values)
    if finite.all():
        return ""
    nan, first = int(np.isnan(values).sum()), [int(i) for i in np.argwhere(~finite)[0]]
    counts = [f"{n} {word}" for n, word in ((nan, "NaN"), (int((~finite).sum()) - nan, "Inf")) if n]
    return f"{' and '.join(counts)} in {title}, the first at {first}"


def float_name(a: Array) -> str:
    """The dtype whose rounding an array carries; whole numbers are exact in float64."""
    return "float64" if a.dtype.kind in "iu" else a.dtype.name
