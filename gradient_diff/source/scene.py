"""A user's code stopped where it raised: what its expressions are, and what others would be in their place."""

from __future__ import annotations

import ast
import contextlib
import inspect
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from types import FrameType, FunctionType
from typing import Any

import numpy as np

from gradient_diff.source.answers import Answers
from gradient_diff.source.copied import copied
from gradient_diff.source.events import Run, TooLongError, not_watching
from gradient_diff.source.failing import Failing, failing_in
from gradient_diff.source.forms import Recognised
from gradient_diff.source.known import Known
from gradient_diff.source.positions import Place
from gradient_diff.source.quiet import quietly
from gradient_diff.source.recorded import plain
from gradient_diff.source.small import drawn_anew, problems_to_trace
from gradient_diff.source.subject import subject_of
from manual_mlp import Array, Problem

MOST_SECONDS = 10.0
FEW = 12
"""Samples: so many are run again as they are, so that shapes are those of the caller."""

_BUILTINS = (abs, float, int, len, list, max, min, range, reversed, round, str, sum, tuple, zip, enumerate)
_METHODS = {
    *("sum", "mean", "max", "min", "dot", "reshape", "transpose", "ravel", "flatten", "squeeze", "copy", "astype"),
    *("prod", "std", "var", "clip", "cumsum", "swapaxes", "tolist", "items", "keys", "values", "get", "index", "count"),
}


@dataclass(frozen=True, eq=False)
class Scene:
    """The frame in which it raised, the run up to there, and the right answers of its problem."""

    failing: Failing
    problem: Problem
    run: Run = field(default_factory=Run)

    @cached_property
    def known(self) -> Known:
        return Known(self.problem)

    def value(self, node: ast.expr) -> Any:
        """What an expression is there: computed anew where that does nothing else, or as it was recorded."""
        if may_be_evaluated(node, self.failing.frame):
            with contextlib.suppress(Exception):
                return plain(evaluated(ast.unparse(_loaded(node)), self.failing.frame))
        return self._recorded(node)

    def _recorded(self, node: ast.expr) -> Array | None:
        span = (node.lineno, node.end_lineno or 0, node.col_offset, node.end_col_offset or 0)
        place = Place(self.failing.place.code, span)
        return next((e.value for e in reversed(self.run.events) if place in e.places), None)

    def recognise(self, value: Any) -> Recognised | None:
        """Which piece of the right derivation a value is."""
        array = as_array(value)
        return None if array is None else self.known.recognise(array, float(np.abs(array).max(initial=0.0)))


def scene_again(function: Callable[..., Any], problem: Problem, failing: Failing, error: Exception) -> Scene | None:
    """The code once more, on a small problem and recording; None where it does not raise there again."""
    for small in _problems(problem):
        run = Run(ends=time.monotonic() + MOST_SECONDS)
        try:
            with quietly():
                subject_of(copied(function), Answers(), function).gradients(small, {}, run)
        except TooLongError:
            return None
        except Exception as again:  # noqa: BLE001  # any is compared with the one that is to be explained
            found = failing_in(again.__traceback__)
            if type(again) is type(error) and found is not None and _is_same(found.place, failing.place):
                return Scene(found, small, run)
    return None


def _problems(problem: Problem) -> Iterator[Problem]:
    if problem.batch <= FEW and not problem.draws and problem.sample_weight is None:
        yield drawn_anew(problem, 0)
    yield from problems_to_trace(problem)


def _is_same(a: Place, b: Place) -> bool:
    return (a.file, a.function, a.span) == (b.file, b.function, b.span)


def evaluated(text: str, frame: FrameType) -> Any:
    """An expression's value with the names of a frame."""
    with not_watching(), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = compile(f"({text})", "<tried>", "eval")
        return eval(code, {**frame.f_globals, **frame.f_locals})


def as_array(value: Any) -> Array | None:
    """An array of numbers, also of a list of them; else None."""
    if not isinstance(value, np.ndarray | np.generic | float | list | tuple) or isinstance(value, np.ma.MaskedArray):
        return None
    with contextlib.suppress(ValueError, TypeError):
        array = np.asarray(plain(value))
        return array if array.dtype.kind in "fiub" and array.size else None
    return None


def may_be_evaluated(node: ast.AST, frame: FrameType) -> bool:
    """Whether nothing but a value comes of it: names, parts, arithmetic, NumPy's functions, plain functions."""
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
    others = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Starred)
    return not any(isinstance(n, others) for n in ast.walk(node)) and all(_is_pure(call, frame) for call in calls)


def _is_pure(call: ast.Call, frame: FrameType) -> bool:
    if any(k.arg in (None, "out") for k in call.keywords):
        return False
    function = _named(call.func, frame)
    if function is None:
        return isinstance(call.func, ast.Attribute) and call.func.attr in _METHODS
    if isinstance(function, FunctionType) and not function.__module__.startswith("numpy"):
        return not function.__closure__ and not inspect.isgeneratorfunction(function)
    module = str(getattr(function, "__module__", None) or "")
    of_numpy = isinstance(function, np.ufunc) or (module.startswith("numpy") and "random" not in module)
    return of_numpy or module == "math" or _is_safe(function)


def _is_safe(function: Any) -> bool:
    return any(function is b for b in _BUILTINS)


def _named(node: ast.expr, frame: FrameType) -> Any:
    """What a function's name means; None for methods of what must be computed first."""
    if isinstance(node, ast.Name):
        builtins = frame.f_builtins.get(node.id)
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id, builtins))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        owner = _named(node.value, frame)
        return getattr(owner, node.attr, None) if inspect.ismodule(owner) else None
    return None


def _loaded(node: ast.expr) -> ast.expr:
    """What is written into, read."""
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
        copy = type(node)(**{**dict(ast.iter_fields(node)), "ctx": ast.Load()})
        return ast.copy_location(copy, node)
    return node
