"""An exception in a user's code gains a note: which operands met, which equation takes them, and what fits."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Any

from gradient_diff.source.failing import failing_in
from gradient_diff.source.raised import Raised
from gradient_diff.source.scene import scene_again
from manual_mlp import Problem


class explaining:  # noqa: N801  # a context; a generator would add frames of ours to the user's traceback
    """What a user's code raises in here keeps its type and traceback, and says which operands met."""

    def __init__(self, function: Callable[..., Any], problem: Callable[[], Problem | None]) -> None:
        """A function (parameters, x, y), called again where it raised; what says what it was called on, if known."""
        self._function, self._problem = function, problem

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, Exception):
            note = note_of(error, trace, self._function, self._problem)
            if note:
                error.add_note(note)


def note_of(
    error: Exception, trace: TracebackType | None, function: Callable[..., Any], problem: Callable[[], Problem | None]
) -> str:
    """What can be said of an exception; empty where nothing can. It never raises."""
    with contextlib.suppress(Exception, RecursionError):
        raised = raised_in(error, trace, function, problem())
        return "" if raised is None else "\n".join(raised.lines())
    return ""


def raised_in(
    error: Exception, trace: TracebackType | None, function: Callable[..., Any], problem: Problem | None
) -> Raised | None:
    """What is known of an exception; None where no expression of the user's is to be seen."""
    failing = failing_in(trace)
    if failing is None or isinstance(failing.node, ast.Raise | ast.Assert):
        return None  # the user's own check says what is wrong
    again = None if problem is None else scene_again(function, problem, failing, error)
    return Raised(error, failing, again, problem)
