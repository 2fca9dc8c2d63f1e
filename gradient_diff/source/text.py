"""A user's source file: its syntax tree by span, and what it is with one stretch written otherwise."""

from __future__ import annotations

import ast
import difflib
import linecache
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import CodeType

from gradient_diff.source.positions import Place, Span


@dataclass(frozen=True)
class Edit:
    """A stretch of text, by character offsets, and what stands there instead."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Source:
    """The text of one file."""

    file: str
    text: str

    @classmethod
    def of(cls, code: CodeType) -> Source | None:
        """The file of a code object; None where there is none, or it is no longer the code that runs."""
        found = cls._cached(code)
        if found is None:
            linecache.checkcache(code.co_filename)  # edited and imported anew: what was read before is of yesterday
            found = cls._cached(code)
        return found

    @classmethod
    def _cached(cls, code: CodeType) -> Source | None:
        lines = linecache.getlines(code.co_filename)
        found = cls(code.co_filename, "".join(lines)) if lines else None
        return found if found is not None and found.holds(code) else None

    def holds(self, code: CodeType) -> bool:
        """Whether it still compiles to this very code: its constants and its positions, too."""
        try:
            return any(is_same(code, c) for c in codes_in(self.module))
        except (SyntaxError, ValueError):
            return False

    @cached_property
    def module(self) -> CodeType:
        return compiled(self.text, self.file)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines(keepends=True)

    @cached_property
    def tree(self) -> ast.Module:
        return parsed(self.text)

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [], 0
        for line in self.lines:
            starts.append(at)
            at += len(line)
        return [*starts, at]

    def offset(self, line: int, column: int) -> int:
        """Of a place whose column is counted in bytes of UTF-8."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return self._starts[line - 1] + len(text.encode()[:column].decode(errors="ignore"))

    def range(self, span: Span) -> tuple[int, int]:
        line, end, column, behind = span
        return self.offset(line, column), self.offset(end, behind)

    def at(self, span: Span) -> str:
        """The text of a span."""
        start, end = self.range(span)
        return self.text[start:end]

    def expression(self, span: Span) -> ast.expr | None:
        """The expression that stands there."""
        return next((n for n in ast.walk(self.tree) if isinstance(n, ast.expr) and span_of(n) == span), None)

    def statement(self, span: Span) -> ast.stmt | None:
        """The smallest statement around a span."""
        found = [n for n in ast.walk(self.tree) if isinstance(n, ast.stmt) and _covers(span_of(n), span)]
        return min(found, key=lambda n: self.range(span_of(n))[1] - self.range(span_of(n))[0], default=None)

    def function(self, span: Span) -> ast.AST:
        """The smallest function around a span, or the module."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        found = [n for n in ast.walk(self.tree) if isinstance(n, kinds) and _covers(span_of(n), span)]
        return min(found, key=lambda n: n.end_lineno - n.lineno, default=self.tree)  # type: ignore[operator]

    def edited(self, *edits: Edit) -> Source:
        """With these stretches written otherwise."""
        text = self.text
        for edit in sorted(edits, key=lambda e: -e.start):
            text = text[: edit.start] + edit.new + text[edit.end :]
        return Source(self.file, text)

    def diff(self, other: Source) -> str:
        """A unified diff, by the file's name without folders."""
        name = self.file.replace("\\", "/").rpartition("/")[2]
        return "".join(difflib.unified_diff(_ended(self.lines), _ended(other.lines), f"a/{name}", f"b/{name}", n=2))


def _ended(lines: list[str]) -> list[str]:
    return [line if line.endswith("\n") else f"{line}\n" for line in lines]


def compiled(text: str, file: str, mode: str = "exec") -> CodeType:
    """A text as code, without a warning: the user had his when he ran it, and no change that is tried has a reader."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(text, file, mode, dont_inherit=True)


def parsed(text: str) -> ast.Module:
    """Its syntax tree, likewise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def span_of(node: ast.expr | ast.stmt) -> Span:
    """As `co_positions` counts it."""
    return node.lineno, node.end_lineno or node.lineno, node.col_offset, node.end_col_offset or 0


def _covers(outer: Span, inner: Span) -> bool:
    return (outer[0], outer[2]) <= (inner[0], inner[2]) and (inner[1], inner[3]) <= (outer[1], outer[3])


def code_like(code: CodeType, before: CodeType, module: CodeType) -> CodeType | None:
    """The code of the same function in another compilation of its file, which was `before`.

    Of several of one name, as lambdas on one line are: that in the same place; where there are more or fewer of them
    now, the nearest.
    """
    old, new = ([c for c in codes_in(m) if c.co_qualname == code.co_qualname] for m in (before, module))
    at = next((i for i, c in enumerate(old) if is_same(c, code)), None)
    if at is not None and len(old) == len(new):
        return new[at]
    return min(new, key=lambda c: abs(c.co_firstlineno - code.co_firstlineno), default=None)


def is_same(a: object, b: object) -> bool:
    """Whether code does the same at the same places; how it was compiled, with or without `__future__`, is no matter.

    So are constants that are code; others must be equal.
    """
    if not isinstance(a, CodeType) or not isinstance(b, CodeType):
        return type(a) is type(b) and (a == b or repr(a) == repr(b))
    if any(getattr(a, name) != getattr(b, name) for name in _OF_CODE) or len(a.co_consts) != len(b.co_consts):
        return False
    return all(map(is_same, a.co_consts, b.co_consts))


_OF_CODE = ("co_qualname", "co_code", "co_names", "co_varnames", "co_firstlineno", "co_linetable")


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """A code object and all that is written inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


def is_repeated(place: Place) -> bool:
    """Whether an expression stands in a loop of its own function."""
    source = Source.of(place.code)
    if source is None or place.code.co_name.startswith("<"):
        return place.code.co_name in ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>")
    loops = [n for n in ast.walk(source.function(place.span)) if isinstance(n, ast.For | ast.While)]
    return any(_covers(span_of(loop), place.span) for loop in loops)
