"""One place of an expression written otherwise: another name, operator, axis, index or sign."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gradient_diff.source.frames import Own
from gradient_diff.source.proposals import Proposal

Change = tuple[int, ast.expr]
"""How much of a change it is, and what stands there then."""

_OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Div, ast.MatMult, ast.Add),
    ast.Div: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
}
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.Gt, ast.GtE),
    ast.LtE: (ast.Gt, ast.GtE),
    ast.Gt: (ast.Lt, ast.LtE),
    ast.GtE: (ast.Lt, ast.LtE),
}
_METHODS = {"mean": "sum", "sum": "mean", "max": "sum"}


def changed(node: ast.expr, own: Sequence[Own]) -> Iterator[Proposal]:
    """One place in it written otherwise."""
    for part in ast.walk(node):
        if isinstance(part, ast.expr):
            for cost, other in otherwise(part, own):
                yield Proposal(cost, part, ast.unparse(ast.fix_missing_locations(other)))


def otherwise(part: ast.expr, own: Sequence[Own]) -> Iterator[Change]:
    """(cost, what might have been meant by a part)."""
    for kinds, changes in _CHANGES:
        if isinstance(part, kinds):
            yield from changes(part, own)


def _turned(part: Any, own: Sequence[Own]) -> Iterator[Change]:
    if part.attr == "T":
        yield 1, part.value


def _of_name(part: Any, own: Sequence[Own]) -> Iterator[Change]:
    mine = next((o for o in own if o.text == ast.unparse(part)), None)
    if mine is not None and mine.value.ndim == 2:
        yield 1, ast.Attribute(part, "T", ast.Load())
    if mine is None or mine.value.dtype.kind == "f":
        yield from _other_names(mine, own)


def _of_item(part: Any, own: Sequence[Own]) -> Iterator[Change]:
    yield from ((2, ast.Subscript(part.value, index, ast.Load())) for index in _shifted(part.slice))
    others = (ast.parse(o.text, mode="eval").body for o in own if o.text.endswith("]"))
    slices = {ast.unparse(o.slice): o.slice for o in others if isinstance(o, ast.Subscript)}
    yield from ((3, ast.Subscript(part.value, s, ast.Load())) for s in slices.values())


def _of_operation(part: Any, own: Sequence[Own]) -> Iterator[Change]:
    """One side alone, another operator, the sides exchanged; or something known, by its name."""
    small = isinstance(part.right, ast.Constant)
    yield 1 if small else 3, part.left
    yield 3, part.right
    if not small:
        yield from ((2, ast.BinOp(part.left, op(), part.right)) for op in _OPERATORS.get(type(part.op), ()))
        yield 3, ast.BinOp(part.right, part.op, part.left)
    elif isinstance(part.op, ast.Add | ast.Sub):
        yield 2, ast.BinOp(part.left, ast.Sub() if isinstance(part.op, ast.Add) else ast.Add(), part.right)
    yield from ((2, ast.parse(o.text, mode="eval").body) for o in own if o.name is not None and o.value.ndim)


def _of_sign(part: Any, own: Sequence[Own]) -> Iterator[Change]:
    if isinstance(part.op, ast.USub):
        yield 2, part.operand


def _of_comparison(part: Any, own: Sequence[Own]) -> Iterator[Change]:
    if len(part.ops) == 1:
        for op in _COMPARISONS.get(type(part.ops[0]), ()):
            yield 2, ast.Compare(part.left, [op()], part.comparators)
        yield 3, ast.Compare(part.left, part.ops, [ast.Constant(0)])


def _of_constant(part: Any, own: Sequence[Own]) -> Iterator[Change]:
    if type(part.value) in (int, float):
        yield from ((3, ast.Constant(v)) for v in (0, 1, 2, -1, 0.5) if v != part.value)


def _of_call(part: Any, own: Sequence[Own]) -> Iterator[Change]:
    yield from _other_calls(part)


def _of_value(part: Any, own: Sequence[Own]) -> Iterator[Change]:
    yield 3, ast.BinOp(part, ast.Pow(), ast.Constant(2))
    yield 3, ast.BinOp(ast.Constant(1), ast.Sub(), part)
    targets = (o.text for o in own if o.name is not None and o.name.node == "y")
    yield from ((3, ast.BinOp(part, ast.Sub(), ast.parse(y, mode="eval").body)) for y in targets)


_CHANGES: tuple[tuple[tuple[type[ast.expr], ...], Callable[[Any, Sequence[Own]], Iterator[Change]]], ...] = (
    ((ast.Attribute,), _turned),
    ((ast.Name, ast.Attribute, ast.Subscript), _of_name),
    ((ast.Subscript,), _of_item),
    ((ast.BinOp,), _of_operation),
    ((ast.UnaryOp,), _of_sign),
    ((ast.Compare,), _of_comparison),
    ((ast.Constant,), _of_constant),
    ((ast.Call,), _of_call),
    ((ast.Name, ast.Attribute, ast.Subscript, ast.Call), _of_value),
)
"""Kinds of nodes → how such a one might be written otherwise; in this order they are tried."""


def _other_names(mine: Own | None, own: Sequence[Own]) -> Iterator[Change]:
    """Others of the user's names: of the same role in another layer first."""
    for other in own:
        if other is mine or other.value.dtype.kind != "f" or (other.name is None and mine is not None):
            continue
        if mine is not None and (mine.value.ndim == 0) != (other.value.ndim == 0):
            continue
        alike = mine is not None and mine.name is not None and other.name is not None
        same = alike and mine.name.form.role == other.name.form.role  # type: ignore[union-attr]  # both are there
        yield (1 if same else 2), ast.parse(other.text, mode="eval").body


def _shifted(index: ast.expr) -> Iterator[ast.expr]:
    if isinstance(index, ast.Tuple | ast.Slice):
        return
    shifted = isinstance(index, ast.BinOp) and isinstance(index.op, ast.Add | ast.Sub)
    if isinstance(index, ast.BinOp) and shifted and isinstance(index.right, ast.Constant):
        yield index.left
        return
    number = getattr(index.operand if isinstance(index, ast.UnaryOp) else index, "value", None)
    if type(number) is int:
        signed = -number if isinstance(index, ast.UnaryOp) else number
        yield from (ast.Constant(i) for i in (signed - 1, signed + 1, -1, 0) if i != signed)
        return
    for op in (ast.Add(), ast.Sub()):
        yield ast.BinOp(index, op, ast.Constant(1))


def _other_calls(call: ast.Call) -> Iterator[Change]:
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr in _METHODS:
        yield 1, _called(call, func=ast.Attribute(function.value, _METHODS[function.attr], ast.Load()))
    if isinstance(function, ast.Attribute) and function.attr in ("sum", "mean"):
        yield from _other_axes(call)
    if len(call.args) == 2:
        yield 2, _called(call, args=call.args[::-1])
    if len(call.args) == 1 and not call.keywords:
        yield 2, _called(call, args=[ast.UnaryOp(ast.USub(), call.args[0])])
        yield 3, call.args[0]


def _other_axes(call: ast.Call) -> Iterator[Change]:
    rest = [k for k in call.keywords if k.arg != "axis"]
    whose = call.func.value if isinstance(call.func, ast.Attribute) else None
    own = whose is not None and not (isinstance(whose, ast.Name) and whose.id in ("np", "numpy"))
    args = [] if own else call.args[:1]
    for axis in (0, 1):
        axes = [ast.keyword("axis", ast.Constant(axis))]
        yield 2, _called(call, args=args, keywords=[*axes, *rest])
        yield 3, _called(call, args=args, keywords=[*axes, ast.keyword("keepdims", ast.Constant(True))])


def _called(call: ast.Call, **other: object) -> ast.Call:
    made = ast.Call(call.func, call.args, call.keywords)
    for name, value in other.items():
        setattr(made, name, value)
    return made
