"""Compare hand-derived gradients with a reference: rows, verdict, matrix ledger, reports.

It knows `manual_mlp` only, and never imports TensorFlow or Keras.
"""

from gradient_diff.arrays import checked_array
from gradient_diff.calling import Called, call_derivation
from gradient_diff.comparison import compare
from gradient_diff.diff import GradientDiff, Row
from gradient_diff.expected_noise import drawn_noise, measured_noise, relative_noise
from gradient_diff.files import read_gradients
from gradient_diff.kinks import Kink, kink_positions, kinks
from gradient_diff.metrics import Entry, Metrics, measure
from gradient_diff.mistakes import CONVENTIONS, MISTAKES, Cause, Mistake, diagnose
from gradient_diff.shapes import Ledger, LedgerLine, ShapeExplanation, Slip, explain_shapes, ledger, live_ledger
from gradient_diff.smallest import Smallest, cut_down, smallest_case
from gradient_diff.status import Meaning, Status, gravest
from gradient_diff.testing import GradientMismatch, assert_gradients_match
from gradient_diff.witness import directional_derivative

__all__ = [
    "CONVENTIONS",
    "MISTAKES",
    "Called",
    "Cause",
    "Entry",
    "GradientDiff",
    "GradientMismatch",
    "Kink",
    "Ledger",
    "LedgerLine",
    "Meaning",
    "Metrics",
    "Mistake",
    "Row",
    "ShapeExplanation",
    "Slip",
    "Smallest",
    "Status",
    "assert_gradients_match",
    "call_derivation",
    "checked_array",
    "compare",
    "cut_down",
    "diagnose",
    "directional_derivative",
    "drawn_noise",
    "explain_shapes",
    "gravest",
    "kink_positions",
    "kinks",
    "ledger",
    "live_ledger",
    "measure",
    "measured_noise",
    "read_gradients",
    "relative_noise",
    "smallest_case",
]
