"""The check itself: a function at its own precision and in float64, against a twin or its own values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gradient_diff.keras.functions.causes import function_causes, not_linear
from gradient_diff.keras.functions.judging import Sides
from gradient_diff.keras.functions.meanings import meanings, other_function
from gradient_diff.keras.functions.questions import Answers, ask
from gradient_diff.keras.functions.reenactment import reenacted_causes
from gradient_diff.keras.functions.rounding_draws import Rounding
from gradient_diff.keras.functions.rows import Rows
from gradient_diff.keras.functions.subject import Subject, further_than_order, responds
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from manual_mlp import Array

TURN = -2.0  # exact in every dtype, and of the other sign
STEPS = 128  # cotangents are multiples of 1/128 between ½ and 1½: exact in every dtype, bfloat16 included
FREEZE = "Freeze the seed, and check again."


@dataclass(frozen=True, eq=False)
class Check:
    """One function, and the plain one that it is held against, if there is one.

    Attributes:
        given: the function under test.
        plain: of the same inputs, or None.
        remarks: what is to be said of it, in words.
        cure: how to have more proved, where too little is.
        draw: which random cotangent, and how large: times 2^draw.
    """

    given: Subject
    plain: Subject | None
    remarks: tuple[str, ...] = ()
    cure: str = ""
    draw: int = 0

    def run(self) -> GradientDiff:
        """The whole check."""
        rows = Rows(self).all
        order = [*self.subject.arguments.leaves, *self.subject.variables]
        rows.sort(key=lambda row: order.index(row.name) if row.name in order else -1)
        hand, reference = self._shown(rows)
        origins = self._hand_origin(), self._reference_origin()
        causes = self._causes(rows)
        return GradientDiff(
            tuple(rows),
            hand,
            reference,
            *origins,
            causes=causes,
            unexplained=self._unexplained(causes, rows),
            meanings=meanings(rows, self.plain is not None, FREEZE if self.unsteady else self.cure),
            title=f"The gradient of {self.subject.title} against {self.plain.title if self.plain else 'its values'}",
        )

    @cached_property
    def subject(self) -> Subject:
        """The function; one that says float64 but computes in less is judged as float32."""
        less = self.given.dtype == "float64" and not responds(self.given)
        return replace(self.given, computes_in="float32") if less else self.given

    @cached_property
    def fine(self) -> Subject | None:
        """The function in float64, where it runs there and that is something else."""
        return None if self.subject.dtype == "float64" else self.subject.in_dtype("float64")

    @cached_property
    def cotangents(self) -> dict[str, Array]:
        """Random and well away from 0, so that no output can go unseen; 0 for values that are not finite."""
        rng = np.random.default_rng(self.draw)
        signed = {
            n: rng.choice([-1.0, 1.0], a.shape) * rng.integers(STEPS // 2, STEPS * 3 // 2, a.shape) / STEPS
            for n, a in self.subject.outputs.items()
        }
        signed = {n: c * 2.0**self.draw for n, c in signed.items()}
        return {
            n: np.where(np.isfinite(np.asarray(self.subject.outputs[n], np.float64)), c, 0.0) for n, c in signed.items()
        }

    @cached_property
    def hand(self) -> dict[str, Array]:
        """What the function's own gradient says."""
        return self.subject.gradients(self.subject.point, self.cotangents)

    @cached_property
    def _again(self) -> dict[str, Array]:
        return self.subject.gradients(self.subject.point, self.cotangents)

    @cached_property
    def unsteady(self) -> bool:
        """Whether a second run gives something else."""
        subject, outputs = self.subject, self.subject.values(self.subject.point)
        pairs = [(self.subject.outputs[n], a) for n, a in outputs.items()]
        pairs += [(self.hand[n], a) for n, a in self._again.items() if n in self.hand]
        return self._again.keys() != self.hand.keys() or any(further_than_order(a, b, subject.terms) for a, b in pairs)

    @cached_property
    def answers(self) -> dict[str, Answers]:
        """What the function's values say of each array, where no twin does."""
        asked = self.fine or self.subject
        wanted = {} if self.plain or self.unsteady else self.subject.point
        return {n: ask(asked, n, self.cotangents, self.hand.get(n)) for n, a in wanted.items() if a.size}

    @cached_property
    def sides(self) -> list[Sides]:
        """Both sides as they ran, and in float64 where that is something else."""
        subjects = [s for s in (self.subject, self.fine) if s is not None]
        return [sides for s in subjects if (sides := self._sides(s)) is not None]

    def _sides(self, subject: Subject) -> Sides | None:
        hand = self.hand if subject is self.subject else subject.gradients(subject.point, self.cotangents)
        if self.plain is None:
            reference, plain = {n: a.truth for n, a in self.answers.items() if a.questions}, None
        else:
            plain = self.plain if subject is self.subject else self.plain.in_dtype("float64")
            if plain is None:
                return None
            reference = plain.outputs | plain.gradients(plain.point, self.cotangents)
            reference |= {n: np.zeros_like(g) for n, g in hand.items() if n not in reference}
            hand = subject.outputs | hand
        errors, source = self._errors(subject)
        return Sides(subject, hand, reference, self.answers, errors, source, self.cotangents, plain)

    def _errors(self, subject: Subject) -> tuple[list[dict[str, Array]], str]:
        """Rounding of the function, and of its twin, in the dtype of one of them."""
        errors = [e for m in self._measured for e in m.at(subject.dtype)]
        exact = all(m.exact is not None for m in self._measured)
        return errors, f"draws of the rounding, held against {'float64' if exact else 'other draws'}"

    @cached_property
    def _measured(self) -> list[Rounding]:
        given = [self.subject] if self.plain is None else [self.subject, self.plain]
        return [Rounding(g, self.cotangents) for g in given]

    def _shown(self, rows: list[Row]) -> tuple[dict[str, Array], dict[str, Array]]:
        """The arrays of the rows, as they were judged."""
        judged = {r.name: self._judging(r) for r in rows if r.metrics is not None or r.status is Status.NONFINITE}
        diffs = {n: sides.diff for n, sides in judged.items() if sides is not None}
        found = {n: d for n, d in diffs.items() if d is not None and n in d.hand}
        return {n: d.hand[n] for n, d in found.items()}, {n: d.reference[n] for n, d in found.items()}

    def _judging(self, row: Row) -> Sides | None:
        if self.unsteady:
            return None
        return self.sides[-1] if row.reason.startswith("in float64") else self.sides[0]

    def _causes(self, rows: list[Row]) -> tuple[Cause, ...]:
        names = self._off(rows)
        if not names or self.unsteady or other_function(rows):
            return ()
        sides, shapes = self.sides[-1], {n: a.shape for n, a in self.subject.point.items()}
        hand = {n: h for n, h in sides.hand.items() if n in shapes}
        other = sides.subject.gradients(sides.subject.point, self._other.cotangents)
        found = list(function_causes(names, hand, shapes, other, sides.fits, self._steady_factor))
        found += reenacted_causes(_unnamed(names, found), sides)
        turned = {n: TURN * c for n, c in self.cotangents.items()}
        grown = sides.subject.gradients(sides.subject.point, turned)
        return (*found, *not_linear(_unnamed(names, found), hand, grown, TURN, sides.subject.terms))

    @cached_property
    def _other(self) -> Check:
        """The same check with another cotangent, larger, too."""
        return replace(self, draw=self.draw + 1)

    def _steady_factor(self, name: str) -> float:
        """What the hand has to be multiplied by, if that is a constant: the same for another cotangent."""
        factor, error = self.sides[-1].factor(name)
        if not np.isfinite(factor):
            return factor
        again, its_error = self._other.sides[-1].factor(name)
        return factor if abs(factor - again) <= error + its_error else float("nan")

    def _off(self, rows: list[Row]) -> list[str]:
        """Gradients that are off by the function's own fault."""
        blameless = Status.REFERENCE_OFF, Status.NONFINITE  # of NaN nothing is known
        own = (r for r in rows if r.status.bad and r.status not in blameless)
        return [r.name for r in own if r.name in self.subject.point]

    def _unexplained(self, causes: tuple[Cause, ...], rows: list[Row]) -> str:
        if causes or self.unsteady or other_function(rows) or not self._off(rows):
            return ""
        diff = self.sides[-1].diff
        return diff.unexplained if diff is not None else ""

    def _hand_origin(self) -> str:
        same = self.hand.keys() == self._again.keys() and all(
            np.array_equal(a, self._again[n], equal_nan=True) for n, a in self.hand.items()
        )
        second = "a second run is bit-equal" if same else "a second run differs in its last digits"
        return "; ".join([self.subject.title, *self.remarks, "not reproducible" if self.unsteady else second])

    def _reference_origin(self) -> str:
        if self.plain is not None:
            return f"{self.plain.title} by the tape"
        return f"Ridders' differences of the values, in {(self.fine or self.subject).dtype}"


def _unnamed(names: list[str], causes: list[Cause]) -> list[str]:
    named = {c.layer for c in causes}
    return [n for n in names if n not in named]
