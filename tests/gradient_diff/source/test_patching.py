"""The user's functions run another text for a while; whatever happens, they have their own code back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import CodeType, FunctionType
from typing import Any

import pytest

from gradient_diff.source.patching import NotPatchedError, functions_with, patched
from gradient_diff.source.text import Source

TEXT = """import functools


def doubled(function):
    @functools.wraps(function)
    def call(*given):
        return 2 * function(*given)
    return call


def plain(a):
    return a + 1


class Net:
    by = 10

    def method(self, a):
        return self.by * (a + 1)

    @staticmethod
    def static(a):
        return a + 1

    @property
    def own(self):
        return self.by + 1


def closure(by):
    def inner(a):
        return by * (a + 1)
    return inner


@doubled
def decorated(a):
    return a + 1


def outer(a):
    def inner(b):
        return b + 1
    return inner(a)


small = lambda a: a + 1
"""

Written = Callable[..., dict[str, Any]]


def put_in(source: Source, other: Source, codes: Sequence[CodeType]) -> AbstractContextManager[None]:
    return patched(source, other, functions_with(source.file, codes))


def source_of(function: FunctionType) -> Source:
    found = Source.of(function.__code__)
    assert found is not None
    return found


CALLS: dict[str, Callable[[dict[str, Any]], tuple[Callable[[], Any], CodeType]]] = {
    "plain": lambda m: (lambda: m["plain"](1), m["plain"].__code__),
    "method": lambda m: (lambda: m["Net"]().method(1), m["Net"].method.__code__),
    "static": lambda m: (lambda: m["Net"].static(1), m["Net"].static.__code__),
    "own": lambda m: (lambda: m["Net"]().own, m["Net"].own.fget.__code__),
    "decorated": lambda m: (lambda: m["decorated"](1), m["decorated"].__wrapped__.__code__),
    "lambda": lambda m: (lambda: m["small"](1), m["small"].__code__),
    "nested": lambda m: (lambda: m["outer"](1), _inner(m["outer"].__code__)),
}


def _inner(code: CodeType) -> CodeType:
    return next(c for c in code.co_consts if isinstance(c, CodeType))


@pytest.fixture
def module(written: Written) -> dict[str, Any]:
    return written(TEXT)


@pytest.mark.parametrize("name", list(CALLS))
def test_the_other_text_runs_and_then_the_own(module: dict[str, Any], name: str) -> None:
    call, code = CALLS[name](module)
    source = source_of(module["plain"])
    other = Source(source.file, source.text.replace("+ 1", "+ 7"))
    before = call()
    with put_in(source, other, [code]):
        during = call()
    assert during - before == {"method": 60, "decorated": 12}.get(name, 6)
    assert call() == before


def test_a_closure_keeps_its_cell(module: dict[str, Any]) -> None:
    inner = module["closure"](3)
    source = source_of(inner)
    with put_in(source, Source(source.file, source.text.replace("+ 1", "+ 7")), [inner.__code__]):
        assert inner(1) == 24
    assert inner(1) == 6


def test_lambdas_on_one_line(written: Written) -> None:
    text = "f = (lambda u: u + 1, lambda z: z * (1 - z))\n"
    one, two = written(text)["f"]
    source = source_of(two)
    with put_in(source, Source(source.file, text.replace("1 - z", "1 + z")), [two.__code__]):
        assert (one(3), two(3)) == (4, 12)
    assert (one(3), two(3)) == (4, -6)


def test_what_does_not_run_stays(module: dict[str, Any]) -> None:
    source = source_of(module["plain"])
    with put_in(source, Source(source.file, source.text.replace("+ 1", "+ 7")), [module["plain"].__code__]):
        assert module["plain"](1) == 8
        assert module["Net"]().method(1) == 20


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_own_code_is_back_after_an_exception(module: dict[str, Any], error: type[BaseException]) -> None:
    source, code = source_of(module["plain"]), module["plain"].__code__

    def fails() -> None:
        assert module["plain"](1) == 8
        raise error

    with pytest.raises(error), put_in(source, Source(source.file, TEXT.replace("+ 1", "+ 7")), [code]):
        fails()
    assert module["plain"].__code__ is code


def test_no_such_function_there(module: dict[str, Any]) -> None:
    source, codes = source_of(module["plain"]), [module["plain"].__code__]
    with pytest.raises(NotPatchedError), put_in(source, Source(source.file, "x = 1\n"), codes):
        pass
    assert module["plain"](1) == 2


def test_another_closure_does_not_fit(module: dict[str, Any]) -> None:
    """A function cannot take code that reads other cells; those before it get theirs back."""
    inner, plain = module["closure"](3), module["plain"]
    source, codes = source_of(plain), [inner.__code__, plain.__code__]
    text = TEXT.replace("return by * (a + 1)", "return a + 1").replace("return a + 1", "return a + 7")
    with pytest.raises(NotPatchedError), put_in(source, Source(source.file, text), codes):
        pass
    assert (inner(1), plain(1)) == (6, 2)
    assert [inner.__code__, plain.__code__] == codes


def test_no_python(module: dict[str, Any]) -> None:
    source = source_of(module["plain"])
    with pytest.raises(SyntaxError), put_in(source, Source(source.file, "def ("), [module["plain"].__code__]):
        pass
    assert module["plain"](1) == 2


def test_a_change_that_python_warns_of(module: dict[str, Any]) -> None:
    source = source_of(module["plain"])
    other = Source(source.file, TEXT.replace("def plain(a):\n    return a + 1", "def plain(a):\n    return 1(a)"))
    with put_in(source, other, [module["plain"].__code__]), pytest.raises(TypeError):
        module["plain"](1)
