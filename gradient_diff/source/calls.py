"""A helper that does right by what it should have been given is not to blame: its call is."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

from gradient_diff.source.events import Act, Event, Run, TooLongError, watching
from gradient_diff.source.forms import Form
from gradient_diff.source.known import Known
from gradient_diff.source.makers import recording_makers
from gradient_diff.source.recorded import follow, plain
from manual_mlp import Array


@dataclass(frozen=True, eq=False)
class Call:
    """A call of one of the user's own functions, with copies of its arguments."""

    function: FunctionType
    arguments: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class WrongArgument:
    """An argument, and what it should have been."""

    name: str
    form: Form


def call_of(frame: FrameType) -> Call | None:
    """The call that a frame is of; None of a method's or a generator's, and where an argument is an object."""
    code, function = frame.f_code, function_of(frame.f_code)
    if function is None or code.co_flags & (inspect.CO_GENERATOR | inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return None
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if any(name not in frame.f_locals or not _is_plain(frame.f_locals[name]) for name in names):
        return None
    return Call(function, {name: _copied(plain(frame.f_locals[name])) for name in names})


def function_of(code: CodeType) -> FunctionType | None:
    """The function that runs this code; of several, any."""
    return next((f for f in gc.get_referrers(code) if isinstance(f, FunctionType) and f.__code__ is code), None)


def wrong_argument(
    call: Call, at: Event, wanted: Array, known: Known, forms: Callable[[Array], list[Form]]
) -> WrongArgument | None:
    """The argument with whose right value the call computes what is wanted, by steps that are all known."""
    for name, given in call.arguments.items():
        if not isinstance(given, np.ndarray | float):
            continue
        own = known.recognise(np.asarray(given))
        for form in forms(np.asarray(given)):
            if (own is not None and form.name == own.form.name) or form.node not in known.ladder.named:
                continue
            value = type(given)(form.array) if isinstance(given, float) else form.array
            if _does_right(call, {**call.arguments, name: value}, at, wanted, known):
                return WrongArgument(name, form)
    return None


def _does_right(call: Call, arguments: Mapping[str, Any], at: Event, wanted: Array, known: Known) -> bool:
    events = list(_run(call.function, arguments))
    same = [e for e in events if (e.operation, e.places[:1]) == (at.operation, at.places[:1])]
    if not any(e.value.shape == wanted.shape and np.allclose(e.value, wanted, 1e-9, 0) for e in same):
        return False
    computed = [e for e in events if e.act is Act.COMPUTES and e.value.dtype.kind == "f"]
    return all(known.recognise(e.value) is not None for e in computed)


def _run(function: FunctionType, arguments: Mapping[str, Any]) -> Iterator[Event]:
    run = Run()
    try:
        with recording_makers((function.__globals__,)), watching(run), np.errstate(all="ignore"):
            function(**{name: follow(_copied(value)) for name, value in arguments.items()})
    except (Exception, TooLongError):  # noqa: BLE001  # with another argument it may raise anything
        return
    yield from run.events


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return value is None or isinstance(value, np.ndarray | np.generic | int | float | str | FunctionType)


def _copied(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list | tuple):
        return type(value)(map(_copied, value))
    return {n: _copied(v) for n, v in value.items()} if isinstance(value, dict) else value
