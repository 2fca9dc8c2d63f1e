"""Where in a user's source an operation stands: file, function, and the exact span of the expression."""

from __future__ import annotations

import inspect
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dis import get_instructions
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType

import numpy as np

Span = tuple[int, int, int, int]
"""(line, last line, column, column behind the end), columns in bytes of UTF-8, as `co_positions` counts them."""

_OURS = Path(__file__).parents[1]
_NOT_THE_USERS = tuple(
    str(folder)
    for folder in (
        Path(np.__file__).parent,
        *(_OURS.parent / name for name in ("gradient_diff", "manual_mlp", "keras_mlp")),
    )
)
_LIBRARY = sysconfig.get_path("stdlib")
_INSTALLED = ("site-packages", "dist-packages")
_PYTHON = "Python"
_COMPUTING = ("scipy", _PYTHON)  # what they compute stands in the user's line that calls them; others draw or keep
_own: set[str] = set()


@dataclass(frozen=True, eq=False)
class Place:
    """An expression that is at work: in a user's code object, at this span."""

    code: CodeType
    span: Span

    def __eq__(self, other: object) -> bool:
        """Of the very same code: to Python the codes of two files are equal where their texts are."""
        return isinstance(other, Place) and self.code is other.code and self.span == other.span

    def __hash__(self) -> int:
        return hash((id(self.code), self.span))

    @property
    def file(self) -> str:
        return self.code.co_filename

    @property
    def function(self) -> str:
        """Its name as Python qualifies it, `Net.backward`."""
        return self.code.co_qualname

    @property
    def line(self) -> int:
        return self.span[0]


def frames_of_user(depth: int, stop: FrameType | None) -> list[FrameType]:
    """The user's frames, innermost first, from `depth` frames up to where he was called."""
    frame: FrameType | None = sys._getframe(depth + 1)  # noqa: SLF001  # the only way to a caller's frame
    found = []
    while frame is not None and frame is not stop:
        if is_users(frame.f_code):
            found.append(frame)
        frame = frame.f_back
    return found


Frames = Sequence[FrameType | None]
"""The user's, the innermost first; None of a function that has returned already."""


def place_of(frame: FrameType) -> Place | None:
    """The expression that a frame is evaluating; None where its code has no positions."""
    return place_at(frame.f_code, frame.f_lasti)


def place_at(code: CodeType, instruction: int) -> Place | None:
    """The expression that an instruction, by its offset in bytes, belongs to."""
    places = _places_of(code)
    return places[instruction // 2] if 0 <= instruction // 2 < len(places) else None


_RETURNS = ("RETURN_VALUE", "RETURN_CONST")
_TESTS = ("COMPARE_OP",)


@dataclass(frozen=True)
class Returned:
    """A function of the user's that computes nothing: its place, and of each number that it gave where it returned."""

    place: Place
    each: tuple[Place | None, ...]


def place_of_result(code: CodeType) -> Place | None:
    """What a function returns, where that is one expression; else what decides between several."""
    for names in (_RETURNS, _TESTS):
        places = {place_at(code, i.offset) for i in get_instructions(code) if i.opname in names}
        if len(places) == 1:
            return places.pop()
    return None


_places: dict[int, tuple[CodeType, list[Place | None]]] = {}
"""By identity: a cache by equality names another file where two have the same text. Holding the code keeps its id."""
_MOST_CODES = 4096


def _places_of(code: CodeType) -> list[Place | None]:
    """One place per instruction."""
    found = _places.get(id(code))
    if found is None:
        if len(_places) >= _MOST_CODES:
            _places.clear()
        found = _places[id(code)] = code, [_placed(code, *spot) for spot in code.co_positions()]
    return found[1]


def _placed(code: CodeType, line: int | None, end: int | None, column: int | None, behind: int | None) -> Place | None:
    if line is None or end is None or column is None or behind is None:
        return None
    return Place(code, (line, end, column, behind))


def is_users(code: CodeType) -> bool:
    """Whether code is somebody's own: not NumPy's, not ours, not Python's, no library's."""
    return _whose(code.co_filename) is None


def in_library(depth: int) -> bool:
    """Whether a library works with an array, from `depth` frames up; what it makes of it must have exact types."""
    frame: FrameType | None = sys._getframe(depth + 1)  # noqa: SLF001
    while frame is not None:
        whose = _whose(frame.f_code.co_filename)
        if whose != "":
            return whose is not None and whose not in _COMPUTING
        frame = frame.f_back
    return False


def take_for_own(function: Callable[..., object]) -> None:
    """A user's own package may be installed, too."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    library = _whose(code.co_filename) if isinstance(code, CodeType) else None
    if library and library != _PYTHON:
        _own.add(library)
        _whose.cache_clear()


@lru_cache(maxsize=4096)
def _whose(file: str) -> str | None:
    """None: the user's; "": NumPy's and ours; else the installed package, or Python. By file: code is slow to hash."""
    if file.startswith((*_NOT_THE_USERS, "<__array_function__")):
        return ""
    parts = file.replace("\\", "/").split("/")
    library = next((parts[i + 1] for i, part in enumerate(parts[:-1]) if part in _INSTALLED), None)
    if library is not None:
        return None if library in _own else library
    if file.startswith("<") and not file.startswith("<ipython"):
        return _PYTHON if file.startswith(("<frozen", "<string>")) else None
    return _PYTHON if file.startswith(_LIBRARY) else None
