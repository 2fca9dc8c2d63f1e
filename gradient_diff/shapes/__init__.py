"""Matrix shapes: the ledger of a derivation, and what is the matter with a shape that does not fit."""

from gradient_diff.ledger.boxes import Box
from gradient_diff.ledger.building import ledger, live_ledger
from gradient_diff.ledger.ledger import Ledger, LedgerLine
from gradient_diff.shapes.explain import ShapeExplanation, explain_shapes
from gradient_diff.shapes.expressions import Expression
from gradient_diff.shapes.misfit import misfit
from gradient_diff.shapes.slips import Slip

__all__ = [
    "Box",
    "Expression",
    "Ledger",
    "LedgerLine",
    "ShapeExplanation",
    "Slip",
    "explain_shapes",
    "ledger",
    "live_ledger",
    "misfit",
]
