"""The user's code as something that can be run again and again, watched or not, on any problem."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradient_diff.source.answers import Answers
from gradient_diff.source.events import Run, watching
from gradient_diff.source.makers import recording_makers
from gradient_diff.source.positions import take_for_own
from gradient_diff.source.quiet import same_draws
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
        written: the user's own function, where another one calls it.
        at_these_sizes: it is an object of certain widths, whose gradients are read as at that batch.
        hidden: 1/lr where its gradients are (before − after)/lr, so that storing the weights hides some of them.
    """

    function: Callable[[Any, Any, Any], Any]
    answers: Answers = field(default_factory=Answers)
    namespaces: tuple[dict[str, Any], ...] = ()
    written: Callable[..., Any] | None = None
    at_these_sizes: bool = False
    hidden: float = 0.0

    def gradients(
        self, problem: Problem, right: Arrays, run: Run | None = None, draws: bool = True
    ) -> list[dict[str, Array]]:
        """Its gradients on a problem, on copies, in each layout they may be in; recorded where a run is given.

        To look at what a generator holds takes as long as a small derivation: not where nothing `draws`.
        """
        given: list[Any] = [{n: a.copy() for n, a in problem.parameters.items()}, problem.x.copy(), problem.y.copy()]
        kept = same_draws() if draws else nullcontext()
        if run is None:
            with kept:
                return self.answers.read(self.function(*given), right)
        take_for_own(self.written or self.function)
        run.stop = sys._getframe()  # noqa: SLF001  # the user's frames end here
        with kept, recording_makers(self.namespaces), watching(run), np.errstate(all="ignore"):
            result = plain(self.function(*map(follow, given)))
        return self.answers.read(result, right)


def subject_of(
    function: Callable[[Any, Any, Any], Any], answers: Answers, written: Callable[..., Any] | None = None
) -> Subject:
    """A function as a subject, with the module in which it, or what it calls, was written."""
    return Subject(function, answers, tuple(namespaces_of(written or function)), written)


def namespaces_of(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """The globals of a function, of a method, of what partial or a decorator wraps, or of an object's `__call__`."""
    seen: set[int] = set()
    found = [function]
    while found:
        one = found.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        names = getattr(one, "__globals__", None)
        if isinstance(names, dict):
            yield names
        inner = [getattr(one, name, None) for name in ("__func__", "func", "__wrapped__")]
        if not isinstance(names, dict) and not isinstance(one, type):
            inner.append(type(one).__dict__.get("__call__"))
        found += [i for i in inner if i is not None]
