"""While a run is watched: functions that make arrays or numbers without asking their arguments record, too."""

from __future__ import annotations

import functools
import math
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from gradient_diff.source.events import current, not_watching
from gradient_diff.source.positions import Place, Returned, in_library, is_users, place_of, place_of_result
from gradient_diff.source.recorded import Number, Recorded, Scalar, follow, number, plain, recorded

_FILLED = ("zeros", "ones", "empty", "full", "eye", "identity", "zeros_like", "ones_like", "empty_like", "full_like")
_GATHERED = ("array", "asarray", "asanyarray", "ascontiguousarray", "stack", "vstack", "hstack", "concatenate")
_OF_NUMBERS = ("exp", "expm1", "log", "log1p", "sqrt", "tanh", "pow", "fsum", "cosh", "sinh", "fabs")

_one_at_a_time = threading.RLock()
"""NumPy's namespace is one for all threads."""
_inside: set[int] = set()
"""The namespaces that are exchanged now."""


@contextmanager
def recording_makers(modules: Iterable[ModuleType | dict[str, Any]]) -> Iterator[None]:
    """NumPy's and math's makers record in this thread; names in the user's namespaces that mean them, too.

    Within another one, what that has exchanged stays as it is.
    """
    with _one_at_a_time, ExitStack() as stack:
        for owner, name, old, new in () if _inside else _exchanged():
            stack.callback(setattr, owner, name, old)
            setattr(owner, name, new)
        for namespace in modules:
            names = namespace if isinstance(namespace, dict) else vars(namespace)
            if id(names) not in _inside:
                _exchange(names, stack)
        yield


@functools.cache
def _exchanged() -> tuple[tuple[Any, str, Any, Any], ...]:
    """(owner, name, what stands there, what records)."""
    owned = ((np, _FILLED, _filled), (np, _GATHERED, _gathered), (math, _OF_NUMBERS, _of_numbers))
    made = [(o, n, getattr(o, n), wrap(n, getattr(o, n))) for o, names, wrap in owned for n in names]
    call = np.vectorize.__call__
    return (*made, (np.vectorize, "__call__", call, _vectorized(call)))


def _exchange(names: dict[str, Any], stack: ExitStack) -> None:
    """`from numpy import zeros` means NumPy's zeros, and `type` what is no recording array."""
    _inside.add(id(names))
    stack.callback(_inside.discard, id(names))
    replaced = _replaced()
    for name, value in list(names.items()):
        if callable(value) and _hashable(value) and value in replaced:
            stack.callback(names.__setitem__, name, value)
            names[name] = replaced[value]
    if "type" not in names:
        names["type"] = _TypeAsWithout
        stack.callback(names.pop, "type", None)


@functools.cache
def _replaced() -> dict[Any, Any]:
    return {old: new for owner, _, old, new in _exchanged() if owner is not np.vectorize}


class _AsWithout(type):
    """Of `type`, in the user's modules."""

    def __call__(cls, *given: Any, **more: Any) -> Any:
        return _STANDS_FOR.get(type(given[0]), type(given[0])) if len(given) == 1 else type(*given, **more)

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, type)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, type)

    def __eq__(cls, other: object) -> bool:
        return other is type or other is cls

    def __hash__(cls) -> int:
        return hash(type)


class _TypeAsWithout(metaclass=_AsWithout):
    """`type(a) is np.ndarray` and `type(a) == float` answer as they do without recording."""


_STANDS_FOR: dict[type, type] = {Recorded: np.ndarray, Number: float, Scalar: np.float64}


def _hashable(value: object) -> bool:
    try:
        hash(value)
    except Exception:  # noqa: BLE001  # an object of the user's may raise anything here
        return False
    return True


def _filled(name: str, old: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(old)
    def make(*args: Any, **kwargs: Any) -> Any:
        result = old(*plain(args), **plain(kwargs))
        if current() is None or result.dtype.kind != "f" or in_library(1):
            return result
        return result.view(Recorded)

    return make


def _gathered(name: str, old: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(old)
    def make(*args: Any, **kwargs: Any) -> Any:
        if current() is None or in_library(1):
            return old(*plain(args), **plain(kwargs))
        if not _holds_recorded(args):
            return follow(old(*args, **kwargs)) if name == "array" else old(*args, **kwargs)
        return recorded("array" if name.startswith("a") else name, old(*plain(args), **plain(kwargs)), args)

    return make


def _of_numbers(name: str, old: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(old)
    def compute(*args: Any) -> Any:
        result = old(*plain(args))
        return recorded(name, result, args) if current() is not None and _holds_recorded(args) else result

    return compute


def _vectorized(old: Callable[..., Any]) -> Callable[..., Any]:
    """The function that is vectorized gets numbers that record; the whole call is an event of its own."""

    def call(self: np.vectorize, *args: Any, **kwargs: Any) -> Any:
        if current() is None or not _holds_recorded((args, kwargs)):
            return old(self, *args, **kwargs)
        inner, run = self.pyfunc, current()
        asked = self.otypes is None and self.signature is None and not self.cache
        returned: list[Place | None] = []

        def one(*each: Any, **named: Any) -> Any:
            nonlocal asked
            if asked:  # NumPy asks once more than there are numbers, for what type comes out
                asked = False
                with not_watching():
                    return plain(inner(*each, **named))
            with _noting_returns(inner, returned):
                return plain(inner(*map(number, each), **named))

        self.pyfunc, before = one, run.count if run is not None else 0
        try:
            result = old(self, *plain(args), **plain(kwargs))
        finally:
            self.pyfunc = inner
        silent = run is not None and run.count == before
        return recorded("vectorize", result, args, _result_of(inner, returned) if silent else None)

    return call


def _result_of(function: Callable[..., Any], returned: Sequence[Place | None]) -> Returned | None:
    """What a function of the user's that computes nothing gives back: 1.0 if u > 0 else 0.0."""
    code = getattr(function, "__code__", None)
    place = place_of_result(code) if code is not None and is_users(code) else None
    return Returned(place, tuple(returned)) if place is not None else None


@contextmanager
def _noting_returns(function: Callable[..., Any], returned: list[Place | None]) -> Iterator[None]:
    """Where it returns; who profiles already goes on behind."""
    code, before, run = getattr(function, "__code__", None), sys.getprofile(), current()

    def look(frame: FrameType, what: str, result: Any) -> None:
        if what == "return" and frame.f_code is code:
            returned.append(place_of(frame))

    if run is None or run.light or code is None:
        yield
        return
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def _holds_recorded(value: Any) -> bool:
    if isinstance(value, Recorded | Number | Scalar):
        return True
    if isinstance(value, list | tuple):
        return any(map(_holds_recorded, value))
    return isinstance(value, dict) and any(map(_holds_recorded, value.values()))
