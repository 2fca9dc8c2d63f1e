"""The user's code as something that can be run again and again, watched or not, on any problem."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradient_diff.source.events import Run, not_watching, watching
from gradient_diff.source.makers import recording_makers
from gradient_diff.source.positions import take_for_own
from gradient_diff.source.recorded import follow, plain
from manual_mlp import Array, Problem

Read = Callable[[Any, Problem], Mapping[str, Array]]
"""(what the code gave, the problem) → gradients by parameter name, in the reference's layout."""


@dataclass(frozen=True, eq=False)
class Subject:
    """Somebody's derivation.

    Attributes:
        function: (parameters, x, y) → whatever it gives.
        read: makes gradients by name of that.
        namespaces: of the user's modules, in which names may mean NumPy's makers.
    """

    function: Callable[[Any, Any, Any], Any]
    read: Read
    namespaces: tuple[dict[str, Any], ...] = ()

    def gradients(self, problem: Problem, run: Run | None = None) -> dict[str, Array]:
        """Its gradients on a problem, on copies; recorded in a run, where one is given."""
        given: list[Any] = [{n: a.copy() for n, a in problem.parameters.items()}, problem.x.copy(), problem.y.copy()]
        if run is None:
            return _by_name(self.read(self.function(*given), problem))
        take_for_own(self.function)
        run.stop = sys._getframe()  # noqa: SLF001  # the user's frames end here
        with recording_makers(self.namespaces), watching(run), np.errstate(all="ignore"):
            result = self.function(*map(follow, given))
            with not_watching():
                return _by_name(self.read(plain(result), problem))


def _by_name(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.array(array) for name, array in arrays.items()}


def namespaces_of(function: Callable[..., Any]) -> tuple[dict[str, Any], ...]:
    """The module in which a function, a method or an object's class was written."""
    inner = getattr(function, "__func__", function)
    inner = getattr(inner, "func", inner)  # functools.partial
    inner = getattr(inner, "__wrapped__", inner)
    code = getattr(inner, "__globals__", None) or getattr(getattr(type(inner), "__call__", None), "__globals__", None)
    return (code,) if isinstance(code, dict) else ()
