"""What a run of a user's code did: one event per operation, with its value, its operands and its place."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from types import FrameType
from typing import Any

import numpy as np

from gradient_diff.source.positions import Frames, Place, Returned, frames_of_user, place_of
from manual_mlp import Array

MOST_EVENTS = 400_000
MOST_SECONDS = 60.0


class TooLongError(BaseException):
    """The user's code went on and on; no `except Exception` of his may swallow this."""


class Act(Enum):
    """What an operation does with memory."""

    COMPUTES = "a new value"
    SELECTS = "a part, a transpose or another shape of what is there"
    WRITES = "a value into what is there"


@dataclass(frozen=True, eq=False)
class Event:
    """One operation.

    Attributes:
        index: its number in the run.
        operation: NumPy's name of it.
        act: what it does with memory.
        value: a copy of the result, as it was then; of a write, of what was written.
        operands: copies of the arrays and numbers that went in.
        places: the expressions at work, the innermost first; empty where no source is known.
        whole: of a write into a part, a copy of all that it was written into.
    """

    index: int
    operation: str
    act: Act
    value: Array
    operands: tuple[Array, ...]
    places: tuple[Place, ...]
    whole: Array | None = None
    accumulates: bool = False  # it is written over its first operand
    returned: Returned | None = None  # by a function that computes nothing


@dataclass(eq=False)
class Run:
    """One execution that is watched: its events, and what is put in where.

    Attributes:
        put: index → the value that this operation is made to have.
        light: nothing is kept but the count.
        watched: index → called with the user's frames, the innermost first, before the value is handed on.
    """

    put: Mapping[int, Array] = field(default_factory=dict)
    light: bool = False
    watched: Mapping[int, Callable[[Frames], None]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    count: int = 0
    ends: float = field(default_factory=lambda: time.monotonic() + MOST_SECONDS)
    stop: FrameType | None = None

    def happened(
        self,
        operation: str,
        act: Act,
        value: Array,
        operands: Callable[[], tuple[Array, ...]],
        whole: Array | None = None,
        accumulates: bool = False,
        inside: Returned | None = None,
    ) -> Array:
        """Count an operation, keep it, and say which value it has from now on; `inside` is where it was returned."""
        index = self.count
        self.count += 1
        self._check_length()
        other = self.put.get(index)
        if other is not None:
            value = other.astype(value.dtype)
        if not self.light or index in self.watched:
            with not_watching():  # what we do ourselves is no event
                kept = None if whole is None or whole.shape == value.shape else whole.copy()
                event = Event(index, operation, act, value.copy(), operands(), (), kept, accumulates, inside)
                self._keep(event, frames_of_user(2, self.stop))
        return value

    def before(self, index: int) -> Iterator[Event]:
        """What was kept before an operation, from the last back."""
        at = bisect_left(self.events, index, key=lambda e: e.index)
        return (self.events[i] for i in range(at - 1, -1, -1))

    def _keep(self, event: Event, frames: list[FrameType]) -> None:
        inside = event.returned
        if not self.light:
            places = (inside.place if inside else None, *map(place_of, frames))
            self.events.append(replace(event, places=tuple(p for p in places if p)))
        if event.index in self.watched and frames:
            self.watched[event.index](frames if inside is None else [None, *frames])

    def _check_length(self) -> None:
        if self.count > MOST_EVENTS or (self.count % 256 == 0 and time.monotonic() > self.ends):
            raise TooLongError


class _Here(threading.local):
    """Other threads record nothing: their results are values like any other."""

    run: Run | None = None


_here = _Here()


def current() -> Run | None:
    """The run that is watched in this thread."""
    return _here.run


@contextmanager
def watching(run: Run) -> Iterator[Run]:
    """Watch what this thread does."""
    before, _here.run = _here.run, run
    try:
        yield run
    finally:
        _here.run = before


class not_watching:  # noqa: N801  # a context, as `watching` is; a generator would cost as much as the event itself
    """What we do ourselves in between is no event."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before, _here.run = _here.run, None

    def __exit__(self, *_: object) -> None:
        _here.run = self._before


def kept_of(value: Any) -> tuple[Array, ...]:
    """Copies of what goes in, taken before something is written."""
    if _here.run is None or _here.run.light:
        return ()
    with not_watching():
        return tuple(numbers_in(value))


def numbers_in(value: Any) -> Iterator[Array]:
    """Copies of the arrays and numbers in arguments, through lists, tuples and dicts."""
    if isinstance(value, np.ndarray | np.generic | float):
        array = np.array(value, copy=True, subok=False)
        if array.dtype.kind in "fb":
            yield array
    elif isinstance(value, list | tuple):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item)
