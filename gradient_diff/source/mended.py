"""The change to an expression that raised with which it is a node of the network: tried, not guessed."""

from __future__ import annotations

import ast
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradient_diff.source.editing import Edit, Text
from gradient_diff.source.forms import Recognised
from gradient_diff.source.recorded import plain
from gradient_diff.source.respelling import chains_in, respellings
from gradient_diff.source.scene import Scene, as_array, evaluated, may_be_evaluated
from manual_mlp import Array

MOST_TRIES = 600
MOST_SECONDS = 3.0


@dataclass(frozen=True, eq=False)
class Mended:
    """What should stand there.

    Attributes:
        text: the expression that raised, or its statement, as it should be.
        name: what was recognised with it.
        at: the expression of which that is the value, in words of the user's file.
        instead_of: the product that raised with what it is multiplied by, where that has to go, too; else "".
    """

    text: str
    name: Recognised
    at: str
    instead_of: str = ""


def mended(scene: Scene) -> Mended | None:
    """The cheapest change after which nothing raises and a node comes out; None where none or several do."""
    ends, cost, turned = time.monotonic() + MOST_SECONDS, 0, _columns(scene)
    found: list[tuple[Mended, bool]] = []
    for tries, (price, edits) in enumerate(respellings(scene.failing, lambda n: _shape(scene.value(n)))):
        if (found and price > cost) or tries >= MOST_TRIES or time.monotonic() > ends:
            break
        one = _tried(scene, edits)
        if one is not None and _lies_so(one.name, turned):
            cost = price
            found.append((one, any(e.renames for e in edits)))
    return _only(found)


def _lies_so(name: Recognised, turned: bool | None) -> bool:
    """Whether what comes out has its samples where the operands have theirs."""
    return turned is None or name.form.how not in ("", "ᵀ") or turned == (name.form.how == "ᵀ")


def _only(found: list[tuple[Mended, bool]]) -> Mended | None:
    """The first, unless others give something else, or other names give the same."""
    if len({one.name.form.role for one, _ in found}) != 1 or (found[0][1] and len({one.text for one, _ in found}) > 1):
        return None
    return found[0][0]


def _columns(scene: Scene) -> bool | None:
    """Whether its samples stand in columns, so that all is transposed; None where its operands do not tell."""
    turned = set()
    for node in chains_in(scene.failing.whole):
        name = None if isinstance(node, ast.Attribute) and node.attr == "T" else scene.recognise(scene.value(node))
        if name is not None and name.form.how in ("", "ᵀ") and name.form.array.ndim == 2:
            turned.add(name.form.how == "ᵀ")
    return turned.pop() if len(turned) == 1 else None


def _shape(value: Any) -> tuple[int, ...] | None:
    return value.shape if isinstance(value, np.ndarray) else None


def _tried(scene: Scene, edits: Sequence[Edit]) -> Mended | None:
    source, whole = Text(scene.failing.lines), scene.failing.whole
    text = source.edited(whole, edits)
    if _value(scene, text) is None or not all(_is_alike(scene, e.renames) for e in edits if e.renames):
        return None
    for level in _levels(scene, source, edits):
        shown = source.edited(level, edits)
        value = _value(scene, shown)
        name = None if value is None else scene.recognise(value)
        if name is not None and _says_something(name):
            return Mended(_flat(text), name, _flat(shown), _too_much(scene, source, edits) if level is whole else "")
    return None


def _too_much(scene: Scene, source: Text, edits: Sequence[Edit]) -> str:
    """The product in which what raised is multiplied again, where that raises also with what is right."""
    found = ""
    for outer in scene.failing.outer if isinstance(scene.failing.node, ast.BinOp) else ():
        if not (isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.MatMult)):
            break
        node = ast.parse(f"({source.edited(outer, edits)})", mode="eval").body
        if may_be_evaluated(node, scene.failing.frame) and _value(scene, ast.unparse(node)) is None:
            found = _flat(source.of(outer))
    return found


def _is_alike(scene: Scene, renames: tuple[str, str]) -> bool:
    """Whether one array stands for another of its kind: a kernel for a kernel, δ for δ."""
    old, new = (_value(scene, text) for text in renames)
    names = [None if v is None else scene.recognise(v) for v in (old, new)]
    return names[0] is not None and names[1] is not None and names[0].form.role == names[1].form.role


def _says_something(name: Recognised) -> bool:
    """Weights and data are no results."""
    return name.node not in ("x", "y") and name.form.role.partition(" ")[0] not in ("kernel", "bias")


def _levels(scene: Scene, source: Text, edits: Sequence[Edit]) -> Iterator[ast.expr | ast.stmt]:
    """What raised, then what it stands in; of a statement that writes, before that what it writes."""
    whole = scene.failing.whole
    if isinstance(whole, ast.Assign | ast.AugAssign):
        yield from _within(whole.value, source, edits)
    yield whole
    outer = scene.failing.outer
    yield from (n for n in outer if n is not whole and isinstance(n, ast.expr))


def _within(node: ast.expr, source: Text, edits: Sequence[Edit]) -> Iterator[ast.expr]:
    """The operations that hold every change, the smallest first; a name alone is no operation."""
    changes = [c for e in edits for c in e.changes]
    if any(e.renames for e in edits):  # another name: what it stands for would be recognised whatever it is
        return
    for inner in reversed(list(ast.walk(node))):
        if isinstance(inner, ast.BinOp | ast.Call):
            start, end = source.span(inner)
            if all(start <= a and b <= end for a, b, _ in changes):
                yield inner


def _value(scene: Scene, text: str) -> Array | None:
    """What the text would be there; None where it raises, does not fit into what it is written to, or may do more."""
    with contextlib.suppress(Exception):
        node, into = _computed(text)
        value = _evaluated(scene, node)
        if value is None or into is None:
            return value
        target = _evaluated(scene, into)
        if target is not None and np.broadcast_shapes(target.shape, value.shape) == target.shape:
            return value
    return None


def _evaluated(scene: Scene, node: ast.expr) -> Array | None:
    if not may_be_evaluated(node, scene.failing.frame):
        return None
    return as_array(plain(evaluated(ast.unparse(node), scene.failing.frame)))


def _computed(text: str) -> tuple[ast.expr, ast.expr | None]:
    """(what is computed, the memory that it is written into)."""
    with contextlib.suppress(SyntaxError):
        return ast.parse(f"({text})", mode="eval").body, None
    statement = ast.parse(text.strip()).body[0]
    if isinstance(statement, ast.AugAssign):
        into = ast.parse(ast.unparse(statement.target), mode="eval").body
        return ast.BinOp(into, statement.op, statement.value), into
    if isinstance(statement, ast.Assign):
        first = statement.targets[0]
        into = ast.parse(ast.unparse(first), mode="eval").body
        return statement.value, into if isinstance(first, ast.Subscript) else None
    raise SyntaxError(text)


def _flat(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines())
