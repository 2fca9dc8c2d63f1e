"""Compare hand-derived gradients with a reference: rows, verdict, matrix ledger, reports.

It knows `manual_mlp` only, and never imports TensorFlow or Keras.
"""

from gradient_diff.comparison import compare
from gradient_diff.diff import GradientDiff, Row
from gradient_diff.metrics import Metrics, measure
from gradient_diff.shapes import LedgerLine, ledger, live_ledger
from gradient_diff.status import Status, gravest

__all__ = [
    "GradientDiff",
    "LedgerLine",
    "Metrics",
    "Row",
    "Status",
    "compare",
    "gravest",
    "ledger",
    "live_ledger",
    "measure",
]
