"""Small changes of a statement that no value asks for: a sign, a comparison, an order of statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradient_diff.source.changing import otherwise
from gradient_diff.source.positions import Span
from gradient_diff.source.text import Edit, Source, span_of


def mutations(source: Source, span: Span) -> Iterator[Edit]:
    """Small changes of the statement around a span that no value says: a sign, a comparison, an order of statements."""
    statement = source.statement(span)
    if statement is None:
        return
    if isinstance(statement, ast.AugAssign):
        yield from _of_augmented(source, statement)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        start = source.range(span_of(statement.targets[0]))[1]
        equals = source.text.index("=", start)
        yield Edit(equals, equals, "+")
        if isinstance(statement.targets[0], ast.Name):
            yield Edit(start, start, "[:]")
    yield from _with_the_old(source, statement)
    yield from _in_another_order(source, statement)
    for node in ast.walk(statement):
        if isinstance(node, ast.expr) and not isinstance(node, ast.Tuple | ast.List):
            start, end = source.range(span_of(node))
            for _, other in otherwise(node, ()):
                text = ast.unparse(ast.fix_missing_locations(other))
                if text != ast.unparse(node):
                    yield Edit(start, end, text)


def _of_augmented(source: Source, statement: ast.AugAssign) -> Iterator[Edit]:
    start = source.range(span_of(statement.target))[1]
    equals = source.text.index("=", start)
    for sign in ("", "+", "-"):
        yield Edit(start, equals, f" {sign}")


def _with_the_old(source: Source, statement: ast.stmt) -> Iterator[Edit]:
    """What the loop changes is kept as it was before it, and read from there."""
    loops = [n for n in ast.walk(source.tree) if isinstance(n, ast.For | ast.While) and statement in ast.walk(n)]
    if not loops:
        return
    begin, _ = source.range(span_of(min(loops, key=lambda n: n.lineno)))
    indent = source.text[source.text.rfind("\n", 0, begin) + 1 : begin]
    for node in ast.walk(statement):
        held = node.value if isinstance(node, ast.Subscript) else node
        if not isinstance(held, ast.Name | ast.Attribute) or not isinstance(getattr(held, "ctx", None), ast.Load):
            continue
        start, end = source.range(span_of(held))
        text, before = source.text[start:end], source.text[begin:start]
        name = f"old_{text.rpartition('.')[2]}"
        for kept in (f"[w.copy() for w in {text}]", f"{{k: w.copy() for k, w in {text}.items()}}", f"{text}.copy()"):
            yield Edit(begin, end, f"{name} = {kept}\n{indent}{before}{name}")


def _in_another_order(source: Source, statement: ast.stmt) -> Iterator[Edit]:
    """Before the statement before it, behind the one behind it, and behind the loop."""
    block = next((b for b in _blocks(source.tree) if statement in b), [])
    at = block.index(statement) if block else 0
    for i, j in ((at - 1, at), (at, at + 1)):
        if i >= 0 and j < len(block):
            yield _exchanged(source, block[i], block[j])


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def _exchanged(source: Source, first: ast.stmt, second: ast.stmt) -> Edit:
    (a, b), (c, d) = source.range(span_of(first)), source.range(span_of(second))
    text = source.text
    return Edit(a, d, text[c:d] + text[b:c] + text[a:b])
