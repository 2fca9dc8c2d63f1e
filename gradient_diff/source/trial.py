"""One problem, its right answers and the user's code, which runs again and again with values put in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np

from gradient_diff.source.events import Run, TooLongError
from gradient_diff.source.known import Known
from gradient_diff.source.positions import Frames
from gradient_diff.source.quiet import same_draws
from gradient_diff.source.subject import Subject
from manual_mlp import Array, Problem

MOST_SECONDS = 15.0
"""Of one search, in this thread: what is found must not hang on what else the machine does."""
MOST_WAITING = 180.0
"""The same by the clock on the wall, for code that waits; a busy machine may give a thread a tenth of that."""


@dataclass(eq=False)
class Trial:
    """One problem, the right gradients of it, and the user's code."""

    subject: Subject
    problem: Problem
    known: Known
    right: Mapping[str, Array]
    tolerance: Mapping[str, Array]
    runs: int = 0
    ends: float = field(default_factory=lambda: time.thread_time() + MOST_SECONDS)
    latest: float = field(default_factory=lambda: time.monotonic() + MOST_WAITING)
    fixed: dict[int, Array] = field(default_factory=dict)
    draws: bool | None = None
    """Whether the code draws from the generators that all share; None before it was run."""

    @property
    def is_late(self) -> bool:
        """Whether the search has had its time; a run that is so slow is none of a small problem."""
        return time.thread_time() > self.ends or time.monotonic() > self.latest

    def again(
        self,
        put: Mapping[int, Array] | None = None,
        light: bool = True,
        watched: Mapping[int, Callable[[Frames], None]] | None = None,
    ) -> tuple[dict[str, Array], Run] | None:
        """The user's code once more, with what was found before and this put in; None where it raises."""
        self.runs += 1
        run = Run(put={**self.fixed, **(put or {})}, light=light, watched=watched or {})
        try:
            with same_draws() if self.draws is not False else nullcontext(bool) as drawn:
                given = self.subject.gradients(self.problem, self.right, run, draws=False)
                self.draws = drawn() if self.draws is None else self.draws
            return self.likeliest(given), run
        except (Exception, TooLongError):  # noqa: BLE001  # with another value in it, code may raise anything
            return None

    def likeliest(self, answers: Sequence[dict[str, Array]]) -> dict[str, Array]:
        """Of several layouts that an answer may be in, the one in which most of it is right."""
        best = max(range(len(answers)), key=lambda i: len(self.healthy(answers[i])))
        self.subject.answers.likeliest = self.subject.answers.ways[best]
        return answers[best]

    def healthy(self, given: Mapping[str, Array]) -> frozenset[str]:
        """The gradients that are right."""
        return frozenset(n for n, right in self.right.items() if self.is_right(n, given.get(n), right))

    def is_right(self, name: str, given: Array | None, right: Array) -> bool:
        if given is None or np.shape(given) != right.shape:
            return False
        with np.errstate(all="ignore"):
            return bool((np.abs(given - right) <= self.tolerance[name]).all())
