"""What is checked: a function of named arrays, its values at any point, and what its own gradient says there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, TypeVar

import numpy as np

from gradient_diff.backward.overwritten import Overwriting
from gradient_diff.backward.singular import Singular
from gradient_diff.witnesses.along_a_line import value_noise
from manual_mlp import Array
from manual_mlp.extend import GATE, UNITS, Arrays

BETWEEN = 2.0**-38  # float32 rounds by 2⁻²⁴, float64 by 2⁻⁵³


Kind = TypeVar("Kind", bound="Subject")


class Subject(ABC):
    """A function of its arguments and of the parameters that it reads, with a gradient of its own.

    `computes_in` is the coarsest dtype that it is known to compute in, "" if its arguments and outputs tell; `freeze`
    and `reset` say what to do where two runs differ in their values, or in their gradients alone.
    """

    title: str
    computes_in: str
    freeze: ClassVar[str]
    reset: ClassVar[str]

    @property
    @abstractmethod
    def point(self) -> dict[str, Array]:
        """Where it is checked: name → array, of each input and weight that has a derivative."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """All that may have a row, in the order of the rows."""

    @property
    @abstractmethod
    def weights(self) -> tuple[str, ...]:
        """The names of what it reads besides its arguments."""

    @property
    @abstractmethod
    def left_out(self) -> str:
        """Which arguments are not checked and why, as a sentence; empty if all are."""

    @property
    def doubts(self) -> Mapping[str, str]:
        """Of which arrays it is doubtful whether its values are those of a function of them, and why."""
        return {}

    @abstractmethod
    def values(self, point: Arrays) -> dict[str, Array]:
        """Its float outputs at any point, by name."""

    @abstractmethod
    def gradients(self, point: Arrays, cotangents: Arrays) -> dict[str, Array]:
        """What it says of Σ ⟨cotangent, output⟩: name → its gradient; a name is missing where it says None."""

    @property
    @abstractmethod
    def in_float64(self) -> Subject | None:
        """The same function computed in float64; None if it does not run there, or only in part."""

    @property
    @abstractmethod
    def in_float32(self) -> Subject | None:
        """The same in float32."""

    @abstractmethod
    def computing_in(self, dtype: str) -> Subject:
        """The same function, known to compute in no more than this dtype."""

    @cached_property
    def singular(self) -> tuple[Singular, ...]:
        """The operations that have no finite derivative at the point, where that can be seen."""
        return ()

    def overwriting(self, cotangents: Arrays) -> Overwriting | None:
        """Where its own gradient counts values that were overwritten, where that can be seen: its gradients without."""
        return None

    @cached_property
    def eagerly(self) -> Mapping[str, Array]:
        """Its outputs as it runs uncompiled, where that is another mode than its own."""
        return {}

    def fast(self, point: Arrays) -> dict[str, Array]:
        """The values once more, for many points, where there is a quicker way."""
        return self.values(point)

    @cached_property
    def origin(self) -> dict[str, Array]:
        """The same at the point itself."""
        return self.fast(self.point)

    @cached_property
    def outputs(self) -> dict[str, Array]:
        """Its float outputs at the point, by name."""
        return self.values(self.point)

    @cached_property
    def dtype(self) -> str:
        """The coarsest that is known to take part; its rounding is what to expect."""
        names = [a.dtype.name for arrays in (self.point, self.outputs) for a in arrays.values()]
        return max([*names, self.computes_in or "float64"], key=UNITS.__getitem__)

    @cached_property
    def terms(self) -> int:
        """The most numbers that a sum in it can have, as far as its arguments and outputs tell."""
        return sum(a.size for arrays in (self.point, self.outputs) for a in arrays.values())


def not_checked(skipped: Mapping[str, str]) -> str:
    """Which arguments are not checked and why, as a sentence; empty if all are."""
    listed = ", ".join(f"{name} ({why})" for name, why in skipped.items())
    return f"Not checked: {listed}." if listed else ""


def holds_nan(point: Mapping[str, Array]) -> str:
    """Which arrays hold NaN, how often and where; empty if none does."""
    places = {n: np.argwhere(np.isnan(np.asarray(a, np.float64))) for n, a in point.items()}
    return "; ".join(
        f"{n} holds NaN: {len(found)} of {point[n].size} entries, the first at {found[0].tolist()}"
        for n, found in places.items()
        if len(found)
    )


def check_point(subject: Subject) -> None:
    """Raise where no function has a gradient: at NaN."""
    if words := holds_nan(subject.point):
        raise ValueError(f"{words}. No function has a gradient there: give {subject.title} finite numbers.")


def recast_or_none(subject: Subject, other: Kind, dtype: str) -> Kind | None:
    """The function recast to a dtype, if it really gives values and gradients of that dtype."""
    ones = {n: np.ones_like(a) for n, a in other.outputs.items()}
    own, found = subject.gradients(subject.point, ones), other.gradients(other.point, ones)
    kinds = {a.dtype.name for a in (*other.outputs.values(), *found.values())}
    if kinds != {dtype} or found.keys() != own.keys():  # a graph that is kept may know none of its variables
        return None
    return other if dtype != "float64" or responds(other) else None


def prove_same_values(subject: Subject, other: Subject) -> None:
    """Raise unless another dtype gives the same values, up to what rounding usually comes to in sums so long."""
    unit, spread = max(UNITS[s.dtype] for s in (subject, other)), np.sqrt(subject.terms)
    for name, values in subject.outputs.items():
        a, b = (np.asarray(v, np.float64) for v in (values, other.outputs[name]))
        if not np.allclose(a, b, 0.0, GATE * unit * spread * np.abs(a).max(initial=0.0), equal_nan=True):
            raise ValueError(f"{subject.title} has other values in {other.dtype}: it is another function there.")


def responds(fine: Subject) -> bool:
    """Whether no part of a function that says float64 is computed in float32.

    Either its values follow a change far below what float32 holds, in proportion; or their own rounding, measured, is
    far below float32's. Rounding to float32 anywhere would give no response, or a jump.
    """
    rng = np.random.default_rng(0)
    signs = {n: rng.choice([-1.0, 1.0], a.shape) for n, a in fine.point.items()}
    own = {n: signs[n] * a for n, a in fine.point.items()}
    ways = {n: np.where(a == 0, signs[n], own[n]) for n, a in fine.point.items()}
    weights = {n: rng.uniform(0.5, 1.5, a.shape) for n, a in fine.outputs.items()}

    def response(step: float, ways: Arrays = ways) -> float:
        moved = fine.fast({n: a + step * ways[n] for n, a in fine.point.items()})
        return sum(float(np.nansum(weights[n] * (moved[n] - start))) for n, start in fine.outputs.items())

    with np.errstate(all="ignore"):
        # What is 0 would follow in every dtype: near 0 all have numbers. Values that jump follow beyond the jump.
        once, twice, thrice = (response(k * 2.0**-36, own) for k in (1, 2, 3))
        if (once != 0 and 1.5 < twice / once < 3.0) or (
            twice != once and 0.5 < (thrice - twice) / (twice - once) < 2.0
        ):
            return True
        size = np.sqrt(sum(float(np.nansum(np.square(a))) for a in fine.outputs.values()))
        # What is 0 here, as x² is, is measured by what it grows to.
        seen = [(value_noise(response, s, side=1), max(size, abs(response(8 * s)))) for s in (1e-3, 1e-5)]
    return any(0 < noise < BETWEEN * reached for noise, reached in seen)
