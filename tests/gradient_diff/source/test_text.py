"""A source by spans, in characters where Python counts bytes; and only the source that runs."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradient_diff.source.text import Edit, Source, code_like, codes_in, compiled, parsed, span_of

TEXT = """ä, δ = 1, 2
def f(a):
    return (δ + a) * (
        a - ä)
class C:
    def f(self, a): return [b + δ for b in a]
g = lambda a: a + δ
h = lambda a: a - δ"""
SOURCE = Source("mine.py", TEXT)


def node_of(text: str) -> ast.expr:
    return next(n for n in ast.walk(SOURCE.tree) if isinstance(n, ast.expr) and ast.unparse(n) == text)


@pytest.mark.parametrize("text", ["δ + a", "a - ä", "b + δ", "[b + δ for b in a]", "a + δ"])
def test_spans_are_in_bytes_and_texts_in_characters(text: str) -> None:
    span = span_of(node_of(text))
    assert SOURCE.at(span) == text
    found = SOURCE.expression(span)
    assert found is not None
    assert ast.unparse(found) == text


def test_a_span_over_lines() -> None:
    assert SOURCE.at(span_of(node_of("(δ + a) * (a - ä)"))) == "(δ + a) * (\n        a - ä)"


def test_what_is_around_a_span() -> None:
    statement = SOURCE.statement(span_of(node_of("b + δ")))
    assert isinstance(statement, ast.Return)
    function = SOURCE.function(span_of(node_of("b + δ")))
    assert isinstance(function, ast.FunctionDef)
    assert function.lineno == 6
    assert SOURCE.function(span_of(node_of("a + δ"))) is SOURCE.tree


def test_no_expression_stands_there() -> None:
    assert SOURCE.expression((1, 1, 0, 1)) is None
    assert SOURCE.statement((90, 90, 0, 1)) is None


def test_several_edits_at_once() -> None:
    edits = [Edit(*SOURCE.range(span_of(node_of(t))), new) for t, new in (("δ + a", "1"), ("a + δ", "a"))]
    for order in (edits, edits[::-1]):
        other = SOURCE.edited(*order)
        assert "return (1) * (" in other.text
        assert "g = lambda a: a\n" in other.text
    assert SOURCE.text == TEXT


def test_a_diff_ends_each_line() -> None:
    """The last line of a file may have no end of its own."""
    diff = Source("C:\\home\\mine.py", TEXT).diff(Source("x", TEXT.replace("a - δ", "a")))
    assert diff.startswith("--- a/mine.py\n+++ b/mine.py\n")
    assert diff.endswith("-h = lambda a: a - δ\n+h = lambda a: a\n")


def test_all_codes() -> None:
    module = compiled(TEXT, "mine.py")
    names = {c.co_qualname for c in codes_in(module)}
    assert {"<module>", "f", "C", "C.f", "<lambda>"} <= names


PAIR = "f = (lambda u: u + 1, lambda z: z * (1 - z))\n"


def test_code_like_is_of_the_same_name_and_place() -> None:
    for text in (TEXT, PAIR):
        module, later = compiled(text, "mine.py"), compiled("\n" + text, "mine.py")
        for code in codes_in(module):
            found = code_like(code, module, later)
            assert found is not None
            assert (found.co_qualname, found.co_code) == (code.co_qualname, code.co_code)
            assert code_like(code, module, compiled("", "mine.py")) is None or code is module


def test_code_like_where_one_is_gone() -> None:
    before, now = compiled("a = lambda: 1\n\n\nb = lambda: 2\n", "m"), compiled("\n\n\nb = lambda: 2\n", "m")
    found = [code_like(c, before, now) for c in codes_in(before) if c.co_name == "<lambda>"]
    assert len(found) == 2
    assert set(found) == {c for c in codes_in(now) if c.co_name == "<lambda>"}


def test_lambdas_on_one_line_have_a_source(written: Callable[..., dict[str, Any]]) -> None:
    """As in a table of activations: f and f′ beside each other."""
    for function in written(PAIR)["f"]:
        assert Source.of(function.__code__) is not None


def test_the_source_that_runs(written: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    code = written("def gradients(p, x, y):\n    return p\n")["gradients"].__code__
    source = Source.of(code)
    assert source is not None
    assert source.text == (tmp_path / "mine.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["def gradients(p, x, y):\n    return x\n", "def (", "", "x = 1\n"])
def test_changed_on_disk(written: Callable[..., dict[str, Any]], tmp_path: Path, text: str) -> None:
    code = written("def gradients(p, x, y):\n    return p\n")["gradients"].__code__
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    linecache.checkcache()
    assert Source.of(code) is None


def test_a_constant_changed_on_disk(written: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """The instructions are the same, what they load is not."""
    code = written("def gradients(p, x, y):\n    return 2.0 * x\n")["gradients"].__code__
    (tmp_path / "mine.py").write_text("def gradients(p, x, y):\n    return 3.0 * x\n", encoding="utf-8")
    linecache.checkcache()
    assert Source.of(code) is None


@pytest.mark.parametrize(("old", "new"), [("def", "import math\n\ndef"), ("return 2", "return   2")])
def test_moved_on_disk(written: Callable[..., dict[str, Any]], tmp_path: Path, old: str, new: str) -> None:
    """A line more above it, or spaces in it: the spans of the code that runs are of other text."""
    text = "def gradients(p, x, y):\n    return 2.0 * x\n"
    code = written(text)["gradients"].__code__
    (tmp_path / "mine.py").write_text(text.replace(old, new), encoding="utf-8")
    linecache.checkcache()
    assert Source.of(code) is None


def test_no_source_at_all() -> None:
    space: dict[str, Any] = {}
    exec(compile("def f(): return 1", "<nowhere>", "exec"), space)
    assert Source.of(space["f"].__code__) is None


def test_texts_that_python_warns_of() -> None:
    """With warnings as errors, `1(2)` and "\\d" are syntax errors; that is no reason to call a source unreadable."""
    assert parsed('"\\d"').body
    assert compiled("def f(): return 1(2)", "mine.py")
    text = 'def f():\n    """\\d"""\n    return 1\n'
    space: dict[str, Any] = {}
    exec(compiled(text, "mine.py"), space)
    assert Source("mine.py", text).holds(space["f"].__code__)
