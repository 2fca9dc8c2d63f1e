"""Which expression of a user's raised, read from the traceback: its text, its operands, the frame as it was left."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import FrameType, TracebackType

from gradient_diff.source.positions import Place, Span, is_users, place_at

_Chain = tuple[ast.expr | ast.stmt, ...]
_COMPOUND = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.With, ast.Try)


@dataclass(frozen=True, eq=False)
class Failing:
    """An expression, or a statement that writes, at which code raised.

    Attributes:
        frame: of the function in which it stands, as it was then.
        place: its code and span.
        node: what stands there.
        outer: what it stands in, the innermost first, up to its statement.
        lines: the file's text.
    """

    frame: FrameType
    place: Place
    node: ast.expr | ast.stmt
    outer: _Chain
    lines: tuple[str, ...]

    @property
    def operands(self) -> list[ast.expr]:
        """What meets in it."""
        return list(operands_of(self.node, self.outer))

    @property
    def whole(self) -> ast.expr | ast.stmt:
        """What it writes into belongs to it."""
        writes = isinstance(self.node, ast.Subscript) and isinstance(self.node.ctx, ast.Store) and self.outer
        return self.outer[0] if writes else self.node

    def text(self, node: ast.AST) -> str:
        """As it stands in the file."""
        return ast.get_source_segment("".join(self.lines), node) or ast.unparse(node)


def failing_in(trace: TracebackType | None) -> Failing | None:
    """The innermost expression of the user's in a traceback; None where its source is not known."""
    found = [t for t in _chain(trace) if is_users(t.tb_frame.f_code)]
    own = [t for t in found if "site-packages" not in t.tb_frame.f_code.co_filename] or found
    if not own:
        return None
    frame = own[-1].tb_frame
    place = place_at(frame.f_code, own[-1].tb_lasti)
    return None if place is None else failing_at(frame, place)


def failing_at(frame: FrameType, place: Place) -> Failing | None:
    """What stands at a place; None where the file says something else by now, or nothing."""
    lines = tuple(linecache.getlines(place.file, frame.f_globals))
    chain = _index(lines).get(place.span)
    if chain is None or not _is_of(chain[0], frame):
        return None
    return Failing(frame, place, chain[0], chain[1:], lines)


def _chain(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


@lru_cache(maxsize=64)
def _index(lines: tuple[str, ...]) -> dict[Span, _Chain]:
    """Span → what stands there and what that stands in, up to the statement; empty for what is no Python."""
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return {}
    found: dict[Span, _Chain] = {}
    _enter(tree, (), found)
    return found


def _enter(node: ast.AST, outer: _Chain, found: dict[Span, _Chain]) -> None:
    if isinstance(node, ast.stmt | ast.expr):
        inner = () if isinstance(node, ast.stmt) else outer
        outer = (node, *inner)
        found[node.lineno, node.end_lineno or 0, node.col_offset, node.end_col_offset or 0] = outer
    for child in ast.iter_child_nodes(node):
        _enter(child, () if isinstance(node, _COMPOUND) else outer, found)


def _is_of(node: ast.AST, frame: FrameType) -> bool:
    """Whether a function can hold this: of a file that changed since it was read another text may stand there."""
    code = frame.f_code
    known = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
    inner = {n for c in code.co_consts if hasattr(c, "co_names") for n in (*c.co_names, *c.co_varnames, *c.co_freevars)}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} <= known | inner


def operands_of(node: ast.AST, outer: tuple[ast.AST, ...] = ()) -> Iterator[ast.expr]:
    """What meets in an expression, or in a statement that writes."""
    match node:
        case ast.BinOp():
            yield from (node.left, node.right)
        case ast.AugAssign():
            yield from (node.target, node.value)
        case ast.Compare():
            yield from (node.left, *node.comparators)
        case ast.UnaryOp():
            yield node.operand
        case ast.Call():
            if isinstance(node.func, ast.Attribute):
                yield node.func.value  # of a method; a module is no operand, and is not recognised as one
            yield from node.args
            yield from (k.value for k in node.keywords)
        case ast.Subscript():
            yield from _of_subscript(node, outer)
        case ast.Tuple() | ast.List():
            yield from (o.value for o in outer[:1] if isinstance(o, ast.Assign))


def _of_subscript(node: ast.Subscript, outer: tuple[ast.AST, ...]) -> Iterator[ast.expr]:
    written = isinstance(node.ctx, ast.Store) and outer and isinstance(outer[0], ast.Assign | ast.AugAssign)
    if written:
        yield from (node, outer[0].value)  # type: ignore[attr-defined]  # an assignment has a value
    else:
        yield node.value
        yield node.slice
