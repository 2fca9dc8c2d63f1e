"""Float64 gradients of a model that stores fewer digits: at what data, and at what weights, were they taken?"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.measured import with_loss
from gradient_diff.keras.gradients.readings import Judge, Reading, others, undecided
from gradient_diff.keras.gradients.reference import nearest_of
from gradient_diff.keras.gradients.request import Request, is_finer
from gradient_diff.keras.gradients.runs import Case
from gradient_diff.noise.given import drawn_noise
from gradient_diff.noise.network import DRAWS, MORE_DRAWS, Kind, Noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.status import Status
from keras_mlp.extend import is_float, layer_weights
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

OF_VALUES = (Status.MISMATCH, Status.REFERENCE_OFF, Status.DIFFERENT)
MOST_ARRAYS = 4  # of which each may be rounded or not
THE_SAME = 1e-3  # of what other weights would change: a row, or what one factor leaves of it, by which they are known


def on_stored_data(request: Request, diff: GradientDiff, judge: Judge, mine: Arrays) -> GradientDiff:
    """A diff that accuses, or that the data in the dtype in which the model takes them explain the hand."""
    if not is_open(request, diff, mine):
        return diff
    words, data, _ = _nearest_data(request, mine)
    explained = Reading(replace(request, data=data)).explained(judge, mine) if words else None
    if explained is None:
        return diff
    told = f"; of {words} in {request.stored}, as the model takes {'them' if ' ' in words else 'it'}"
    return replace(
        explained, rows=tuple(replace(r, reason=r.reason + told) if r.metrics else r for r in explained.rows)
    )


def _nearest_data(request: Request, mine: Arrays) -> tuple[str, Data, list[Arrays]]:
    """(which of them are rounded, the data) to whose gradients the hand is nearest; the gradients at all there are."""
    ways = [("", request.data), *_roundings(request.data, request.stored)]
    outcomes = request.measured(tuple(mine)).plain.each([Case(d) for _, d in ways])
    found: list[Arrays] = [with_loss(outcome) for outcome in outcomes]
    words, data = ways[nearest_of(mine, found)]
    return words, data, found


def _roundings(data: Data, dtype: str) -> Iterator[tuple[str, Data]]:
    """The data with float64 arrays rounded: all of them, or some."""
    leaves = data.leaves
    rounded = [_rounded(a, dtype) for a in leaves]
    open_ones = [i for i, a in enumerate(leaves) if not np.array_equal(a, rounded[i], equal_nan=a.dtype.kind == "f")]
    titles = data.titles
    for count in range(len(open_ones), 0, -1) if len(open_ones) <= MOST_ARRAYS else (len(open_ones),):
        for chosen in itertools.combinations(open_ones, count):
            arrays = [rounded[i] if i in chosen else a for i, a in enumerate(leaves)]
            yield " and ".join(titles[i] for i in chosen), data.with_leaves(arrays)


def _rounded(a: Array, dtype: str) -> Array:
    return a.astype(dtype).astype(a.dtype) if a.dtype == np.float64 else a


def at_unstored_weights(
    request: Request, diff: GradientDiff, mine: Arrays, knows_weights: Callable[[], bool]
) -> GradientDiff:
    """A diff that accuses; undecided where weights that the model holds rounded would explain every difference.

    The weights at which gradients were taken are told by nobody, unless a row, or what one factor leaves of it, is far
    nearer than other weights would let it be.
    """
    if _is_settled(request, diff) or not is_open(request, diff, mine) or knows_weights():
        return diff

    def explained(asked: Request) -> bool:
        _, data, all_there_are = _nearest_data(asked, mine)
        drawn = _Drawn.of(replace(asked, data=data), mine)
        return drawn.explained and not any(map(drawn.shows_the_weights, all_there_are))

    if not any(reading.judged(explained, None) for reading in (Reading(request), *others(request))):
        return diff
    words = f"these may be the gradients at weights that {request.stored} does not hold"
    reason = (
        f"rounding the weights to {request.stored} explains this difference; at the weights of the model they are off"
    )
    cure = (
        "Take your gradients at the weights that the model holds (model.get_weights()), or build it in float64: "
        'dtype="float64" of its layers'
    )
    return undecided(diff, words, reason, f"{cure}.")


def _is_settled(request: Request, diff: GradientDiff) -> bool:
    """Whether something is named that is not a choice which the caller left open: training or inference."""
    left_open = {"moving_statistics"} if request.training is None else set()
    return bool({cause.id for cause in diff.causes} - left_open)


def is_open(request: Request, diff: GradientDiff, mine: Arrays) -> bool:
    """Whether values alone are off, of a float64 hand that was held against a float64 run of a coarser model."""
    if request.stored == "float64" or request.loss.stepped or not is_finer(mine, False, request.stored):
        return False
    bad = [row.status for row in diff if row.status.bad]
    weights = layer_weights(request.model)
    known = bool(mine.keys() & weights.keys()) and all(
        mine[n].shape == tuple(w.shape) for n, w in weights.items() if n in mine
    )
    return bool(bad) and all(s in OF_VALUES for s in bad) and known and request.measured(tuple(mine)).fine is not None


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A hand, what is right, how far rounding moves it, and what weights that round to the model's would change."""

    mine: Arrays
    right: Arrays
    rounding: Noise
    errors: Sequence[Arrays]
    moved: Noise

    @classmethod
    def of(cls, request: Request, mine: Arrays) -> _Drawn:
        """On the side of every kink on which the hand is."""
        measured = request.measured(tuple(mine))
        rng = np.random.default_rng(0)
        start = [w.numpy() for w in layer_weights(request.model).values()]
        found = [with_loss(measured.plain.gradients())]
        names = [n for n in found[0] if n in mine]
        for count in (DRAWS, MORE_DRAWS):  # several kinks at once take more of them
            cases = [Case(request.data, [_unrounded(a, request.stored, rng) for a in start]) for _ in range(count)]
            found += map(with_loss, measured.plain.each(cases))
            first = next((f for f in found if _are_near(mine, {n: f[n] for n in names}, UNITS[request.stored])), None)
            if first is not None:
                break
        first = found[0] if first is None else first
        pairs = itertools.combinations(found, 2)
        near = [{n: a[n] - b[n] for n in a} for a, b in pairs if _are_near(a, b, UNITS[request.stored])]
        errors = near[:MORE_DRAWS] or [{n: 0 * a for n, a in first.items()}]
        moved = drawn_noise({n: first[n] for n in names}, errors, "weights that are rounded", Kind.DRAWN)
        return cls(mine, first, measured.noise(measured.fine.found.gradients), errors, moved)  # type: ignore[union-attr]

    @property
    def explained(self) -> bool:
        return all(map(self._explains, self.moved.sigma))

    def shows_the_weights(self, right: Arrays) -> bool:
        """Whether a row is right at the model's weights, or a constant times it: at others it would be off."""
        return any(self._is_the_same(name, right[name]) for name in self.moved.sigma)

    def _explains(self, name: str) -> bool:
        limit = self.moved.tolerance(name, sides=1) + self.rounding.tolerance(name)
        return bool((np.abs(self.mine[name] - self.right[name]) <= limit).all())

    def _is_the_same(self, name: str, right: Array) -> bool:
        blind = 10 * _rms(self.rounding.tolerance(name))
        for left in (_all, _beside):
            expected = _rms(np.array([left(error[name], right) for error in self.errors]))
            if expected > blind and _rms(left(self.mine[name] - right, right)) < THE_SAME * expected:
                return True
        return False


def _all(difference: Array, right: Array) -> Array:
    return difference


def _beside(difference: Array, right: Array) -> Array:
    """What a factor leaves of a difference."""
    size = float(np.vdot(right, right))
    return difference - right * (float(np.vdot(right, difference)) / size) if size else difference


def _rms(a: Array) -> float:
    return float(np.sqrt(np.mean(np.square(a)))) if a.size else 0.0


def _are_near(a: Arrays, b: Arrays, unit: float) -> bool:
    """In half of the digits: further apart they are where rounding leads over a kink."""
    off, size = (sum(float(np.square(v).sum()) for v in side) for side in ([a[n] - b[n] for n in b], list(b.values())))
    return off <= unit * size


def _unrounded(a: Array, dtype: str, rng: np.random.Generator) -> Array:
    """Float64 numbers that are rounded to these: no further from them than the unit roundoff."""
    values = np.asarray(a, np.float64)
    return values * (1 + UNITS[dtype] * rng.uniform(-1, 1, a.shape)) if is_float(a.dtype.name) else a
