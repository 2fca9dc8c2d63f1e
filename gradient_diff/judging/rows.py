"""The rows of a comparison: names, shapes and finiteness are judged here, before any value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from gradient_diff.judging.case import float_name, unsound
from gradient_diff.ledger.building import live_ledger
from gradient_diff.metrics.measuring import measure
from gradient_diff.result.judged import Judged
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.shapes.misfit import misfit
from gradient_diff.sides import Pair
from manual_mlp import Array, Problem
from manual_mlp.extend import GATE, UNITS, layer_of


def rows_of(pair: Pair, judged: Mapping[str, Judged]) -> tuple[Row, ...]:
    """The rows of a pair in the order of the computation; a node that is not judged cannot be compared by value."""
    rows = _with_lines(pair, [_row(pair, name, judged.get(name)) for name in pair.order])
    return _mark_downstream(tuple(_with_namesake(row, rows) for row in rows), pair.problem)


def _row(pair: Pair, name: str, judged: Judged | None) -> Row:
    h, r = pair.hand.get(name), pair.reference.get(name)
    layer, formula = pair.formulas.get(name, (layer_of(name), ""))
    shapes = (None if h is None else h.shape, None if r is None else r.shape)
    if h is None or r is None:
        reason = f"the {'hand' if h is None else 'reference'} side has no {name}"
        return Row(name, layer, formula, "", *shapes, Status.MISSING, reason)
    dtype = _coarser(h, r)
    if judged is None:
        return Row(name, layer, formula, dtype, *shapes, *unsound(h, r))  # type: ignore[misc]  # it is unsound here
    row = Row(name, layer, formula, dtype, *shapes, judged.status, judged.reason, measure(h, r), judged.judge)
    return replace(
        row,
        distance=judged.distance,
        by_sigma=judged.by_sigma,
        isolated_hand=judged.isolated_hand,
        isolated_reference=judged.isolated_reference,
    )


def _with_lines(pair: Pair, rows: list[Row]) -> list[Row]:
    """Where the network is known, a row of two shapes says what happened with its equation at hand."""
    if pair.problem is None or all(row.status is not Status.SHAPE for row in rows):
        return rows
    lines = {line.node: line for line in live_ledger(pair.problem, pair.hand)}
    return [
        replace(row, reason=misfit(pair.hand[row.name], pair.reference[row.name], lines[row.name], pair.known))
        if row.status is Status.SHAPE and row.name in lines
        else row
        for row in rows
    ]


def _coarser(h: Array, r: Array) -> str:
    """The dtype in whose noise a row is judged."""
    return max((float_name(h), float_name(r)), key=lambda name: UNITS.get(name, 0.0))


def _with_namesake(row: Row, rows: Iterable[Row]) -> Row:
    """Where one side has no array of a name, but one of that shape which only it has, the row says so."""
    if row.status is not Status.MISSING:
        return row
    side = "hand" if row.shape_hand is None else "reference"
    shapes = row.shape_reference, row.shape_hand
    others = [other.name for other in rows if (other.shape_hand, other.shape_reference) == shapes]
    nearest = difflib.get_close_matches(row.name, others, 1, 0.0)
    if not nearest:
        return row
    found = f"the {side} side has no {row.name}; it has {nearest[0]} of that shape: is it called otherwise there?"
    return replace(row, reason=found)


def _mark_downstream(rows: tuple[Row, ...], problem: Problem | None) -> tuple[Row, ...]:
    """Mark rows that are off only because an operand of theirs is: their own equation, in isolation, is in order."""
    if problem is None:
        return rows
    operands = {e.node: e.operands for e in problem.equations}
    bad: dict[str, Status] = {}
    marked = []
    for row in rows:
        above = [bad[o] for o in operands.get(row.name, ()) if o in bad]
        follows = bool(above) and (_fits_by_itself(row) or (row.status is Status.NONFINITE and row.status in above))
        if row.status.bad:
            bad[row.name] = row.status
        marked.append(replace(row, downstream=row.status.bad and follows))
    return tuple(marked)


def _fits_by_itself(row: Row) -> bool:
    """Whether the side that is off computed just this from its own operands; without a culprit, whether both did."""
    both = (row.isolated_hand, row.isolated_reference)
    distances = {Status.MISMATCH: both[:1], Status.REFERENCE_OFF: both[1:]}.get(row.status, both)
    return all(d is not None and d <= GATE for d in distances)
