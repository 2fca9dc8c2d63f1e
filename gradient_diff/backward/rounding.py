"""The rounding of a function's gradient and values, measured where the function itself runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradient_diff.backward.subject import Subject
from gradient_diff.noise.draws import DRAWS, moved
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

NEARLY = 0.1  # relative: a run that is off by more is no measure


@dataclass(frozen=True, eq=False)
class Rounding:
    """Draws of what one function is off by, in its gradient and its outputs, at the precision it is checked at.

    `still` are the entries that are not moved, since the values jump there.
    """

    given: Subject
    cotangents: Arrays
    still: Arrays

    @cached_property
    def exact(self) -> Subject | None:
        """It in float64, if it runs there."""
        return self.given if self.given.dtype == "float64" else self.given.in_float64

    @cached_property
    def coarse(self) -> Subject | None:
        """It in something coarser: as given, or float32."""
        return self.given.in_float32 if self.given.dtype == "float64" else self.given

    def at(self, dtype: str) -> list[dict[str, Array]]:
        """In a dtype: what a coarser run is off by, in proportion; or else what the last digits change.

        Last digits are the second choice, since they also decide ties, where the gradient jumps.
        """
        if self._in_proportion(dtype):
            return self._scaled(dtype)
        alone = self.exact if dtype == "float64" else self.given
        return self._scaled(dtype) + (
            drawn_errors(self.given.point, dtype, self._run(alone), None, self.still) if alone else []
        )

    def _in_proportion(self, dtype: str) -> bool:
        """Whether the coarse run is nearly right. One that is off by all there is says little about a finer one."""
        if not self._against_exact or self.coarse is None or self.exact is None:
            return False
        if dtype == self.coarse.dtype:
            return True
        right = self._run(self.exact)({n: np.asarray(a, np.float64) for n, a in self.given.point.items()})
        off = {
            n: max(float(np.abs(e[n]).max(initial=0.0)) for e in self._against_exact) for n in self._against_exact[0]
        }
        return all(worst <= NEARLY * float(np.abs(right[n]).max(initial=0.0)) for n, worst in off.items() if n in right)

    def _scaled(self, dtype: str) -> list[dict[str, Array]]:
        if self.coarse is None:
            return []
        scale = UNITS[dtype] / UNITS[self.coarse.dtype]
        return [{n: scale * a for n, a in errors.items()} for errors in self._against_exact]

    @cached_property
    def _against_exact(self) -> list[dict[str, Array]]:
        if self.coarse is None or self.exact is None:
            return []
        runs = self._run(self.coarse), self._run(self.exact)
        return drawn_errors(self.given.point, self.coarse.dtype, *runs, self.still)

    def _run(self, subject: Subject) -> Callable[[Arrays], Arrays]:
        def run(places: Arrays) -> Arrays:
            point = {n: a.astype(subject.point[n].dtype) for n, a in places.items()}
            values = {n: np.where(self.cotangents[n] == 0, 0.0, a) for n, a in subject.values(point).items()}
            return values | subject.gradients(point, self.cotangents)

        return run


def drawn_errors(
    point: Arrays,
    dtype: str,
    coarse: Callable[[Arrays], Arrays],
    exact: Callable[[Arrays], Arrays] | None,
    still: Arrays,
) -> list[dict[str, Array]]:
    """What a computation was off by, each time on other last digits; runs that give NaN or Inf are left out.

    `coarse` computes in that dtype, `exact` in float64; entries that are `still` are only rounded. Without `exact` the
    runs are held against the first of them, and what the moved digits change counts as rounding, too.
    """
    rng = np.random.default_rng(0)
    draws = range(DRAWS if exact else DRAWS + 1)
    places = [{n: _moved(a, dtype, rng, draw, still.get(n)) for n, a in point.items()} for draw in draws]
    found = [_float64(coarse(p)) for p in places]
    true = [_float64(exact(p)) for p in places] if exact else [found[0]] * len(found)
    pairs = list(zip(found, true, strict=True))[0 if exact else 1 :]
    with np.errstate(invalid="ignore"):
        errors = [{n: a - t[n] for n, a in f.items() if n in t and t[n].shape == a.shape} for f, t in pairs]
    return [e for e in errors if all(np.isfinite(a).all() for a in e.values())]


def _moved(array: Array, dtype: str, rng: np.random.Generator, draw: int, still: Array | None) -> Array:
    found, held = (moved(np.asarray(array, np.float64), dtype, rng, d) for d in (draw, 0))
    return found if still is None else np.where(still, held, found)


def _float64(arrays: Arrays) -> dict[str, Array]:
    return {n: np.asarray(a, np.float64) for n, a in arrays.items()}
