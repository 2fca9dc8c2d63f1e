"""Run a user's functions with their source written otherwise: his objects, closures and modules stay as they are."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FunctionType

from gradient_diff.source.text import Source, code_like, codes_in


class NotPatchedError(Exception):
    """A function cannot take the other code."""


@contextmanager
def patched(source: Source, other: Source, functions: Sequence[FunctionType]) -> Iterator[None]:
    """For a while, these functions run the other text."""
    before, after = source.module, other.module
    old: list[tuple[FunctionType, CodeType]] = []
    try:
        for function in functions:
            new = code_like(function.__code__, before, after)
            if new is None or len(new.co_freevars) != len(function.__code__.co_freevars):
                raise NotPatchedError
            if new.co_code != function.__code__.co_code or new.co_consts != function.__code__.co_consts:
                old.append((function, function.__code__))
                function.__code__ = new
        yield
    finally:
        for function, code in old:
            function.__code__ = code


def functions_with(file: str, codes: Sequence[CodeType]) -> list[FunctionType]:
    """Functions of a file in whose code one of these is; looking through all objects is slow: once per search."""
    wanted = set(codes)
    own = (f for f in gc.get_objects() if type(f) is FunctionType and f.__code__.co_filename == file)
    return [f for f in own if any(code in wanted for code in codes_in(f.__code__))]
