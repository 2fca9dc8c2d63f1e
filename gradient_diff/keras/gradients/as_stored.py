"""Float64 gradients of a model that stores fewer digits: at what data, and at what weights, were they taken?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.readings import Judge, Reading, others, undecided
from gradient_diff.keras.gradients.reference import nearest_of
from gradient_diff.keras.gradients.request import Request, is_finer
from gradient_diff.keras.gradients.runs import Case, Outcome
from gradient_diff.noise.given import drawn_noise
from gradient_diff.noise.network import DRAWS, Kind, Noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.status import Status
from keras_mlp.extend import layer_weights
from manual_mlp import Array
from manual_mlp.extend import LOSS, Arrays

OF_VALUES = (Status.MISMATCH, Status.REFERENCE_OFF, Status.DIFFERENT)
THE_SAME = 1e-3  # of what other weights would change: a row, or what one factor leaves of it, by which they are known


def on_stored_data(request: Request, diff: GradientDiff, judge: Judge, mine: Arrays) -> GradientDiff:
    """A diff that accuses, or that the data in the dtype in which the model takes them explain the hand."""
    if not _is_open(request, diff, mine):
        return diff
    ways = dict(_roundings(request.data, request.stored))
    measured = request.measured(tuple(mine))
    found = [outcome.gradients for outcome in measured.plain.each(map(Case, (request.data, *ways.values())))]
    nearest = nearest_of(mine, found)
    if not nearest:
        return diff
    words, data = list(ways.items())[nearest - 1]
    explained = Reading(replace(request, data=data)).explained(judge, mine)
    if explained is None:
        return diff
    told = f"; of {words} in {request.stored}, as the model takes {'them' if ' ' in words else 'it'}"
    return replace(
        explained, rows=tuple(replace(r, reason=r.reason + told) if r.metrics else r for r in explained.rows)
    )


def _roundings(data: Data, dtype: str) -> Iterator[tuple[str, Data]]:
    """The data with float64 arrays rounded: all of them, or one kind alone."""
    change = partial(_rounded, dtype=dtype)
    all_rounded = data.mapped(change)
    x, y = (replace(data, **{part: getattr(all_rounded, part)}) for part in ("x", "y"))
    found = {"x and y": all_rounded, "x": x, "y": y}
    return ((words, other) for words, other in found.items() if _differ(data, other))


def _rounded(a: Array, dtype: str) -> Array:
    return a.astype(dtype).astype(a.dtype) if a.dtype == np.float64 else a


def _differ(a: Data, b: Data) -> bool:
    return not all(np.array_equal(p, q, equal_nan=p.dtype.kind == "f") for p, q in zip(a.leaves, b.leaves, strict=True))


def at_unstored_weights(
    request: Request, diff: GradientDiff, mine: Arrays, knows_weights: Callable[[], bool]
) -> GradientDiff:
    """A diff that accuses; undecided where weights that the model holds rounded would explain every difference.

    The weights at which gradients were taken are told by nobody, unless a row, or what one factor leaves of it, is far
    nearer than other weights would let it be.
    """
    if diff.causes or not _is_open(request, diff, mine) or knows_weights():
        return diff
    readings = (Reading(request), *others(request))
    if not any(reading.judged(lambda asked: _Drawn.of(asked, mine).explained, mine) for reading in readings):
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


def _is_open(request: Request, diff: GradientDiff, mine: Arrays) -> bool:
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
        measured = request.measured(tuple(mine))
        rng = np.random.default_rng(0)
        start = [w.numpy() for w in layer_weights(request.model).values()]
        cases = [Case(request.data, [_unrounded(a, rng) for a in start]) for _ in range(DRAWS)]
        first, *found = map(_with_loss, measured.plain.each([Case(request.data), *cases]))
        errors = [{n: a - first[n] for n, a in other.items()} for other in found]
        names = [n for n in first if n in mine]
        moved = drawn_noise({n: first[n] for n in names}, errors, "weights that are rounded", Kind.DRAWN)
        return cls(mine, first, measured.noise(measured.fine.found.gradients), errors, moved)  # type: ignore[union-attr]

    @property
    def explained(self) -> bool:
        names = list(self.moved.sigma)
        return all(map(self._explains, names)) and not any(map(self._shows_the_same, names))

    def _explains(self, name: str) -> bool:
        limit = self.moved.tolerance(name, sides=1) + self.rounding.tolerance(name)
        return bool((np.abs(self.mine[name] - self.right[name]) <= limit).all())

    def _shows_the_same(self, name: str) -> bool:
        """Whether this row is the model's, or a constant times it: at other weights it would be off."""
        right = self.right[name]
        drawn = [error[name] for error in self.errors]
        blind = 10 * _rms(self.rounding.tolerance(name))
        return any(
            THE_SAME * (expected := _rms(np.array([left(error, right) for error in drawn])))
            > _rms(left(self.mine[name] - right, right))
            and expected > blind
            for left in (_all, _beside)
        )


def _all(difference: Array, right: Array) -> Array:
    return difference


def _beside(difference: Array, right: Array) -> Array:
    """What a factor leaves of a difference."""
    size = float(np.vdot(right, right))
    return difference - right * (float(np.vdot(right, difference)) / size) if size else difference


def _rms(a: Array) -> float:
    return float(np.sqrt(np.mean(np.square(a)))) if a.size else 0.0


def _unrounded(a: Array, rng: np.random.Generator) -> Array:
    """Float64 numbers that are rounded to these."""
    return a + rng.uniform(-0.5, 0.5, a.shape) * np.where(a, np.spacing(np.abs(a)), 0.0) if a.dtype.kind == "f" else a


def _with_loss(outcome: Outcome) -> dict[str, Array]:
    return {LOSS: np.array(outcome.loss), **outcome.gradients}
