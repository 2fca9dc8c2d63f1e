"""What an expression might have been meant to be, in the user's own words: small changes, then whole equations."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gradient_diff.source.frames import Own
from gradient_diff.source.known import Form, Known
from gradient_diff.source.positions import Span
from gradient_diff.source.text import Edit, Source, span_of
from manual_mlp import Array
from manual_mlp.extend import Product, Pullback, SumOverBatch

MOST = 1500

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


@dataclass(frozen=True, eq=False)
class Wanted:
    """What an expression should be.

    Attributes:
        form: the piece, in this shape.
        value: with its factor.
        now: what the expression is now, None where it cannot be evaluated.
    """

    form: Form
    value: Array
    now: Array | None


@dataclass(frozen=True, eq=False)
class Proposal:
    """A text for an expression, or for a part of it, and how much of a change it is."""

    cost: int
    node: ast.expr
    text: str


def candidates(node: ast.expr, wanted: Wanted, own: Sequence[Own], known: Known) -> Iterator[Proposal]:
    """What might stand for a node or a part of it; nobody has evaluated them yet."""
    yield from (Proposal(cost, node, text) for cost, text in _scaled(node, wanted, own, known))
    yield from changed(node, own)
    yield from (Proposal(2, node, text) for text in _with_slope(node, wanted, own, known))
    yield from (Proposal(4, node, text) for text in _equation(wanted, own, known))
    yield from (Proposal(3, node, text) for text in _named(wanted, own))


def _scaled(node: ast.expr, wanted: Wanted, own: Sequence[Own], known: Known) -> Iterator[tuple[int, str]]:
    """The same times a constant: a sign, 2, or a size, spelled by what it is."""
    ratio = _ratio(wanted)
    if ratio is None:
        return
    text = ast.unparse(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and np.isclose(ratio, -1):
        yield 1, f"{_operand(node.right)} - {_operand(node.left)}"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and np.isclose(ratio, -1):
        yield 1, ast.unparse(node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        yield 1, ast.unparse(node.left)
        if isinstance(node.op, ast.Mult):
            yield 1, ast.unparse(node.right)
    tight = not isinstance(node, ast.BinOp | ast.UnaryOp | ast.IfExp | ast.Compare)
    whole = text if tight else f"({text})"
    chain = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.MatMult)
    times = text if chain else whole
    if np.isclose(ratio, -1):
        yield 2, f"-{whole}"
    for size, value in _sizes(own, known):
        made = {1 / value: f"{times} / {size}", value: f"{size} * {whole}"}
        made |= {2 / value: f"2 * {whole} / {size}", value / 2: f"{times} * {size} / 2"}
        yield from ((2, words) for factor, words in made.items() if np.isclose(ratio, factor))
    for value, words in ((2.0, f"2 * {whole}"), (0.5, f"{times} / 2"), (4.0, f"4 * {whole}"), (0.25, f"{times} / 4")):
        if np.isclose(ratio, value):
            yield 2, words


def _ratio(wanted: Wanted) -> float | None:
    """wanted / now, where that is one number."""
    now, value = wanted.now, wanted.value
    if now is None or now.shape != value.shape or not np.isfinite(now.astype(float)).all():
        return None
    total = float(np.square(now.astype(float)).sum())
    ratio = float((now * value).sum()) / total if total else 0.0
    return ratio if ratio and np.allclose(value, ratio * now, 1e-9, 1e-300) else None


def _sizes(own: Sequence[Own], known: Known) -> Iterator[tuple[str, float]]:
    """Numbers of the user's that are N, K or N·K, and how such a one is spelled by an array of his."""
    n, k = known.batch, known.problem.mlp.units[-1]
    for name in own:
        if name.value.ndim == 0 and name.value.dtype.kind in "if" and float(name.value) in (n, k, n * k):
            yield name.text, float(name.value)
    for name in own:
        whole = name.name is not None and name.name.form.rows is None and name.name.form.piece.per_sample
        if whole and name.value.ndim == 2 and name.name is not None and name.name.node in ("x", "y"):
            rows = 0 if name.value.shape[0] == n else 1
            yield (f"len({name.text})" if rows == 0 else f"{name.text}.shape[1]"), float(n)
            if name.name.node == "y":
                yield f"{name.text}.size", float(n * k)
                yield f"{name.text}.shape[{1 - rows}]", float(k)


def changed(node: ast.expr, own: Sequence[Own]) -> Iterator[Proposal]:
    """One place in it written otherwise."""
    for part in ast.walk(node):
        if isinstance(part, ast.expr):
            for cost, other in _otherwise(part, own):
                yield Proposal(cost, part, ast.unparse(ast.fix_missing_locations(other)))


def _otherwise(part: ast.expr, own: Sequence[Own]) -> Iterator[tuple[int, ast.expr]]:
    """(cost, what might have been meant by a part)."""
    if isinstance(part, ast.Attribute) and part.attr == "T":
        yield 1, part.value
    if isinstance(part, ast.Name | ast.Attribute | ast.Subscript):
        mine = next((o for o in own if o.text == ast.unparse(part)), None)
        if mine is not None and mine.value.ndim == 2:
            yield 1, ast.Attribute(part, "T", ast.Load())
        if mine is None or mine.value.dtype.kind == "f":
            yield from _other_names(mine, own)
    if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.expr):
        for index in _shifted(part.slice):
            yield 2, ast.Subscript(part.value, index, ast.Load())
    if isinstance(part, ast.BinOp):
        small = isinstance(part.right, ast.Constant)
        yield 1 if small else 3, part.left
        yield 3, part.right
        if not small:
            yield from ((2, ast.BinOp(part.left, op(), part.right)) for op in _OPERATORS.get(type(part.op), ()))
            yield 3, ast.BinOp(part.right, part.op, part.left)
        elif isinstance(part.op, ast.Add | ast.Sub):
            yield 2, ast.BinOp(part.left, ast.Sub() if isinstance(part.op, ast.Add) else ast.Add(), part.right)
        yield from ((2, ast.parse(o.text, mode="eval").body) for o in own if o.name is not None and o.value.ndim)
    if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub):
        yield 2, part.operand
    if isinstance(part, ast.Compare) and len(part.ops) == 1:
        for op in _COMPARISONS.get(type(part.ops[0]), ()):
            yield 2, ast.Compare(part.left, [op()], part.comparators)
        yield 3, ast.Compare(part.left, part.ops, [ast.Constant(0)])
    if isinstance(part, ast.Constant) and type(part.value) in (int, float):
        yield from ((3, ast.Constant(v)) for v in (0, 1, 2, -1, 0.5) if v != part.value)
    if isinstance(part, ast.Call):
        yield from _other_calls(part)
    if isinstance(part, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
        yield 3, ast.BinOp(part, ast.Pow(), ast.Constant(2))
        yield 3, ast.BinOp(ast.Constant(1), ast.Sub(), part)


def _other_names(mine: Own | None, own: Sequence[Own]) -> Iterator[tuple[int, ast.expr]]:
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


def _other_calls(call: ast.Call) -> Iterator[tuple[int, ast.expr]]:
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr in _METHODS:
        yield 1, _called(call, func=ast.Attribute(function.value, _METHODS[function.attr], ast.Load()))
    if isinstance(function, ast.Attribute) and function.attr in ("sum", "mean"):
        yield from _other_axes(call)
    if len(call.args) == 2:
        yield 2, _called(call, args=call.args[::-1])
    if len(call.args) == 1 and not call.keywords:
        yield 3, call.args[0]


def _other_axes(call: ast.Call) -> Iterator[tuple[int, ast.expr]]:
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


def _with_slope(node: ast.expr, wanted: Wanted, own: Sequence[Own], known: Known) -> Iterator[str]:
    """Times the f′ that is missing, by the activation's own formula."""
    equation = known.equations.get(wanted.form.node)
    if wanted.form.role == "f′":
        name = known.activations.get(wanted.form.layer, "linear")
        yield from slopes(name, wanted.form.layer, own)
    if equation is None or not isinstance(equation.operation, Pullback):
        return
    text = ast.unparse(node)
    whole = f"({text})" if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Mult) else text
    for slope in slopes(equation.operation.name, f"{equation.layer}", own):
        yield f"{whole} * {slope}"


def slopes(activation: str, layer: str, own: Sequence[Own]) -> Iterator[str]:
    """f′ of a layer, in NumPy, by the user's own names of its u or z."""
    for name in own:
        if name.name is None or name.name.form.layer != layer or not name.name.exact:
            continue
        t = name.text
        if name.name.form.role == "f′":
            yield t
        if name.name.form.role == "z" and activation == "sigmoid":
            yield f"{t} * (1 - {t})"
        if name.name.form.role == "z" and activation == "tanh":
            yield f"(1 - {t} ** 2)"
        if name.name.form.role in ("u", "z") and activation == "relu":
            yield f"({t} > 0)"
        if name.name.form.role == "u" and activation == "tanh":
            yield f"(1 - np.tanh({t}) ** 2)"


def _equation(wanted: Wanted, own: Sequence[Own], known: Known) -> Iterator[str]:
    """The node's equation, spelled by the user's own names of its operands, in each orientation."""
    equation = known.equations.get(wanted.form.node)
    if equation is None:
        return
    named = [[o for o in own if o.name is not None and operand in o.name.nodes] for operand in equation.operands]
    if isinstance(equation.operation, Product) and all(named[:2]):
        for a in named[0][:4]:
            for b in named[1][:4]:
                for left in (a.text, f"{a.text}.T"):
                    for right in (b.text, f"{b.text}.T"):
                        extra = [f" + {o.text}" for o in (named[2][:2] if len(named) > 2 else [])] or [""]
                        yield from (f"{left} @ {right}{more}" for more in extra)
                        yield from (f"{right} @ {left}{more}" for more in extra)
                yield f"np.outer({a.text}, {b.text})"
                yield f"np.outer({b.text}, {a.text})"
    if isinstance(equation.operation, SumOverBatch) and named[0]:
        for a in named[0][:4]:
            for axis in (0, 1):
                yield f"{a.text}.sum(axis={axis})"
                yield f"{a.text}.sum(axis={axis}, keepdims=True)"
    if isinstance(equation.operation, Pullback) and named[0]:
        for a in named[0][:4]:
            yield from (f"{a.text} * {slope}" for slope in slopes(equation.operation.name, equation.layer, own))


def _named(wanted: Wanted, own: Sequence[Own]) -> Iterator[str]:
    """A name of the user's that holds it already."""
    for name in own:
        if name.name is not None and wanted.form.node in name.name.nodes:
            yield name.text
            yield f"{name.text}.T"


def _operand(node: ast.expr) -> str:
    text = ast.unparse(node)
    return f"({text})" if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) else text


Evaluate = Callable[[str], Array | None]


def fitting(
    source: Source, node: ast.expr, proposals: Iterator[Proposal], wanted: Wanted, evaluate: Evaluate
) -> Iterator[tuple[int, Edit]]:
    """Those with which the node is what is wanted, evaluated in the user's own frame."""
    limit = 1e-9 * float(np.abs(wanted.value).max(initial=0.0))
    seen: set[Edit] = set()
    for proposal in proposals:
        edit = in_place_of(source, proposal)
        if edit in seen or len(seen) > MOST:
            continue
        seen.add(edit)
        start, end = source.range(span_of(node))
        value = evaluate(f"({source.text[start : edit.start]}{edit.new}{source.text[edit.end : end]})")
        if value is not None and value.shape == wanted.value.shape and (np.abs(value - wanted.value) <= limit).all():
            yield proposal.cost, edit


def in_place_of(source: Source, proposal: Proposal) -> Edit:
    """With brackets only where without them another expression would come of it."""
    start, end = source.range(span_of(proposal.node))
    bare, bracketed = Edit(start, end, proposal.text), Edit(start, end, f"({proposal.text})")
    return bare if _reads_alike(source, proposal.node, bare, bracketed) else bracketed


def _reads_alike(source: Source, node: ast.expr, bare: Edit, bracketed: Edit) -> bool:
    statement = source.statement(span_of(node))
    if statement is None:
        return False
    start, end = source.range(span_of(statement))
    texts = [f"{source.text[start : e.start]}{e.new}{source.text[e.end : end]}" for e in (bare, bracketed)]
    try:
        one, other = (ast.dump(ast.parse(_alone(text))) for text in texts)
    except SyntaxError:
        return False
    return one == other


def _alone(text: str) -> str:
    """A statement that can be parsed by itself: a `return` in a function, lines further in."""
    body = textwrap.indent(textwrap.dedent(text), " ")
    return f"def f():\n{body}"


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
            for _, other in _otherwise(node, ()):
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
        for copied in (f"[w.copy() for w in {text}]", f"{{k: w.copy() for k, w in {text}.items()}}", f"{text}.copy()"):
            yield Edit(begin, end, f"{name} = {copied}\n{indent}{before}{name}")


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
