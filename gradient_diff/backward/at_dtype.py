"""Both sides of a check in one dtype: what is compared, in whose noise, and what would fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradient_diff.backward.directions import Derivatives, derivative_along, entry_direction
from gradient_diff.backward.subject import Subject
from gradient_diff.comparison import compare
from gradient_diff.noise.given import drawn_noise
from gradient_diff.noise.network import Kind, Noise
from gradient_diff.result.diff import GradientDiff
from manual_mlp import Array
from manual_mlp.extend import GATE, LOST, UNITS, Arrays


@dataclass(frozen=True, eq=False)
class AtDtype:
    """A function's own gradient and its reference, computed in one dtype.

    The reference is the twin's gradient, or what the function's values say, its `derivatives`; `errors` are the
    rounding per draw, and `source` says how that was measured.
    """

    subject: Subject
    hand: Arrays
    reference: Arrays
    derivatives: Mapping[str, Derivatives]
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
        if name in self.derivatives:
            found = self.derivatives[name]
            return found.read(gradient) if gradient.shape == found.shape else None
        return gradient if gradient.shape == self.reference[name].shape else None

    @cached_property
    def noise(self) -> Noise:
        """Rounding of the gradient and of its being stored, and the error of the reference where that is Ridders'."""
        sigma = {n: self._sigma(n) for n in self.names if self.errors and n in self.errors[0]}
        sigma = {n: self.derivatives[n].spread(s) if n in self.derivatives else s for n, s in sigma.items()}
        bound = {n: self.derivatives[n].error if n in self.derivatives else 0.0 for n in sigma}
        values = {n: np.asarray(self.reference[n], np.float64) for n in sigma}
        return Noise(self.subject.dtype, values, sigma, bound, 0, source=self.source, kind=Kind.DRAWN)

    def _sigma(self, name: str) -> Array:
        g = np.asarray(self.hand[name], np.float64)
        drawn = drawn_noise({name: g}, [{name: e[name]} for e in self.errors], "").sigma[name]
        dtype = self.subject.dtype
        other = np.abs(np.asarray(self.reference[name], np.float64)) if name not in self.derivatives else 0.0
        stored = UNITS[dtype] / np.sqrt(3) * np.maximum(np.abs(g), other)
        finite = np.where(np.isfinite(stored), stored, 0.0)
        return np.asarray(np.sqrt(np.square(drawn) + np.square(finite) + self._invisible(name) ** 2))

    def _invisible(self, name: str) -> float:
        """A gradient this small cannot be seen: moving the argument by all its size changes no output by its rounding.

        Draws do not show it, where terms cancel to zero each time: c − Σ p c of a saturated softmax.
        """
        if name not in self.subject.point:
            return LOST[self.subject.dtype]
        largest = max(
            float(np.abs(self.cotangents[n] * _finite(a)).max(initial=0.0)) for n, a in self.subject.outputs.items()
        )
        size = float(np.abs(_finite(self.subject.point[name])).max(initial=0.0))
        return max(UNITS[self.subject.dtype] * largest / max(size, 1.0), LOST[self.subject.dtype])

    def along(self, name: str, direction: Array) -> tuple[float, float]:
        """What the hand says along a direction, and by how much rounding may have moved that; None says 0."""
        if name not in self.hand:
            return 0.0, LOST[self.subject.dtype]
        hand = np.asarray(self.hand[name], np.float64)
        known = self.errors and name in self.errors[0]
        sigma = self._sigma(name) if known else UNITS[self.subject.dtype] * np.abs(hand)
        spread = float(np.sqrt(np.vdot(sigma**2, direction**2)))
        return float(np.vdot(hand, direction)), GATE * np.sqrt(2) * spread

    def limit(self, name: str) -> Array:
        """The largest difference that is explained."""
        return np.broadcast_to(self.noise.tolerance(name), np.shape(self.reference[name]))

    def fits(self, name: str, gradient: Array) -> bool:
        """Whether this gradient would be no further off than that; never where zeros would fit, too."""
        found = self.read(name, gradient)
        return found is not None and name in self.reference and self.agrees(name, found)

    def near(self, name: str, gradient: Array) -> bool:
        """The same, and zeros may be right."""
        found = self.read(name, gradient)
        if found is None or name not in self.reference:
            return False
        reference = np.asarray(self.reference[name], np.float64)
        return bool((np.abs(np.asarray(found, np.float64) - reference) <= self._explained(name, found)).all())

    def agrees(self, name: str, found: Array, error: float | Array = 0.0) -> bool:
        """`fits` of a gradient that has been read, and that may itself be off by an error."""
        limit = self._explained(name, found) + error
        reference = np.asarray(self.reference[name], np.float64)
        if (np.abs(reference) <= limit).all():
            return False
        return bool((np.abs(np.asarray(found, np.float64) - reference) <= limit).all())

    def _explained(self, name: str, found: Array) -> Array:
        if name in self.noise.sigma:
            return self.limit(name)
        size = np.abs(np.asarray(found, np.float64))  # an array of another shape has no σ of its own
        order = 64 * UNITS[self.subject.dtype] * np.sqrt(size.size) * size.max(initial=0.0)
        return np.asarray(order + (self.derivatives[name].error if name in self.derivatives else 0.0))

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

    @property
    def unexplained(self) -> str:
        """Where the difference sits, if no known mistake explains it."""
        return self.diff.unexplained if self.diff is not None else ""

    def _ask(self, name: str, unit: Array) -> tuple[float, float]:
        """The witness: what the values say, there."""
        index = tuple(int(i) for i in np.argwhere(unit)[0])
        if name in self.derivatives:
            return float(self.reference[name][index]), float(self.derivatives[name].error[index])
        if name not in self.subject.point:
            return 0.0, float("inf")
        direction = entry_direction(np.asarray(self.subject.point[name], np.float64), index)
        found = derivative_along(self.subject, name, self.cotangents, direction, self.hand[name])
        return found.value, found.error


def _finite(array: Array) -> Array:
    a = np.asarray(array, np.float64)
    return np.where(np.isfinite(a), a, 0.0)
