"""Slots: where a value hangs in somebody's objects, as the user writes it; nothing of his is run to find out."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CellType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import numpy as np

from gradient_diff.source.held.code import global_names
from gradient_diff.source.held.foreign import is_foreign

MOST_ITEMS = 10_000  # of one list or dict
ABSENT = object()
_NUMBERS = (int, float, np.generic)
_CONTAINERS = (dict, list, deque, tuple, set, bytearray, np.ndarray)
_LOOKED_INTO = (*_CONTAINERS, MethodType, functools.partial, staticmethod, classmethod, property)


@dataclass(frozen=True, eq=False)
class Slot:
    """Where a value hangs: its path as Python text, how it is read now, and how another takes its place."""

    path: str
    get: Callable[[], Any]
    put: Callable[[Any], None]


def root_of(step: object) -> Slot:
    """The callable itself; a bound method of `Net` is known as `net`, as is an object of it that is called."""

    def refuse(_: Any) -> None:
        raise TypeError("A callable that was handed over cannot be replaced.")

    return Slot(name_of(step), lambda: step, refuse)


def name_of(step: object) -> str:
    """By which name the user knows what holds his weights."""
    if isinstance(step, MethodType):
        return name_of(step.__self__)
    if isinstance(step, functools.partial):
        return name_of(step.func)
    if isinstance(step, type):
        return step.__name__
    name = getattr(step, "__name__", "")
    return name if isinstance(step, FunctionType) and name.isidentifier() else type(step).__name__.lower()


def slots_of(slot: Slot, own: frozenset[str]) -> Iterator[Slot]:
    """What hangs in the value of a slot, one step further."""
    value = slot.get()
    if isinstance(value, list | tuple | deque) and all(isinstance(item, _NUMBERS) for item in value):
        return  # it is looked at as a whole
    if isinstance(value, dict):
        yield from (_item(slot, value, key) for key in list(value)[:MOST_ITEMS])
    elif isinstance(value, list | deque):
        yield from (_item(slot, value, i) for i in range(min(len(value), MOST_ITEMS)))
    elif isinstance(value, tuple):
        yield from (_of_tuple(slot, value, i) for i in range(min(len(value), MOST_ITEMS)))
    elif isinstance(value, np.ndarray):
        yield from _of_object_array(slot, value)
    elif isinstance(value, MethodType):
        yield Slot(slot.path, lambda: value.__self__, slot.put)
        yield Slot(slot.path, lambda: value.__func__, slot.put)
    elif isinstance(value, functools.partial):
        yield from _of_partial(slot, value)
    elif isinstance(value, FunctionType):
        yield from _of_function(value)
    elif isinstance(value, staticmethod | classmethod):
        yield Slot(slot.path, lambda: value.__func__, slot.put)
    elif isinstance(value, property):
        yield from (Slot(slot.path, functools.partial(_given, f), slot.put) for f in (value.fget, value.fset) if f)
    elif isinstance(value, ModuleType):
        yield from _of_module(slot, value)
    elif isinstance(value, type):
        yield from _of_class(slot.path, value, own)
    else:
        yield from _of_object(slot, value, own)


def opaque(value: object, own: frozenset[str]) -> bool:
    """Whether a value is a library's own object, whose inside is none of the user's."""
    if isinstance(value, FunctionType):
        return is_foreign(value.__globals__.get("__name__", "__main__"), own)
    if isinstance(value, type):
        return is_foreign(value.__module__, own)
    if isinstance(value, ModuleType):
        return is_foreign(value.__name__, own)
    if isinstance(value, _LOOKED_INTO):
        return False
    return all(is_foreign(c.__module__, own) for c in type(value).__mro__) and type(value).__name__ != "SimpleNamespace"


def _item(slot: Slot, holder: Any, key: Any) -> Slot:
    def put(new: Any) -> None:
        holder[key] = new

    return Slot(f"{slot.path}[{key!r}]", lambda: holder[key], put)


def _of_tuple(slot: Slot, holder: tuple[Any, ...], i: int) -> Slot:
    """A tuple cannot change: another one takes its place."""

    def put(new: Any) -> None:
        items = [*slot.get()]
        items[i] = new
        slot.put(type(holder)._make(items) if hasattr(holder, "_make") else type(holder)(items))

    fields = getattr(holder, "_fields", None)
    path = f"{slot.path}.{fields[i]}" if fields else f"{slot.path}[{i}]"
    return Slot(path, lambda: slot.get()[i] if isinstance(slot.get(), tuple) else holder[i], put)


def _of_object_array(slot: Slot, array: Any) -> Iterator[Slot]:
    if array.dtype != object or array.size > MOST_ITEMS:
        return
    for index in np.ndindex(array.shape):
        path = "".join(f"[{i}]" for i in index)

        def put(new: Any, index: tuple[int, ...] = index) -> None:
            array[index] = new

        yield Slot(f"{slot.path}{path}", lambda index=index: array[index], put)  # type: ignore[misc]


def _of_partial(slot: Slot, value: functools.partial[Any]) -> Iterator[Slot]:
    yield Slot(slot.path, lambda: value.func, slot.put)
    names = _positional(value.func)
    for i, argument in enumerate(value.args):
        name = names[i] if i < len(names) else f"{slot.path}.args[{i}]"
        yield Slot(name, functools.partial(_given, argument), _fixed(name))
    for key in value.keywords:
        yield replaced_path(_item(slot, value.keywords, key), key)


def _given(value: Any) -> Any:
    return value


def _positional(function: Any) -> tuple[str, ...]:
    if isinstance(function, MethodType):
        return _positional(function.__func__)[1:]
    code = getattr(function, "__code__", None)
    return tuple(code.co_varnames[: code.co_argcount]) if code else ()


def replaced_path(slot: Slot, path: str) -> Slot:
    """The same slot by another name."""
    return Slot(path, slot.get, slot.put)


def _fixed(path: str) -> Callable[[Any], None]:
    def refuse(_: Any) -> None:
        raise TypeError(f"{path} is bound for good: its array can be written, another cannot take its place.")

    return refuse


def _of_function(function: FunctionType) -> Iterator[Slot]:
    """Closure, globals, defaults and what was set on it: all by the names that stand in its code."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if contents(cell) is not ABSENT:
            yield Slot(name, lambda cell=cell: cell.cell_contents, lambda new, cell=cell: fill(cell, new))  # type: ignore[misc]
    for name in global_names(function.__code__):
        if name in function.__globals__:
            yield replaced_path(_item(Slot("", lambda: None, _fixed(name)), function.__globals__, name), name)
    yield from _of_defaults(function)
    for key in vars(function):
        yield replaced_path(
            _item(Slot("", lambda: None, _fixed(key)), vars(function), key), f"{function.__name__}.{key}"
        )


def _of_defaults(function: FunctionType) -> Iterator[Slot]:
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = function.__defaults__ or ()
    for i, name in enumerate(names[len(names) - len(defaults) :]):

        def put(new: Any, i: int = i) -> None:
            items = [*(function.__defaults__ or ())]
            items[i] = new
            function.__defaults__ = tuple(items)

        yield Slot(name, lambda i=i: (function.__defaults__ or defaults)[i], put)  # type: ignore[misc]
    for name in function.__kwdefaults__ or {}:
        yield replaced_path(_item(Slot("", lambda: None, _fixed(name)), function.__kwdefaults__, name), name)


def contents(cell: CellType) -> Any:
    """What a cell of a closure holds; a mark where it is empty."""
    try:
        return cell.cell_contents
    except ValueError:
        return ABSENT


def fill(cell: CellType, value: Any) -> None:
    """Put into a cell what it held; nothing, where it was empty."""
    if value is ABSENT:
        del cell.cell_contents
    else:
        cell.cell_contents = value


def _of_module(slot: Slot, module: ModuleType) -> Iterator[Slot]:
    for name, value in list(vars(module).items()):
        if not name.startswith("__") and not isinstance(value, ModuleType | type | FunctionType):
            yield replaced_path(_item(slot, vars(module), name), f"{slot.path}.{name}")


def _of_class(path: str, kind: type, own: frozenset[str]) -> Iterator[Slot]:
    """Attributes of the class and of the user's classes above it; its functions, too, for what they name."""
    for owner in kind.__mro__:
        if is_foreign(owner.__module__, own):
            continue
        for name, value in list(vars(owner).items()):
            if not name.startswith("__") or callable(value):
                put = functools.partial(setattr, owner, name)
                yield Slot(f"{path}.{name}", functools.partial(vars(owner).get, name), put)


def _of_object(slot: Slot, value: Any, own: frozenset[str]) -> Iterator[Slot]:
    attributes = attributes_of(value) or {}
    for name in list(attributes):
        yield replaced_path(_item(slot, attributes, name), f"{slot.path}.{name}")
    for name, member in members(type(value)).items():
        if (held := read_member(member, value)) is not ABSENT:
            yield Slot(
                f"{slot.path}.{name}",
                lambda member=member, held=held: read_member(member, value, held),  # type: ignore[misc]
                lambda new, member=member: member.__set__(value, new),  # type: ignore[misc]
            )
    for inner in _of_class(slot.path, type(value), own):
        if inner.path.rpartition(".")[2] not in attributes:
            yield inner


def attributes_of(value: object) -> dict[str, Any] | None:
    """The attributes that an object holds itself; None of one without `__dict__`."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return found if isinstance(found, dict) else None


def members(kind: type) -> dict[str, MemberDescriptorType]:
    """The `__slots__` of a class and of those above it."""
    owners = (vars(owner).items() for owner in reversed(kind.__mro__) if "__slots__" in vars(owner))
    return {name: m for items in owners for name, m in items if isinstance(m, MemberDescriptorType)}


def read_member(member: MemberDescriptorType, value: object, otherwise: Any = ABSENT) -> Any:
    """What a slot of `__slots__` holds; a mark where it is empty."""
    try:
        return member.__get__(value, type(value))
    except AttributeError:
        return otherwise
