"""What an expression might have been meant to be, in the user's own words: small changes, then whole equations."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence

from gradient_diff.source.changing import changed
from gradient_diff.source.frames import Own
from gradient_diff.source.known import Known
from gradient_diff.source.penalised import spelled_penalty
from gradient_diff.source.proposals import Proposal, Wanted
from gradient_diff.source.scaling import scaled
from gradient_diff.source.stepwise import spelled
from manual_mlp import Equation
from manual_mlp.extend import PenaltyGradient, Product, Pullback, SumOverBatch, activation, is_gradient

MOST_NAMES = 4  # of one operand
MOST_SPELLED = 64  # ways to spell an operand that has no name
MOST_STEPWISE = 40


def candidates(
    node: ast.expr, wanted: Wanted, own: Sequence[Own], known: Known, functions: Sequence[str] = ()
) -> Iterator[Proposal]:
    """What might stand for a node or a part of it; nobody has evaluated them yet. Of functions: the user's, of one."""
    yield from (Proposal(cost, node, text) for cost, text in scaled(node, wanted, own, known))
    yield from changed(node, own)
    yield from (Proposal(2, node, text) for text in _added(node, wanted, own))
    yield from (Proposal(2, node, text) for text in _with_slope(node, wanted, own, known))
    yield from (Proposal(2, node, f"{ast.unparse(node)} + {text}") for text in _penalties(wanted, own, known))
    yield from (Proposal(4, node, f"{name}({ast.unparse(node)})") for name in functions)
    yield from (Proposal(4, node, text) for text in _equation(wanted.form.node, own, known))
    yield from (Proposal(4, node, text) for text in _step_by_step(wanted, own, known))
    yield from (Proposal(3, node, text) for text in _named(wanted, own))


def _added(node: ast.expr, wanted: Wanted, own: Sequence[Own]) -> Iterator[str]:
    """To what the user has of the same gradient: a sum that is not added up."""
    for name in own if is_gradient(wanted.form.node) else ():
        if name.name is not None and wanted.form.node in name.name.nodes and name.value.shape == wanted.value.shape:
            yield f"{name.text} + {ast.unparse(node)}"


def _with_slope(node: ast.expr, wanted: Wanted, own: Sequence[Own], known: Known) -> Iterator[str]:
    """Times the f′ that is missing, by the activation's own formula."""
    equation = known.ladder.equations.get(wanted.form.node)
    if wanted.form.role == "f′":
        name = known.ladder.activations.get(wanted.form.layer, "linear")
        yield from slopes(name, wanted.form.layer, own)
    if equation is None or not isinstance(equation.operation, Pullback):
        return
    text = ast.unparse(node)
    whole = f"({text})" if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Mult) else text
    for slope in slopes(equation.operation.name, f"{equation.layer}", own):
        yield f"{whole} * {slope}"


def slopes(kind: str, layer: str, own: Sequence[Own]) -> Iterator[str]:
    """f′ of a layer, in NumPy, by the user's own names of its u or z."""
    for name in own:
        if name.name is not None and name.name.form.layer == layer and name.name.exact:
            role = name.name.form.role
            spelled = (template for read, template in activation(kind).numpy_slopes if read == role)
            yield from (template.format(t=name.text) for template in (("{t}",) if role == "f′" else spelled))


def _penalties(wanted: Wanted, own: Sequence[Own], known: Known) -> Iterator[str]:
    """What penalties add to the node."""
    equation = known.ladder.equations.get(wanted.form.node)
    for part in () if equation is None else equation.parts:
        if isinstance(part.operation, PenaltyGradient):
            yield from spelled_penalty(part.operation.penalty, _names(part.operands[0], own)[:MOST_NAMES], own, known)


def _equation(node: str, own: Sequence[Own], known: Known, within: bool = True) -> Iterator[str]:
    """A node's equation, in each orientation, by the user's own names of its operands; its summands one by one."""
    equation = known.ladder.equations.get(node)
    parts = [list(_part(part, own, known, within)) for part in equation.parts] if equation else []
    yield from map(" + ".join, itertools.product(*parts)) if parts else ()


def _names(node: str, own: Sequence[Own]) -> list[str]:
    return [name.text for name in own if name.name is not None and node in name.name.nodes]


def _part(equation: Equation, own: Sequence[Own], known: Known, within: bool) -> Iterator[str]:
    """One summand; what its first operand has no name for is spelled out by its own equation."""
    named = [_names(n, own) for n in equation.operands]
    if not named[0] and within:
        spelled_out = itertools.islice(_equation(equation.operands[0], own, known, within=False), MOST_SPELLED)
        firsts = [f"({text})" for text in spelled_out]
    else:
        firsts = named[0][:MOST_NAMES]
    if isinstance(equation.operation, PenaltyGradient):
        yield from spelled_penalty(equation.operation.penalty, firsts, own, known)
    if isinstance(equation.operation, Product) and firsts and named[1]:
        added = [f" + {b}" for b in (named[2][:2] if len(named) > 2 else ())] or [""]
        for a, b in itertools.product(firsts, named[1][:MOST_NAMES]):
            yield from _products(a, b, added)
    if isinstance(equation.operation, SumOverBatch):
        for a, axis in itertools.product(firsts, (0, 1)):
            yield f"{a}.sum(axis={axis})"
            yield f"{a}.sum(axis={axis}, keepdims=True)"
    if isinstance(equation.operation, Pullback):
        for a in firsts:
            yield from (f"{a} * {slope}" for slope in slopes(equation.operation.name, equation.layer, own))


def _step_by_step(wanted: Wanted, own: Sequence[Own], known: Known) -> Iterator[str]:
    yield from itertools.islice(spelled(wanted.form.node, own, known.ladder, known.numbers), MOST_STEPWISE)


def _products(a: str, b: str, added: Sequence[str]) -> Iterator[str]:
    for left, right in itertools.product((a, f"{a}.T"), (b, f"{b}.T")):
        yield from (f"{left} @ {right}{more}" for more in added)
        yield from (f"{right} @ {left}{more}" for more in added)
    yield f"np.outer({a}, {b})"
    yield f"np.outer({b}, {a})"


def _named(wanted: Wanted, own: Sequence[Own]) -> Iterator[str]:
    """A name of the user's that holds it already."""
    for name in own:
        if name.name is not None and wanted.form.node in name.name.nodes:
            yield name.text
            yield f"{name.text}.T"
