"""Small changes to an expression of the user's, in his own words: a transpose, an order, an axis, another name."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradient_diff.source.editing import Edit, Text
from gradient_diff.source.failing import Failing

_PRODUCTS = ("dot", "matmul", "outer")
_REDUCTIONS = ("sum", "mean", "max", "min", "argmax", "prod")
ShapeOf = Callable[[ast.expr], tuple[int, ...] | None]
"""An expression → the shape of the array that it is, None where it is none."""
MOST_EDITS = 2
MOST_COST = 4
_CHAIN = (ast.Name, ast.Attribute, ast.Subscript)
_INDICES = (ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp)


def respellings(failing: Failing, shape_of: ShapeOf) -> Iterator[tuple[int, tuple[Edit, ...]]]:
    """(cost, edits), the cheapest first."""
    maker = _Maker(Text(failing.lines), failing.whole, failing.frame, shape_of)
    edits = sorted(dict.fromkeys(maker.of(failing.whole)), key=lambda e: e.cost)
    several = [c for n in range(1, MOST_EDITS + 1) for c in itertools.combinations(edits, n)]
    apart = (c for c in several if not any(a.meets(b) for a, b in itertools.combinations(c, 2)))
    priced = ((sum(e.cost for e in c), c) for c in apart)
    yield from sorted((p for p in priced if p[0] <= MOST_COST), key=lambda p: (p[0], len(p[1])))


@dataclass(frozen=True, eq=False)
class _Maker:
    """Every single change within an expression."""

    source: Text
    whole: ast.AST
    frame: Any
    shape_of: ShapeOf

    def of(self, node: ast.AST) -> Iterator[Edit]:
        for inner in ast.walk(node):
            if isinstance(inner, ast.BinOp):
                yield from self._of_operation(inner)
            elif isinstance(inner, ast.Call):
                yield from self._of_call(inner)
            elif isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Tuple):
                yield from self._of_indices(inner.slice)
        yield from self._of_statement(node)
        for chain in chains_in(node):
            yield from self._of_name(chain)

    def _of_statement(self, node: ast.AST) -> Iterator[Edit]:
        if isinstance(node, ast.Assign | ast.AugAssign):
            yield from self._turned(node.value, 2)
            for axis in (0, 1):
                yield self._behind(node.value, f".sum(axis={axis})", 2)

    def _of_operation(self, node: ast.BinOp) -> Iterator[Edit]:
        product = isinstance(node.op, ast.MatMult)
        for side in (node.left, node.right):
            yield from self._turned(side, 1 if product else 2)
            if len(self.shape_of(side) or ()) == 1:
                yield self._behind(side, "[:, None]", 2)
        if product:
            yield from self._swapped(node.left, node.right)
        if isinstance(node.op, ast.MatMult | ast.Mult):
            yield self._operator(node, "*" if product else "@")

    def _of_call(self, node: ast.Call) -> Iterator[Edit]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _PRODUCTS and len(node.args) == 2:
            yield from self._swapped(node.args[0], node.args[1], 1 if name == "outer" else 2)
            for side in node.args if name != "outer" else ():
                yield from self._turned(side, 1)
        elif name in _PRODUCTS and len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            for side in (node.func.value, node.args[0]):
                yield from self._turned(side, 1)
        elif name in _REDUCTIONS:
            yield from self._of_reduction(node)
        elif name == "einsum" and node.args and isinstance(node.args[0], ast.Constant):
            yield from self._of_letters(node.args[0])
        elif name == "tensordot":
            yield from self._of_axes(node)

    def _of_reduction(self, node: ast.Call) -> Iterator[Edit]:
        given = [k.value for k in node.keywords if k.arg == "axis"]
        method = isinstance(node.func, ast.Attribute) and not self._is_module(node.func.value)
        given += node.args[:1] if method else node.args[1:2]
        for axis in given:
            if isinstance(axis, ast.Constant) and axis.value in (0, 1):
                yield self._instead(axis, str(1 - axis.value), 1)
                end = self.source.span(node)[1] - 1
                if not any(k.arg == "keepdims" for k in node.keywords):
                    yield Edit(((end, end, ", keepdims=True"),), 1)
                    both = (*self._instead(axis, str(1 - axis.value), 1).changes, (end, end, ", keepdims=True"))
                    yield Edit(both, 2)

    def _of_letters(self, node: ast.Constant) -> Iterator[Edit]:
        """The letters of one operand in another order; one letter for another."""
        terms, arrow, result = str(node.value).replace(" ", "").partition("->")
        parts = terms.split(",")
        for i, part in enumerate(parts):
            others = [part[::-1]] if len(part) == 2 else sorted(set(terms) - {",", part}) if len(part) == 1 else []
            for other in others:
                yield self._instead(node, f'"{",".join([*parts[:i], other, *parts[i + 1 :]])}{arrow}{result}"', 1)

    def _of_axes(self, node: ast.Call) -> Iterator[Edit]:
        for axis in (n for k in (*node.args[2:], *(k.value for k in node.keywords)) for n in ast.walk(k)):
            if isinstance(axis, ast.Constant) and axis.value in (0, 1):
                yield self._instead(axis, str(1 - axis.value), 1)

    def _of_indices(self, node: ast.Tuple) -> Iterator[Edit]:
        """W[:, j] for W[j]."""
        if len(node.elts) == 2:
            first, second = node.elts
            if isinstance(first, ast.Slice) is not isinstance(second, ast.Slice):
                yield self._instead(node, self.source.of(second if isinstance(first, ast.Slice) else first), 1)
                yield self._instead(node, f"{self.source.of(second)}, {self.source.of(first)}", 2)

    def _of_name(self, node: ast.expr) -> Iterator[Edit]:
        """Another array of the same function's, another index, another key."""
        own = self.source.of(node)
        if isinstance(node, ast.Name):
            for name in self._others(node.id):
                yield Edit(((*self.source.span(node), name),), 3, (own, name))
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, _INDICES):
            start, end = self.source.span(node.slice)
            before, behind = start - self.source.span(node)[0], end - self.source.span(node)[0]
            for text, cost in self._indices(node):
                other = own.encode()[:before].decode() + text + own.encode()[behind:].decode()
                yield Edit(((start, end, text),), cost, (own, other))

    def _others(self, name: str) -> Iterator[str]:
        for other, value in self.frame.f_locals.items():
            if other != name and isinstance(value, np.ndarray) and value.ndim:
                yield other

    def _indices(self, node: ast.Subscript) -> Iterator[tuple[str, int]]:
        """Others that the same statement reads by come first."""
        own, index = self.source.of(node.slice), node.slice
        if isinstance(index, ast.Constant) and isinstance(index.value, str):
            owner = self.frame.f_locals.get(node.value.id) if isinstance(node.value, ast.Name) else None
            yield from ((repr(k), 3) for k in (owner if isinstance(owner, Mapping) else ()) if k != index.value)
            return
        numbers = [n for n, v in self.frame.f_locals.items() if isinstance(v, int) and not isinstance(v, bool)]
        texts = {f"{n}{more}": 3 for n in numbers for more in ("", " - 1", " + 1")}
        beside = (c.slice for c in ast.walk(self.whole) if isinstance(c, ast.Subscript))
        texts |= {self.source.of(other): 2 for other in beside if isinstance(other, ast.Name | ast.BinOp)}
        yield from ((text, cost) for text, cost in texts.items() if text != own)

    def _turned(self, node: ast.expr, cost: int) -> Iterator[Edit]:
        if isinstance(node, ast.Attribute) and node.attr == "T":
            start, end = self.source.span(node.value)[1], self.source.span(node)[1]
            yield Edit(((start + self.source.bytes[start:end].rindex(b"."), end, ""),), cost)
        elif len(self.shape_of(node) or ()) == 2:
            yield self._behind(node, ".T", cost)

    def _behind(self, node: ast.expr, more: str, cost: int) -> Edit:
        start, end = self.source.span(node)
        if isinstance(node, ast.Call | ast.Name | ast.Attribute | ast.Subscript):
            return Edit(((end, end, more),), cost)
        return Edit(((start, start, "("), (end, end, f"){more}")), cost)

    def _swapped(self, left: ast.expr, right: ast.expr, cost: int = 2) -> Iterator[Edit]:
        """The other way round, each as it is and transposed."""
        for (first, more), (second, again) in itertools.product(self._ways(right), self._ways(left)):
            yield Edit(((*self.source.span(left), first), (*self.source.span(right), second)), cost + more + again)

    def _ways(self, node: ast.expr) -> list[tuple[str, int]]:
        """(text, cost)."""
        text = _bracketed(node, self.source.of(node))
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return [(text, 0), (_bracketed(node.value, self.source.of(node.value)), 1)]
        return [(text, 0), (f"{text}.T", 1)] if len(self.shape_of(node) or ()) == 2 else [(text, 0)]

    def _operator(self, node: ast.BinOp, other: str) -> Edit:
        start, end = self.source.span(node.left)[1], self.source.span(node.right)[0]
        old = "@" if other == "*" else "*"
        between = self.source.bytes[start:end].decode()
        at = start + len(between[: between.index(old)].encode())
        return Edit(((at, at + 1, other),), 2)

    def _instead(self, node: ast.expr, text: str, cost: int) -> Edit:
        return Edit(((*self.source.span(node), text),), cost)

    def _is_module(self, node: ast.expr) -> bool:
        value = self.frame.f_globals.get(node.id) if isinstance(node, ast.Name) else None
        return type(value).__name__ == "module"


def chains_in(node: ast.AST) -> Iterator[ast.expr]:
    """Names and what is read from them, where they are values: `W2`, `self.weights[i]`; not what is called."""
    if isinstance(node, ast.Call):
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        for child in (*([inner] if inner else ()), *node.args, *(k.value for k in node.keywords)):
            yield from chains_in(child)
    elif isinstance(node, _CHAIN):
        if isinstance(node.ctx, ast.Load):
            yield node
        if isinstance(node, ast.Attribute | ast.Subscript):
            yield from chains_in(node.value)
    else:
        for child in ast.iter_child_nodes(node):
            yield from chains_in(child)


def _bracketed(node: ast.expr, text: str) -> str:
    return f"({text})" if isinstance(node, ast.BinOp | ast.UnaryOp | ast.IfExp | ast.Lambda) else text
