"""A function with its state, to be called without anybody noticing: its object, its closure, its bound arguments."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any


def copied(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same code on a copy of what it keeps; what cannot be copied is shared."""
    memo: dict[int, Any] = {}
    if isinstance(function, MethodType):
        return MethodType(function.__func__, _copy(function.__self__, memo))
    if isinstance(function, functools.partial):
        arguments = [_copy(a, memo) for a in function.args]
        named = {n: _copy(a, memo) for n, a in function.keywords.items()}
        return functools.partial(copied(function.func), *arguments, **named)
    if isinstance(function, FunctionType):
        return _with_cells(function, memo)
    return _copy(function, memo)


def _with_cells(function: FunctionType, memo: dict[int, Any]) -> FunctionType:
    """A function like it, whose closure holds copies; functions in it likewise, also those that name each other."""
    if id(function) in memo:
        return memo[id(function)]
    cells = tuple(memo.setdefault(id(c), CellType()) for c in function.__closure__ or ())
    new = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, cells or None)
    new.__kwdefaults__ = function.__kwdefaults__
    memo[id(function)] = new
    for old, cell in zip(function.__closure__ or (), cells, strict=True):
        _fill(old, cell, memo)
    return new


def _fill(old: CellType, cell: CellType, memo: dict[int, Any]) -> None:
    if _is_empty(old) or not _is_empty(cell):
        return  # a name without a value as yet, or one that another function has filled
    cell.cell_contents = _copy(old.cell_contents, memo)


def _is_empty(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return True
    return False


def _copy(value: Any, memo: dict[int, Any]) -> Any:
    if isinstance(value, ModuleType | type):
        return value
    if isinstance(value, FunctionType):
        return _with_cells(value, memo)
    if isinstance(value, MethodType):
        return MethodType(value.__func__, _copy(value.__self__, memo))
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # noqa: BLE001  # locks, files, models: of whatever kind, it is shared
        return value
