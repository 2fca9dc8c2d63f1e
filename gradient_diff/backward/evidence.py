"""What is found out about a function: its own gradient and a reference for it, as it ran and in float64."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gradient_diff.backward.at_dtype import AtDtype
from gradient_diff.backward.directions import Derivatives, derivatives_of
from gradient_diff.backward.rounding import Rounding
from gradient_diff.backward.subject import Subject, responds
from gradient_diff.noise.draws import further_than_order
from manual_mlp import Array
from manual_mlp.extend import Arrays

STEPS = 128  # cotangents are multiples of 1/128 between ½ and 1½: exact in every dtype, bfloat16 included


@dataclass(frozen=True, eq=False)
class Evidence:
    """Of one function, and of the plain one that it is held against, if there is one.

    `draw` says which random cotangent is taken, and how large: times 2^draw.
    """

    given: Subject
    plain: Subject | None
    draw: int = 0

    @cached_property
    def subject(self) -> Subject:
        """The function; one that says float64 but computes in less is judged as float32."""
        less = self.given.dtype == "float64" and not responds(self.given)
        return self.given.computing_in("float32") if less else self.given

    @cached_property
    def fine(self) -> Subject | None:
        """The function in float64, where it runs there and that is something else."""
        return None if self.subject.dtype == "float64" else self.subject.in_float64

    @cached_property
    def arrays(self) -> Arrays:
        """Everything that gets a row: inputs, weights and outputs, by name."""
        return self.subject.point | self.subject.outputs

    @cached_property
    def cotangents(self) -> dict[str, Array]:
        """Random and well away from 0, so that no output can go unseen; 0 for values that are not finite."""
        rng = np.random.default_rng(self.draw)
        signed = {
            n: rng.choice([-1.0, 1.0], a.shape) * rng.integers(STEPS // 2, STEPS * 3 // 2, a.shape) / STEPS
            for n, a in self.subject.outputs.items()
        }
        finite = {n: np.isfinite(np.asarray(a, np.float64)) for n, a in self.subject.outputs.items()}
        return {n: np.where(finite[n], c * 2.0**self.draw, 0.0) for n, c in signed.items()}

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
        pairs = [(self.hand[n], a) for n, a in self._again.items() if n in self.hand]
        gradients = self._again.keys() != self.hand.keys() or self._differ(pairs)
        return self.other_values or gradients

    @cached_property
    def other_values(self) -> bool:
        """Whether already the values of a second run are others."""
        outputs = self.subject.values(self.subject.point)
        return self._differ([(self.subject.outputs[n], a) for n, a in outputs.items()])

    def _differ(self, pairs: list[tuple[Array, Array]]) -> bool:
        return any(further_than_order(a, b, self.subject.terms) for a, b in pairs)

    @property
    def repeats(self) -> bool:
        """Whether a second run is bit-equal."""
        same = (np.array_equal(a, self._again[n], equal_nan=True) for n, a in self.hand.items() if n in self._again)
        return self.hand.keys() == self._again.keys() and all(same)

    @cached_property
    def derivatives(self) -> dict[str, Derivatives]:
        """What the function's values say of each array, where no twin does."""
        asked = self.fine or self.subject
        wanted = {} if self.plain or self.unsteady else self.subject.point
        return {n: derivatives_of(asked, n, self.cotangents, self.hand.get(n)) for n, a in wanted.items() if a.size}

    @cached_property
    def as_run(self) -> AtDtype:
        """Both sides as they ran."""
        return self._at(self.subject, self.hand, self.plain)

    @cached_property
    def in_float64(self) -> AtDtype | None:
        """Both sides in float64, where that is something else and both run there."""
        plain = self.plain.in_float64 if self.plain and self.fine else None
        if self.fine is None or (self.plain is not None and plain is None):
            return None
        return self._at(self.fine, self.fine.gradients(self.fine.point, self.cotangents), plain)

    @property
    def finest(self) -> AtDtype:
        """Both sides in the finest dtype that can be had."""
        return self.in_float64 or self.as_run

    @cached_property
    def other(self) -> Evidence:
        """The same with another cotangent, larger, too."""
        return replace(self, draw=self.draw + 1)

    def _at(self, subject: Subject, hand: dict[str, Array], plain: Subject | None) -> AtDtype:
        if plain is None:
            reference = {n: d.truth for n, d in self.derivatives.items() if d.directions}
        else:
            reference = plain.outputs | plain.gradients(plain.point, self.cotangents)
            reference |= {n: np.zeros_like(g) for n, g in hand.items() if n not in reference}
            hand = subject.outputs | hand
        errors, exact = self._errors(subject)
        source = f"draws of the rounding, held against {'float64' if exact else 'other draws'}"
        return AtDtype(subject, hand, reference, self.derivatives, errors, source, self.cotangents, plain)

    def _errors(self, subject: Subject) -> tuple[list[dict[str, Array]], bool]:
        """Rounding of the function and its twin in the dtype of one of them, and whether it is held against float64."""
        errors = [e for m in self._measured for e in m.at(subject.dtype)]
        return errors, all(m.exact is not None for m in self._measured)

    @cached_property
    def _measured(self) -> list[Rounding]:
        given = [self.subject] if self.plain is None else [self.subject, self.plain]
        return [Rounding(g, self.cotangents, {n: d.at_jumps for n, d in self.derivatives.items()}) for g in given]
