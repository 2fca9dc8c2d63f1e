"""Arrays and numbers that record what is done with them, and behave in every other way as those that they stand for.

A view stays a view: the same memory, and writes are seen by base and view alike. No bit of a result changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradient_diff.source.events import Act, current, kept_of, numbers_in
from gradient_diff.source.positions import Returned, in_library
from manual_mlp import Array

_asarray = np.asarray  # NumPy's own: the name in its namespace records while a run is watched

_SELECTING = ("reshape", "transpose", "ravel", "squeeze", "swapaxes", "diagonal", "take", "repeat")
_COMPUTING = ("sum", "mean", "max", "min", "prod", "std", "var", "dot", "cumsum", "clip", "trace", "round", "ptp")
_COPYING = ("copy", "flatten", "astype")
_SELECTS = {*_SELECTING, *_COPYING, "getitem", "T", "array", "asarray", "atleast_2d", "expand_dims", "moveaxis"}


class Recorded(np.ndarray[Any, Any]):
    """An array whose every operation is an event."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if method == "__call__" and out is None and not kwargs:
            return recorded(ufunc.__name__, ufunc(*plain(inputs)), inputs)
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        function = getattr(ufunc, method)
        if method == "at":
            kept = kept_of(inputs)
            function(*plain(inputs), **plain(kwargs))
            return written(name, lambda: kept, inputs[0], ())
        if out is None:
            return recorded(name, function(*plain(inputs), **plain(kwargs)), inputs)
        kept = kept_of(inputs)
        function(*plain(inputs), out=plain(out), **plain(kwargs))
        results = tuple(written(name, lambda: kept, into, (), Act.COMPUTES) for into in out)
        return results[0] if len(results) == 1 else results

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        kept = kept_of((args, kwargs)) if kwargs.get("out") is not None else None
        result = func(*plain(args), **plain(kwargs))
        if kept is not None:
            return written(func.__name__, lambda: kept, kwargs["out"], (), Act.COMPUTES)
        return recorded(func.__name__, result, (args, kwargs))

    def __getitem__(self, key: Any) -> Any:
        return recorded("getitem", self.view(np.ndarray)[plain(key)], (self,))

    def __setitem__(self, key: Any, value: Any) -> None:
        base, key = self.view(np.ndarray), plain(key)
        base[key] = plain(value)
        written("setitem", lambda: tuple(numbers_in((value,))), base, key)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    @property
    def T(self) -> Any:
        return recorded("T", self.view(np.ndarray).T, (self,))

    def tolist(self) -> Any:
        return _listed(self.view(np.ndarray))

    def item(self, *at: Any) -> Any:
        return number(self.view(np.ndarray).item(*at))

    def __reduce__(self) -> Any:
        return self.view(np.ndarray).__reduce__()

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))

    def __str__(self) -> str:
        return str(self.view(np.ndarray))

    def __format__(self, spec: str) -> str:
        return format(self.view(np.ndarray), spec)


def _method(name: str) -> Callable[..., Any]:
    def method(self: Recorded, *args: Any, **kwargs: Any) -> Any:
        kept = kept_of((self, args)) if kwargs.get("out") is not None else None
        result = getattr(self.view(np.ndarray), name)(*plain(args), **plain(kwargs))
        if kept is not None:
            return written(name, lambda: kept, kwargs["out"], (), Act.COMPUTES)
        return recorded(name, result, (self, args))

    method.__name__ = name
    return method


for _name in (*_SELECTING, *_COMPUTING, *_COPYING):
    if hasattr(np.ndarray, _name):
        setattr(Recorded, _name, _method(_name))


def _before_subclasses(name: str) -> Callable[..., Any]:
    """Python asks a subclass of an operand's class first: np.matrix and masked arrays have products of their own."""
    own = getattr(np.ndarray, name)

    def operate(self: Recorded, other: Any) -> Any:
        kind = type(other)
        if kind is not np.ndarray and kind is not Recorded and issubclass(kind, np.ndarray):
            return NotImplemented
        return own(self, other)

    operate.__name__ = name
    return operate


for _name in ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Recorded, f"__{_name}__", _before_subclasses(f"__{_name}__"))
Recorded.__hash__ = None  # as of any array


class Number(float):
    """A Python float whose arithmetic is recorded; also np.exp of it."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return recorded(ufunc.__name__, getattr(ufunc, method)(*plain(inputs), **plain(kwargs)), inputs)


class Scalar(np.float64):
    """A NumPy float whose arithmetic is recorded."""

    __slots__ = ()
    __array_ufunc__ = Number.__array_ufunc__


def _arithmetic(kind: type, base: type, name: str) -> Callable[..., Any]:
    own, spoken = getattr(base, name), name.strip("_")
    spoken = spoken.removeprefix("r") if spoken[1:] in _BINARY else spoken  # 0 + x begins what x + y goes on with

    def method(self: Any, *others: Any) -> Any:
        if any(isinstance(o, np.ndarray) for o in others):
            return NotImplemented if kind is Number else own(base(self), *plain(others))
        result = own(base(self), *plain(others))
        return result if result is NotImplemented else recorded(spoken, result, (self, *others))

    method.__name__ = name
    return method


_BINARY = ("add", "sub", "mul", "truediv", "pow", "mod", "floordiv")
for _kind, _base in ((Number, float), (Scalar, np.float64)):
    for _name in (*_BINARY, *(f"r{n}" for n in _BINARY), "neg", "abs", "pos"):
        setattr(_kind, f"__{_name}__", _arithmetic(_kind, _base, f"__{_name}__"))


def plain(value: Any) -> Any:
    """The same without recording, through lists, tuples and dicts; memory is shared."""
    kind = type(value)
    if kind is Recorded:
        return value.view(np.ndarray)
    if kind is Number:
        return float(value)
    if kind is Scalar:
        return np.float64(value)
    if kind is tuple:
        return tuple([plain(item) for item in value])  # a list is made faster than a generator is asked
    if kind is list:
        return [plain(item) for item in value]
    if kind is dict:
        return {name: plain(item) for name, item in value.items()}
    return value


def number(value: Any) -> Any:
    """A number that records, of a float; anything else is itself."""
    if type(value) is float:
        return Number(value)
    return Scalar(value) if type(value) is np.float64 else value


def _listed(array: Array) -> Any:
    """`tolist`, of numbers that record."""
    if not array.ndim:
        return number(array.item())
    return [_listed(part) for part in array] if array.ndim > 1 else [number(v) for v in array.tolist()]


def follow(value: Any) -> Any:
    """The same, recording: arrays as views of the same memory, lists and dicts as new ones of recorded items."""
    if type(value) is np.ndarray:  # a matrix or a masked array has a class of its own to be
        return value.view(Recorded) if value.dtype.kind in "fb" else value
    if type(value) in (list, tuple):
        return type(value)(follow(item) for item in value)
    if type(value) is dict:
        return {name: follow(item) for name, item in value.items()}
    return number(value)


_OURS = (Recorded, float, np.float64)


def recorded(name: str, result: Any, operands: Any, inside: Returned | None = None) -> Any:
    """An operation's result, counted; it records what is done with it next."""
    run = current()
    if run is None or in_library(1):
        return result
    kind = type(result)
    if kind in (list, tuple) and any(isinstance(item, np.ndarray) for item in result):
        return kind(recorded(name, item, operands) for item in result)
    if kind is not np.ndarray and not isinstance(result, _OURS):
        return result  # also a matrix or a masked array: it has a class of its own to be
    array = result if kind is np.ndarray else _asarray(result)
    if array.dtype.kind not in "fb":
        return result
    act = Act.SELECTS if name in _SELECTS and not _is_made_a_number(name, operands) else Act.COMPUTES
    value = run.happened(name, act, array, lambda: tuple(numbers_in(operands)), inside=inside)
    if isinstance(result, np.ndarray) or value.ndim:
        return (result if value is array else value).view(Recorded)
    return number(result if value is array else type(result)(value))


def _is_made_a_number(name: str, operands: Any) -> bool:
    """(u > 0).astype(float): what was yes or no is a slope from here on."""
    return name == "astype" and operands[0].dtype.kind == "b"


def written(name: str, operands: Callable[[], tuple[Array, ...]], into: Any, key: Any, act: Act = Act.WRITES) -> Any:
    """What was written into memory that is there, counted; another value that is put in is written there, too."""
    run = current()
    base = plain(into)
    if run is None or base.dtype.kind not in "fb" or in_library(1):
        return into
    part = _asarray(base[key])
    value = run.happened(name, act, part, operands, base, act is Act.COMPUTES)
    if value is not part:
        base[key if value.shape == part.shape else ...] = value  # or all of what is written into
    return into if isinstance(into, Recorded) else base.view(Recorded)
