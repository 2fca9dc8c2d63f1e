"""Another E, or another forward pass, of which a hand is the gradient: each is tried by one pass of the model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np

from gradient_diff.keras.gradients.measured import Measured
from gradient_diff.keras.gradients.objective import Objective
from gradient_diff.keras.gradients.runs import Case, Outcome, Runs
from gradient_diff.result.findings import Cause
from manual_mlp import Array
from manual_mlp.extend import Arrays


@dataclass(frozen=True, eq=False)
class Variation:
    """What else somebody may have differentiated.

    Attributes:
        id: of the cause.
        words: completes "your gradients are those of …".
        cure: one sentence.
        objective: its E.
        case: its data and weights, where they are not the model's own.
        changed: the context in which the model computes it.
        times: factors, and why the hand may be that many times its gradient.
        alike: its words where it is another's look-alike, with the reason; its `words` where that is empty.
    """

    id: str
    words: str
    cure: str
    objective: Objective
    case: Case | None = None
    changed: Callable[[], AbstractContextManager[object]] = nullcontext
    times: tuple[tuple[float, str], ...] = ()
    alike: str = ""


@dataclass(frozen=True, eq=False)
class Hand:
    """Gradients that are off, and what is known of the rounding of those that they were held against."""

    mine: Arrays
    right: Arrays
    limit: Arrays
    measured: Measured
    runs: Runs

    @classmethod
    def read(cls, mine: Arrays, measured: Measured, finer: bool, hidden: Arrays) -> Iterator[Hand]:
        """In float64 once for constants as Keras holds them, and once for exact ones, where these differ."""
        own = Runs(measured.objective, measured.wanted, draws=measured.first.draws)
        for runs in measured.ways_in_float64 if finer else [own]:
            right = runs.gradients().gradients
            noise = measured.noise(right)
            if not right.keys() <= noise.sigma.keys():
                continue  # E or a gradient overflows: nothing is known of its rounding, and nothing is named
            limit = {n: _largest(noise.tolerance(n) + hidden.get(n, 0.0)) for n in right}
            yield cls(mine, right, limit, measured, runs)

    def gradients(self, e: Objective, case: Case | None = None) -> Arrays | None:
        """Those of another E, or of another case; None if the model cannot compute it."""
        with self.runs.passes() as run:
            return _computed(run, Variation("", "", "", e, case))

    def fitting(self, variations: Iterable[Variation]) -> list[tuple[Variation, str]]:
        """Those of which it is the gradient, with how many times in words."""
        tried = list(variations)  # what they read of the model is not to be that of its copies
        with self.runs.passes() as run:
            times = [_fitted(self, variation, _computed(run, variation)) for variation in tried]
        return [(variation, words) for variation, words in zip(tried, times, strict=True) if words is not None]

    def fits(self, found: Arrays, factor: float = 1.0) -> bool:
        """Whether the hand is that many times these gradients, within what rounding explains."""
        return self._near(self.mine, found, factor)

    def is_new(self, found: Arrays) -> bool:
        """Whether these are other gradients than the model's, and no constant times them."""
        return not self._near(found, self.right, 1.0) and not self._near(found, self.right, ratio(found, self.right))

    def _near(self, a: Arrays, b: Arrays, factor: float) -> bool:
        return all(a[n].shape == b[n].shape and self._close(n, a[n], factor * b[n]) for n in a if n in b)

    def _close(self, name: str, a: Array, b: Array) -> bool:
        """A gradient of another size rounds in proportion."""
        size, right = (float(np.abs(z).max(initial=0.0)) for z in (b, self.right[name]))
        larger = max(1.0, size / right) if right else 1.0
        return bool((np.abs(np.asarray(a, np.float64) - b) <= larger * self.limit[name]).all())


def _computed(run: Callable[[Objective, Case], Outcome], variation: Variation) -> Arrays | None:
    e = variation.objective
    try:
        with variation.changed(), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is tried may be odd
            found = run(e, variation.case or Case(e.data)).gradients
    except Exception:  # noqa: BLE001  # what fits no shape, or no dtype, is not what was differentiated
        return None
    return found if all(np.isfinite(a).all() for a in found.values()) else None


def _largest(limit: Array) -> Array:
    """For every entry: another gradient rounds most in other entries."""
    return np.full_like(limit, limit.max(initial=0.0))


def ratio(a: Arrays, b: Arrays) -> float:
    """The factor of `b` that comes nearest to `a`."""
    size = sum(float(np.vdot(b[n], b[n])) for n in a if n in b)
    return sum(float(np.vdot(b[n], a[n])) for n in a if n in b) / size if size else 0.0


def first_that_fits(hand: Hand, groups: Iterable[Callable[[], Iterator[Variation]]]) -> Cause | None:
    """The first variation of the first group in which one equals the hand; the others of that group look alike."""
    for group in groups:
        if fitting := hand.fitting(group()):
            (first, times), *others = fitting
            alike = dict.fromkeys(v.alike or v.words for v, _ in others if not v.words.startswith(first.words))
            more = f" On these data it is the same as {', '.join(alike)}." if alike else ""
            return told(first.id, first.words + times, first.cure + more)
    return None


def _fitted(hand: Hand, variation: Variation, found: Arrays | None) -> str | None:
    """How many times the variation's gradients the hand is, in words; None if it is not they."""
    if found is None or not hand.is_new(found):
        return None
    if hand.fits(found):
        return ""
    return next((f", {why}" for factor, why in variation.times if hand.fits(found, factor)), None)


def told(id: str, words: str, cure: str) -> Cause:  # noqa: A002  (as the record calls it)
    """What the hand is the gradient of, as a cause."""
    title = f"your gradients are those of {words}"
    return Cause(id, "", f"{title}. {cure}", words, "E as given", float("nan"), title=title, cure=cure)
