"""The user's code as something that can be run again and again, watched or not, on any problem."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradient_diff.source.answers import Answers
from gradient_diff.source.events import Run, watching
from gradient_diff.source.makers import recording_makers
from gradient_diff.source.recorded import follow, plain
from manual_mlp import Array, Problem
from manual_mlp.extend import Arrays

@dataclass(frozen=True, eq=False)
class Subject:
    """Somebody's derivation.

    Attributes:
        function: (parameters, x, y) → whatever it gives.
        answers: reads that.
        namespaces: of the user's modules, in which names may mean NumPy's makers.
    """

    function: Callable[[Any, Any, Any], Any]
    answers: Answers = field(default_factory=Answers)
    namespaces: tuple[dict[str, Any], ...] = ()

    def gradients(self, problem: Problem, right: Arrays, run: Run | None = None) -> list[dict[str, Array]]:
        """Its gradients on a problem, on copies, in each layout they may be in; recorded where a run is given."""
        given: list[Any] = [{n: a.copy() for n, a in problem.parameters.items()}, problem.x.copy(), problem.y.copy()]
        if run is None:
            return self.answers.read(self.function(*given), right)
        run.stop = sys._getframe()  # noqa: SLF001  # the user's frames end here
        with recording_makers(self.namespaces), watching(run), np.errstate(all="ignore"):
            result = plain(self.function(*map(follow, given)))
        return self.answers.read(result, right)


def namespaces_of(function: Callable[..., Any]) -> tuple[dict[str, Any], ...]:
    """The module in which a function, a method or an object's class was written."""
    inner = getattr(function, "__func__", function)
    inner = getattr(inner, "func", inner)  # functools.partial
    inner = getattr(inner, "__wrapped__", inner)
    code = getattr(inner, "__globals__", None) or getattr(getattr(type(inner), "__call__", None), "__globals__", None)
    return (code,) if isinstance(code, dict) else ()
