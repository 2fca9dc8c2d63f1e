"""Run a user's functions with their source written otherwise: his objects, closures and modules stay as they are."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FunctionType

from gradient_diff.source.text import Source, code_in_its_place, codes_in


class NotPatchedError(Exception):
    """A function cannot take the other code."""


@contextmanager
def patched(source: Source, other: Source, codes: Sequence[CodeType]) -> Iterator[None]:
    """For a while, those functions run the other text whose code holds one of `codes`."""
    before, after = (compile(s.text, source.file, "exec", dont_inherit=True) for s in (source, other))
    old: list[tuple[FunctionType, CodeType]] = []
    try:
        for function in _functions(source.file, codes):
            new = code_in_its_place(function.__code__, before, after)
            if new is None or len(new.co_freevars) != len(function.__code__.co_freevars):
                raise NotPatchedError
            if new.co_code != function.__code__.co_code or new.co_consts != function.__code__.co_consts:
                old.append((function, function.__code__))
                function.__code__ = new
        yield
    finally:
        for function, code in old:
            function.__code__ = code


def _functions(file: str, codes: Sequence[CodeType]) -> list[FunctionType]:
    """Functions of a file in whose code one of these is."""
    wanted = set(codes)
    return [f for f in _of_file(file) if any(code in wanted for code in codes_in(f.__code__))]


def _of_file(file: str) -> list[FunctionType]:
    return [f for f in gc.get_objects() if type(f) is FunctionType and f.__code__.co_filename == file]
