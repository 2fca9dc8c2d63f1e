"""What might stand for an expression, and what it is held against: a value in the user's own frame."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gradient_diff.source.forms import Form
from gradient_diff.source.text import Edit, Source, parsed, span_of
from manual_mlp import Array

MOST = 1500


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
        one, other = (ast.dump(parsed(_alone(text))) for text in texts)
    except SyntaxError:
        return False
    return one == other


def _alone(text: str) -> str:
    """A statement that can be parsed by itself: a `return` in a function, lines further in."""
    body = textwrap.indent(textwrap.dedent(text), " ")
    return f"def f():\n{body}"
