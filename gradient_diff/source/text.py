"""A user's source file: its syntax tree by span, and what it is with one stretch written otherwise."""

from __future__ import annotations

import ast
import difflib
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import CodeType

from gradient_diff.source.positions import Span


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
        """Whether it still compiles to this very code."""
        try:
            now = code_like(code, compile(self.text, self.file, "exec", dont_inherit=True))
        except (SyntaxError, ValueError):
            return False
        return now is not None and _content(now) == _content(code)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines(keepends=True)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

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


def span_of(node: ast.expr | ast.stmt) -> Span:
    """As `co_positions` counts it."""
    return node.lineno, node.end_lineno or node.lineno, node.col_offset, node.end_col_offset or 0


def _covers(outer: Span, inner: Span) -> bool:
    return (outer[0], outer[2]) <= (inner[0], inner[2]) and (inner[1], inner[3]) <= (outer[1], outer[3])


def _content(code: CodeType) -> tuple[object, ...]:
    """What it does, with which names and numbers, and on which lines: a comment above moves all that is below."""
    constants = [(type(c), c) for c in code.co_consts if not isinstance(c, CodeType)]
    return code.co_code, code.co_names, code.co_varnames, constants, list(code.co_positions())


def code_like(code: CodeType, module: CodeType) -> CodeType | None:
    """The code of the same function in another compilation of its file."""
    if code.co_name == "<module>":
        return module
    same = [c for c in codes_in(module) if c.co_qualname == code.co_qualname]
    equal = [c for c in same if c == code]  # two lambdas or comprehensions on one line have the same name
    return min(equal or same, key=lambda c: abs(c.co_firstlineno - code.co_firstlineno), default=None)


def code_in_its_place(code: CodeType, before: CodeType, after: CodeType) -> CodeType | None:
    """The code of the same function in a file that was changed: of several of one name on a line, by their order."""
    old, new = list(codes_in(before)), list(codes_in(after))
    if code in old and [c.co_qualname for c in old] == [c.co_qualname for c in new]:
        return new[old.index(code)]
    here = [c for c in new if (c.co_qualname, c.co_firstlineno) == (code.co_qualname, code.co_firstlineno)]
    return None if len(here) > 1 else code_like(code, after)


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """A code object and all that is written inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)
