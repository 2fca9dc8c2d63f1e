"""The rounding of a function's gradient and values, measured where the function itself runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_mlp.roundings import drawn_errors
from keras_mlp.subject import Subject
from manual_mlp import UNITS

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Rounding:
    """Draws of what one function is off by, in its gradient and its outputs.

    Attributes:
        given: the function at the precision it is checked at.
        cotangents: by output.
    """

    given: Subject
    cotangents: Arrays

    @cached_property
    def exact(self) -> Subject | None:
        """It in float64, if it runs there."""
        return self.given if self.given.dtype == "float64" else self.given.in_dtype("float64")

    @cached_property
    def coarse(self) -> Subject | None:
        """It in something coarser: as given, or float32."""
        return self.given.in_dtype("float32") if self.given.dtype == "float64" else self.given

    def at(self, dtype: str) -> list[dict[str, Array]]:
        """In a dtype: what a coarser run is off by, in proportion; for float64 also what its last digits change.

        Proportion alone would be too little where a coarse run is off by all there is.
        """
        scaled = self._scaled(dtype)
        if dtype != "float64" and scaled:
            return scaled
        alone = self.exact if dtype == "float64" else self.given
        return scaled if alone is None else scaled + drawn_errors(self.given.point, dtype, self._run(alone), None)

    def _scaled(self, dtype: str) -> list[dict[str, Array]]:
        if self.coarse is None:
            return []
        scale = UNITS[dtype] / UNITS[self.coarse.dtype]
        return [{n: scale * a for n, a in errors.items()} for errors in self._against_exact]

    @cached_property
    def _against_exact(self) -> list[dict[str, Array]]:
        if self.coarse is None or self.exact is None:
            return []
        return drawn_errors(self.given.point, self.coarse.dtype, self._run(self.coarse), self._run(self.exact))

    def _run(self, subject: Subject) -> Callable[[Arrays], Arrays]:
        def run(places: Arrays) -> Arrays:
            point = {n: a.astype(subject.point[n].dtype) for n, a in places.items()}
            values = {n: np.where(self.cotangents[n] == 0, 0.0, a) for n, a in subject.values(point).items()}
            return values | subject.gradients(point, self.cotangents)

        return run
