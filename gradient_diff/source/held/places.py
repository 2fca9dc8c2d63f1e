"""Places: where numbers are held in somebody's objects, each read and written in the layout in which it is held."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from numbers import Real
from typing import Any

import numpy as np

from gradient_diff.source.held.reach import reach, reach_of
from gradient_diff.source.held.slots import Slot
from manual_mlp import Array

MOST_ROWS = 512  # of lists of lists that are places of their own
MOST_NUMBERS = 20_000_000  # of an array that is noted: data sets are neither weights nor gradients
MOST_LAYERS = 16  # rows of an array that are places of their own
MOST_PARTS = 64  # of an array of three axes: a matrix per layer


@dataclass(frozen=True, eq=False)
class Place:
    """Numbers that are held somewhere.

    Attributes:
        path: how the user writes it.
        read: the array that is held, itself where it is one, a copy where it is numbers in lists.
        write: puts other numbers there: into the array where it is one, else into the lists and attributes.
    """

    path: str
    read: Callable[[], Array]
    write: Callable[[Array], None]

    @property
    def value(self) -> Array:
        """What is held now."""
        return self.read()

    def put(self, array: Array) -> None:
        """Hold other numbers of this shape from now on."""
        self.write(np.asarray(array))


def places_of(step: object) -> tuple[Place, ...]:
    """Every place with numbers that a callable can get at; what is shared, once."""
    return tuple(p for slot, value in reach_of(step).slots for p in _in_slot(slot, value))


def places_in(value: object, path: str, own: frozenset[str] = frozenset()) -> tuple[Place, ...]:
    """Every place with numbers in what a step returned, or in an object."""

    def refuse(_: Any) -> None:
        raise TypeError(f"{path} is a value that nobody holds: another cannot take its place.")

    found = reach(Slot(path, lambda: value, refuse), own).slots
    return tuple(p for slot, held in found for p in _in_slot(slot, held))


def _in_slot(slot: Slot, value: Any) -> Iterator[Place]:
    if isinstance(value, np.ndarray):
        yield from _of_array(slot, value)
    elif isinstance(value, list | tuple | deque):
        shape = regular(value)
        if shape is not None and len(shape) <= 2:
            yield Place(slot.path, lambda: np.array([*slot.get()]), lambda a: _fill(slot, a))
    elif _is_number(value):
        yield Place(slot.path, lambda: np.asarray(slot.get()), lambda a: slot.put(_like(value, a)))


def _of_array(slot: Slot, array: Any) -> Iterator[Place]:
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        return
    yield Place(slot.path, lambda: np.asarray(slot.get()), lambda a: _overwrite(slot, a))
    if array.ndim == 3 and len(array) <= MOST_PARTS:
        yield from (_part(slot, i) for i in range(len(array)))


def _part(slot: Slot, i: int) -> Place:
    def write(new: Array) -> None:
        slot.get()[i] = new

    return Place(f"{slot.path}[{i}]", lambda: np.asarray(slot.get()[i]), write)


def _overwrite(slot: Slot, new: Array) -> None:
    """In place, so that views and other names of the array follow; a read-only one, or another kind, is replaced."""
    held = slot.get()
    if held.shape == new.shape and held.flags.writeable and np.can_cast(new.dtype, held.dtype, "same_kind"):
        held[...] = new
    else:
        slot.put(new.copy())


def _fill(slot: Slot, new: Array) -> None:
    held = slot.get()
    if isinstance(held, tuple):
        slot.put(type(held)(_filled(item, new[i]) for i, item in enumerate(held)))
        return
    for i, item in enumerate(held):
        held[i] = _filled(item, new[i])


def _filled(item: Any, new: Any) -> Any:
    """A number, or the same list with other numbers in it."""
    if isinstance(item, list):
        item[:] = [_filled(inner, new[i]) for i, inner in enumerate(item)]
        return item
    if isinstance(item, tuple):
        return tuple(_filled(inner, new[i]) for i, inner in enumerate(item))
    return _like(item, new)


def _like(held: Any, new: Any) -> Any:
    """A number of the kind that was held; a whole number gives way to a float."""
    return type(held)(new) if isinstance(held, float | np.floating) else float(new)


def regular(value: Any) -> tuple[int, ...] | None:
    """The shape of lists of numbers that are all alike; None of anything else."""
    if not isinstance(value, list | tuple | deque):
        return () if _is_number(value) else None
    if not value or (isinstance(value[0], list | tuple) and len(value) > MOST_ROWS):
        return None
    first = regular(value[0])
    if first is None or any(regular(item) != first for item in value):
        return None
    return (len(value), *first)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def differs(a: Array, b: Array) -> bool:
    """In shape, or in any bit."""
    return a.shape != b.shape or a.tobytes() != b.tobytes()


def numbers_in(path: str) -> tuple[int, ...]:
    """The numbers of a path: the place in a list, or at the end of a name."""
    return tuple(map(int, re.findall(r"\d+", path)))


def pattern_of(path: str) -> str:
    """A path with # for its numbers: the same for all of one list, and for W1 and W2."""
    return re.sub(r"\d+", "#", path)


def is_part(path: str, whole: str) -> bool:
    """Whether a path leads into what stands at another: a row of it, or an object that it is gathered of."""
    stem = re.escape(whole).replace(re.escape("[:]"), r"\[\d+\]")
    return path != whole and re.fullmatch(rf"{stem}(\[.*)?", path) is not None


def gathered(places: Iterable[Place]) -> tuple[Place, ...]:
    """Numbers that are spread over one or two lists of like objects, a neuron each: `layer.neurons[:].weights`.

    And the other way round: the rows of a small array, a bias for each layer.
    """
    every = [(p, p.value) for p in places]
    once = _gathered([p for p, value in every if value.ndim < 2])
    rows = (
        _row(p, i) for p, value in every if value.ndim == 2 and len(value) <= MOST_LAYERS for i in range(len(value))
    )
    return (*once, *_gathered([p for p in once if p.value.ndim < 2]), *rows)


def _row(place: Place, i: int) -> Place:
    def write(new: Array) -> None:
        whole = np.array(place.value)
        whole[i] = new
        place.put(whole)

    return Place(f"{place.path}[{i}]", lambda: place.value[i], write)


_INDEX = re.compile(r"\[(\d+)\]")


def _gathered(places: Sequence[Place]) -> tuple[Place, ...]:
    """Along the last list of each path."""
    split = [(p, *cut) for p in places if (cut := _cut(p.path))]
    found = []
    for (before, behind), group in groupby(sorted(split, key=lambda one: (*_ends(one), one[2])), _ends):
        parts = [(i, p) for p, _, i, _ in group]
        alike = len({p.value.shape for _, p in parts}) == 1
        if alike and [i for i, _ in parts] == list(range(len(parts))):
            found.append(_stack(f"{before}[:]{behind}", [p for _, p in parts]))
    return tuple(found)


def _ends(one: tuple[Place, str, int, str]) -> tuple[str, str]:
    """Before the index, and behind it."""
    return one[1], one[3]


def _cut(path: str) -> tuple[str, int, str] | None:
    """Before the last index, the index, and behind it."""
    found = list(_INDEX.finditer(path))
    if not found:
        return None
    return path[: found[-1].start()], int(found[-1][1]), path[found[-1].end() :]


def _stack(path: str, parts: Sequence[Place]) -> Place:
    def write(new: Array) -> None:
        for part, row in zip(parts, new, strict=True):
            part.put(row)

    return Place(path, lambda: np.stack([p.value for p in parts]), write)
