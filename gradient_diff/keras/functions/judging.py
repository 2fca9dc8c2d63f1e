"""Both sides of a check at one precision: what is compared, in whose noise, and what the rows come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gradient_diff.comparison import compare
from gradient_diff.keras.functions.questions import Answers, Question, answer, answer_sided, entry_question
from gradient_diff.keras.functions.subject import Subject
from gradient_diff.noise.given import drawn_noise
from gradient_diff.noise.network import Kind, Noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from manual_mlp import Array
from manual_mlp.extend import SMALLEST, UNITS, Arrays

MOST_KINKS = 8  # entries of one row, the worst and as many at random, at which both sides are looked at


@dataclass(frozen=True, eq=False)
class Sides:
    """A function's own gradient and its reference, computed in one dtype.

    Attributes:
        subject: the function.
        hand: name → its own gradient.
        reference: name → the twin's gradient, or what the function's values say.
        answers: name → how its values were asked; empty with a twin.
        errors: name → rounding per draw, in this dtype.
        source: how that was measured.
        cotangents: by output.
        plain: the twin, where there is one.
    """

    subject: Subject
    hand: Arrays
    reference: Arrays
    answers: Mapping[str, Answers]
    errors: Sequence[Arrays]
    source: str
    cotangents: Arrays
    plain: Subject | None = None

    @cached_property
    def names(self) -> list[str]:
        """Arrays of both sides whose shapes agree."""
        return [n for n in self.reference if n in self.hand and self.read(n, self.hand[n]) is not None]

    def read(self, name: str, gradient: Array) -> Array | None:
        """A gradient as the reference has it; None if its shape is another."""
        if name in self.answers:
            asked = self.answers[name]
            return asked.read(gradient) if gradient.shape == asked.shape else None
        return gradient if gradient.shape == self.reference[name].shape else None

    @cached_property
    def noise(self) -> Noise:
        """Rounding of the gradient and of its being stored, and the error of the reference where that is Ridders'."""
        sigma = {n: self._sigma(n) for n in self.names if self.errors and n in self.errors[0]}
        sigma = {n: self.answers[n].spread(s) if n in self.answers else s for n, s in sigma.items()}
        bound = {n: self.answers[n].error if n in self.answers else 0.0 for n in sigma}
        values = {n: np.asarray(self.reference[n], np.float64) for n in sigma}
        return Noise(self.subject.dtype, values, sigma, bound, 0, source=self.source, kind=Kind.DRAWN)

    def _sigma(self, name: str) -> Array:
        g = np.asarray(self.hand[name], np.float64)
        drawn = drawn_noise({name: g}, [{name: e[name]} for e in self.errors], "").sigma[name]
        dtype = self.subject.dtype
        other = np.abs(np.asarray(self.reference[name], np.float64)) if name not in self.answers else 0.0
        stored = UNITS[dtype] / np.sqrt(3) * np.maximum(np.abs(g), other)
        finite = np.where(np.isfinite(stored), stored, 0.0)
        return np.asarray(np.sqrt(np.square(drawn) + np.square(finite) + self._invisible(name) ** 2))

    def _invisible(self, name: str) -> float:
        """A gradient this small cannot be seen: moving the argument by all its size changes no output by its rounding.

        Draws do not show it, where terms cancel to zero each time: c − Σ p c of a saturated softmax.
        """
        if name.startswith("outputs/"):
            return SMALLEST[self.subject.dtype]
        largest = max(
            float(np.abs(self.cotangents[n] * _finite(a)).max(initial=0.0)) for n, a in self.subject.outputs.items()
        )
        size = float(np.abs(_finite(self.subject.point[name])).max(initial=0.0))
        return max(UNITS[self.subject.dtype] * largest / max(size, 1.0), SMALLEST[self.subject.dtype])

    def limit(self, name: str) -> Array:
        """The largest difference that is explained."""
        return np.broadcast_to(self.noise.tolerance(name), np.shape(self.reference[name]))

    def fits(self, name: str, gradient: Array) -> bool:
        """Whether this gradient would be no further off than that; never where zeros would fit, too."""
        found = self.read(name, gradient)
        return found is not None and name in self.reference and self.agrees(name, found)

    def agrees(self, name: str, found: Array, error: float | Array = 0.0) -> bool:
        """The same of a gradient that has been read, and that may itself be off by an error."""
        size = np.abs(np.asarray(found, np.float64))
        if name in self.noise.sigma:
            limit = self.limit(name)
        else:  # an array of another shape has no σ of its own
            limit = 64 * UNITS[self.subject.dtype] * np.sqrt(size.size) * size.max(initial=0.0)
            limit = limit + (self.answers[name].error if name in self.answers else 0.0)
        reference = np.asarray(self.reference[name], np.float64)
        if (np.abs(reference) <= limit + error).all():
            return False
        return bool((np.abs(np.asarray(found, np.float64) - reference) <= limit + error).all())

    def factor(self, name: str) -> tuple[float, float]:
        """By which the hand has to be multiplied to come nearest to the reference, and how far off that may be."""
        h = self.read(name, self.hand[name]) if name in self.names else None
        if h is None or not np.any(h):
            return float("nan"), float("inf")
        h, r = np.asarray(h, np.float64), np.asarray(self.reference[name], np.float64)
        h_size = np.abs(h).max()
        h, r, limit = h / h_size, r / h_size, self.limit(name) / h_size
        square = np.vdot(h, h)
        return float(np.vdot(h, r) / square), float(np.vdot(np.abs(h), limit) / square)

    @cached_property
    def diff(self) -> GradientDiff | None:
        """`compare` of the two; None if there is nothing to compare."""
        if not self.names:
            return None
        hand = {n: self.read(n, self.hand[n]) for n in self.names}
        reference = {n: self.reference[n] for n in self.names}
        return compare(hand, reference, noise=self.noise, witness=self._ask)  # type: ignore[arg-type]  # none is None

    def _ask(self, name: str, unit: Array) -> tuple[float, float]:
        """The witness: what the values say, there."""
        index = tuple(int(i) for i in np.argwhere(unit)[0])
        if name in self.answers:
            return float(self.reference[name][index]), float(self.answers[name].error[index])
        if name not in self.subject.point:
            return 0.0, float("inf")
        question = entry_question(np.asarray(self.subject.point[name], np.float64), index)
        found = answer(self.subject, name, self.cotangents, question, self.hand[name])
        return found.value, found.error

    def row(self, name: str) -> Row:
        """The row of `compare`, looked at again: is something proved at all, and is it more than a kink?"""
        assert self.diff is not None
        row = next(r for r in self.diff.rows if r.name == name)
        if row.status is Status.MATCH:
            row = self._proved(row)
        if (
            row.status is Status.DIFFERENT and name in self.answers
        ):  # the values are the definition, and no third is needed
            row = replace(row, status=Status.MISMATCH)
        if row.status in (Status.MISMATCH, Status.DIFFERENT, Status.REFERENCE_OFF) and name in self.subject.point:
            row = self._smooth(row)
        return row

    def _proved(self, row: Row) -> Row:
        if name_lost := self._lost(row.name):
            return replace(row, status=name_lost[0], reason=name_lost[1])
        missing = [q.place for q in self.answers[row.name].unanswered] if row.name in self.answers else []
        if missing:
            reason = f"{row.reason}; but the values gave no derivative by {', '.join(dict.fromkeys(missing))}"
            return replace(row, status=Status.INCONCLUSIVE, reason=reason)
        return row

    def _lost(self, name: str) -> tuple[Status, str] | None:
        """Where zeros would have passed, too."""
        if name not in self.noise.sigma or name.startswith("outputs/"):
            return None
        size, limit = np.abs(np.asarray(self.reference[name], np.float64)), self.limit(name)
        if (size > limit).any():
            return None
        error = self.answers[name].error if name in self.answers else np.zeros(1)
        if 2 * error.max() > limit.max():  # √2 of it is in the limit
            words = f"Ridders' error, {error.max():.1e}, is as large as the gradient, {size.max():.1e}"
            return Status.INCONCLUSIVE, f"{words}: zeros would pass too"
        return (
            Status.VACUOUS,
            f"the gradient, at most {size.max():.1e}, is lost in rounding noise: zeros would pass too",
        )

    def _smooth(self, row: Row) -> Row:
        """KINK if at all that is off the derivatives from left and right differ, and both sides are between them."""
        hand, reference = (
            np.asarray(a, np.float64) for a in (self.read(row.name, self.hand[row.name]), self.reference[row.name])
        )
        limit = self.limit(row.name)
        off = np.abs(hand - reference) > limit
        looks: list[str] = []
        for index in self._places(off, hand - reference):
            looks.append(self._look(row.name, index, hand[index], reference[index], limit[index]))
            if not looks[-1]:
                return row
        if looks and all(look == "between" for look in looks):
            words = f"the values have a kink at {int(off.sum())} places, and both sides are between its two slopes"
            return replace(row, status=Status.KINK, reason=f"{row.reason}; {words}")
        if looks:
            words = "the values have kinks there, which hide what is right; move the data a little"
            if "unknown" in looks:
                words = "no derivative was found there: the values have none, or not within reach of a step"
            return replace(row, status=Status.INCONCLUSIVE, reason=f"{row.reason}; {words}")
        return row

    def _places(self, off: Array, difference: Array) -> list[tuple[int, ...]]:
        order = np.argsort(-np.abs(np.where(off, difference, 0.0)), axis=None, kind="stable")[: int(off.sum())]
        worst, rest = order[:MOST_KINKS], order[MOST_KINKS:]
        some = np.random.default_rng(0).permutation(rest)[:MOST_KINKS]
        return [tuple(int(i) for i in np.unravel_index(k, off.shape)) for k in (*worst, *some)]

    def _look(self, name: str, index: tuple[int, ...], hand: float, reference: float, limit: float) -> str:
        """Return "between" the slopes of a kink, "mixed" over kinks, "unknown", or "" for a smooth place."""
        question = self._question(name, index)
        below, above = answer_sided(self.subject, name, self.cotangents, question)
        if not below.known or not above.known:
            return "unknown"
        sides = (hand,) if name in self.answers else (hand, reference)
        if below.agrees(above):
            # In float32 no step is so small that a kink beside it could not mislead the central differences.
            near = all(abs(hand - d.value) <= d.error + limit for d in (below, above))
            return "mixed" if near and name in self.answers and self.subject.dtype != "float64" else ""
        low, high = sorted((below, above), key=lambda d: d.value)
        if all(low.value - low.error - limit <= side <= high.value + high.error + limit for side in sides):
            return "between"
        return "" if question.entry else "mixed"

    def _question(self, name: str, index: tuple[int, ...]) -> Question:
        if name in self.answers and not self.answers[name].whole:
            return self.answers[name].questions[index[0]]
        return entry_question(np.asarray(self.subject.point[name], np.float64), index)


def _finite(array: Array) -> Array:
    a = np.asarray(array, np.float64)
    return np.where(np.isfinite(a), a, 0.0)
