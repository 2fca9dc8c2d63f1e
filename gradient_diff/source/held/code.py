"""What code names without being given it: globals, also of the code inside it, and the numbers that stand in it."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from functools import cache
from types import CodeType

_GLOBAL = {"LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME", "STORE_NAME"}


@cache
def global_names(code: CodeType) -> tuple[str, ...]:
    """The globals that code reads or writes, each once, in the order in which they appear."""
    found = (i.argval for part in _nested(code) for i in dis.get_instructions(part) if i.opname in _GLOBAL)
    return tuple(dict.fromkeys(found))


@cache
def constants(code: CodeType) -> tuple[float, ...]:
    """The floats that stand in code."""
    found = (c for part in _nested(code) for c in part.co_consts if isinstance(c, float))
    return tuple(dict.fromkeys(found))


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)
