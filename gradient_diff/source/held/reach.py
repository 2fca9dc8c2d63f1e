"""reach: everything that a callable can get at, breadth first, so that the shortest path names what is shared."""

from __future__ import annotations

import functools
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from gradient_diff.source.held.foreign import is_foreign, package_of
from gradient_diff.source.held.slots import Slot, opaque, root_of, slots_of

MOST_OBJECTS = 100_000
_PLAIN = (str, bytes, bool, int, float, complex, type(None), type(...), range, slice, np.generic, np.dtype, np.ufunc)
_HARMLESS = (*_PLAIN, BuiltinFunctionType, ModuleType, type, FunctionType, frozenset)
GENERATORS = (random.Random, np.random.Generator, np.random.RandomState, np.random.BitGenerator)


@dataclass(frozen=True, eq=False)
class Reach:
    """What was found.

    Attributes:
        slots: every slot, each object that can change once; the values that hung there keep their identity.
        unseen: paths, with their types, of what was not looked into: objects of libraries, and all beyond the limit.
    """

    slots: tuple[tuple[Slot, Any], ...]
    unseen: tuple[str, ...]


def reach(root: Slot, own: frozenset[str]) -> Reach:
    """Everything below a slot."""
    seen: set[int] = set()
    found: list[tuple[Slot, Any]] = []
    unseen: list[str] = []
    ahead: deque[Slot] = deque([root])
    while ahead and len(found) < MOST_OBJECTS:
        slot = ahead.popleft()
        value = slot.get()
        if isinstance(value, _PLAIN):
            found.append((slot, value))
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        if opaque(value, own):
            found.append((slot, value))
            if not isinstance(value, (*_HARMLESS, *GENERATORS)) and not hasattr(type(value), "__get__"):
                unseen.append(f"{slot.path} ({type(value).__name__})")
            continue
        found.append((slot, value))
        ahead.extend(slots_of(slot, own))
    if ahead:
        unseen.append(f"{ahead[0].path} and all that comes after the first {MOST_OBJECTS:,} objects")
    return Reach(tuple(found), tuple(unseen))


def reach_of(step: object) -> Reach:
    """Everything that a step can get at."""
    return reach(root_of(step), own_packages(step))


def own_packages(step: object) -> frozenset[str]:
    """The packages whose code is under test, which is looked into wherever it lies."""
    found = {package_of(part) for part in _parts(step)}
    return frozenset(found - {"builtins", "functools"})


def _parts(step: object) -> Iterator[object]:
    if isinstance(step, MethodType):
        yield from (*type(step.__self__).__mro__, step.__func__)
    elif isinstance(step, functools.partial):
        yield from _parts(step.func)
    elif isinstance(step, FunctionType):
        yield step
    else:
        yield from (c for c in type(step).__mro__ if c is type(step) or not is_foreign(c.__module__))
