"""Why a row of a comparison has two shapes: what happened, with the ledger line of its equation."""

from __future__ import annotations

from collections.abc import Mapping

from gradient_diff.ledger.ledger import LedgerLine
from gradient_diff.shapes.explain import explain_parts
from gradient_diff.shapes.operands import Operand
from manual_mlp import Array
from manual_mlp.extend import symbol

_OTHERS = ("equal_dimensions", "one_dimensional", "dot_of_vectors")  # of the operands, not of what came out


def misfit(
    hand: Array,
    reference: Array,
    line: LedgerLine | None = None,
    known: Mapping[str, Array] | None = None,
) -> str:
    """What happened to the side whose shape is not that of the equation; without one, to the hand."""
    swapped = line is not None and line.fits
    wrong, right = (reference, hand) if swapped else (hand, reference)
    given = Operand("given", wrong.shape, wrong)
    parts = _operands(line, known or {})
    found = explain_parts(parts, right.shape, given=given) if parts else explain_parts((given,), right.shape)
    usual = [f"the reference's {slip}" if swapped else str(slip) for slip in found.slips if slip.id not in _OTHERS]
    said = ": ".join([f"hand {hand.shape}, reference {reference.shape}", *usual[:1]])
    if line is None:
        return said
    return f"{said.removesuffix('.')}. {line.layer}: {line.equation}"


def _operands(line: LedgerLine | None, known: Mapping[str, Array]) -> tuple[Operand, ...]:
    names = [] if line is None else [o for o in line.operands if o in known]
    return tuple(Operand(symbol(o, line.layer), known[o].shape, known[o]) for o in names if line is not None)
