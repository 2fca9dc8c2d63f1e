"""Snapshot: everything that a step can get at, as it was; restored in place, bit for bit."""

from __future__ import annotations

import copy
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MemberDescriptorType
from typing import Any, TypeAlias

import numpy as np

from gradient_diff.source.held.code import global_names
from gradient_diff.source.held.places import MOST_NUMBERS
from gradient_diff.source.held.reach import own_packages, reach_of
from gradient_diff.source.held.slots import ABSENT, attributes_of, contents, fill, members, opaque, read_member

Undo = Callable[[], None]
Large: TypeAlias = dict[int, tuple[Any, Any]]
"""id of a data set → it and its copy."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What everything was.

    Attributes:
        undo: puts one thing back each; containers first, since arrays may have been put elsewhere.
        unseen: what a library holds, which is not put back.
    """

    undo: tuple[Undo, ...]
    unseen: tuple[str, ...]

    @classmethod
    def of(cls, step: Callable[..., Any], large: Large | None = None) -> Snapshot:
        """All that a callable can get at, and the generators of random numbers that all share.

        `large` are copies of data sets, of an earlier snapshot that was restored; new ones are added.
        """
        found = reach_of(step)
        own = own_packages(step)
        kept = [undo for _, value in found.slots for undo in _kept(value, own, {} if large is None else large)]
        return cls((*kept, *_shared_generators()), found.unseen)

    def restore(self) -> None:
        """Everything as it was; what was added is gone."""
        for undo in self.undo:
            undo()


def _kept(value: Any, own: frozenset[str], large: Large) -> Iterator[Undo]:
    if isinstance(value, np.ndarray):
        yield from (_array(a, large) for a in _with_owner(value))
    elif isinstance(value, dict):
        yield _dict(value)
    elif isinstance(value, list | bytearray):
        yield _list(value)
    elif isinstance(value, deque | set):
        yield _refilled(value)
    elif isinstance(value, FunctionType):
        yield from _function(value)
    elif isinstance(value, type):
        yield from _class(value, own)
    elif (state := _state(value)) is not None:
        yield state
    else:
        yield from _object(value, own)


def _with_owner(array: Any) -> Iterator[Any]:
    """A view's memory may be written through another name."""
    yield array
    if isinstance(array.base, np.ndarray):
        yield array.base


def _array(array: Any, large: Large) -> Undo:
    saved, shape, writeable = _saved(array, large), array.shape, array.flags.writeable

    def undo() -> None:
        if array.shape != shape:
            if array.size == saved.size:
                array.shape = shape
            else:
                array.resize(shape, refcheck=False)
        if not writeable:
            return
        array.flags.writeable = True
        if array.size <= MOST_NUMBERS or not _same_bits(array, saved):
            np.copyto(array, saved)
        if isinstance(saved, np.ma.MaskedArray):
            array.mask = saved.mask

    return undo


def _saved(array: Any, large: Large) -> Any:
    """A copy; of a data set the one of an earlier time, when it was the same."""
    if array.size <= MOST_NUMBERS:
        return array.copy()
    if id(array) not in large:
        large[id(array)] = (array, array.copy())
    return large[id(array)][1]


def _same_bits(a: Any, b: Any) -> bool:
    """Without a copy of either, where memory allows it."""
    if not (a.flags.c_contiguous and b.flags.c_contiguous) or a.dtype == object:
        return False
    words = np.uint64 if a.nbytes % 8 == 0 else np.uint8
    return bool(np.array_equal(*(side.reshape(-1).view(words) for side in (a, b))))


def _dict(held: dict[Any, Any]) -> Undo:
    kind: Any = OrderedDict if isinstance(held, OrderedDict) else dict  # past what a user's own class makes of it
    saved = dict(kind.items(held))

    def undo() -> None:
        if not _same(list(kind.items(held)), list(saved.items())):
            kind.clear(held)
            for key, value in saved.items():
                kind.__setitem__(held, key, value)

    return undo


def _same(now: list[tuple[Any, Any]], before: list[tuple[Any, Any]]) -> bool:
    """The very same keys and values, in the same order."""
    ids = ([(id(key), id(value)) for key, value in items] for items in (now, before))
    return next(ids) == next(ids)


def _list(held: Any) -> Undo:
    saved = held[:]

    def undo() -> None:
        held[:] = saved

    return undo


def _refilled(held: Any) -> Undo:
    saved = copy.copy(held)

    def undo() -> None:
        held.clear()
        (held.extend if isinstance(held, deque) else held.update)(saved)

    return undo


def _function(function: FunctionType) -> Iterator[Undo]:
    cells = [(cell, contents(cell)) for cell in function.__closure__ or ()]
    known = {name: function.__globals__.get(name, ABSENT) for name in global_names(function.__code__)}
    defaults = function.__defaults__

    def undo() -> None:
        for cell, value in cells:
            if contents(cell) is not value:
                fill(cell, value)
        _put_back(function.__globals__, known)
        function.__defaults__ = defaults

    yield undo
    yield _dict(vars(function))
    if function.__kwdefaults__:
        yield _dict(function.__kwdefaults__)


def _put_back(held: dict[str, Any], known: Mapping[str, Any]) -> None:
    for name, value in known.items():
        if value is ABSENT:
            held.pop(name, None)
        elif held.get(name, ABSENT) is not value:
            held[name] = value


def _class(kind: type, own: frozenset[str]) -> Iterator[Undo]:
    if opaque(kind, own):
        return
    saved = dict(vars(kind))

    def undo() -> None:
        now = dict(vars(kind))
        for name in now.keys() - saved.keys():
            delattr(kind, name)
        for name, value in saved.items():
            if now.get(name, ABSENT) is not value:
                setattr(kind, name, value)

    yield undo


def _state(value: Any) -> Undo | None:
    """Of a generator of random numbers."""
    if isinstance(value, np.random.Generator):
        return _bits(value.bit_generator)
    if isinstance(value, np.random.BitGenerator):
        return _bits(value)
    if isinstance(value, np.random.RandomState):
        state = value.get_state(legacy=False)
        return lambda: value.set_state(state)
    if isinstance(value, random.Random):
        python = value.getstate()
        return lambda: value.setstate(python)
    return None


def _bits(generator: Any) -> Undo:
    state = copy.deepcopy(generator.state)

    def undo() -> None:
        generator.state = state

    return undo


def _object(value: Any, own: frozenset[str]) -> Iterator[Undo]:
    if opaque(value, own):
        return
    attributes = attributes_of(value)
    if attributes is not None:
        yield _dict(attributes)
    held = {m: read_member(m, value) for m in members(type(value)).values()}
    if held:
        yield lambda: _put_members(value, held)
    yield from (undo for kind in type(value).__mro__ for undo in _class(kind, own))


def _put_members(value: Any, held: Mapping[MemberDescriptorType, Any]) -> None:
    for member, before in held.items():
        now = read_member(member, value)
        if now is before:
            continue
        if before is ABSENT:
            member.__delete__(value)
        else:
            member.__set__(value, before)


def _shared_generators() -> Iterator[Undo]:
    state = np.random.get_state(legacy=False)  # noqa: NPY002  (it is this one that is kept)
    yield lambda: np.random.set_state(state)  # noqa: NPY002
    python = random.getstate()
    yield lambda: random.setstate(python)
