"""Compare hand-derived gradients with a reference: rows, verdict, matrix ledger, reports.

It never imports TensorFlow or Keras; `gradient_diff.keras` is the door for those who have them.
"""

from importlib.metadata import PackageNotFoundError, version

from gradient_diff.backward.checking import check_backward
from gradient_diff.comparison import compare
from gradient_diff.diagnosis.catalogue import MISTAKES
from gradient_diff.diagnosis.diagnosis import diagnose
from gradient_diff.diagnosis.mistake import Mistake
from gradient_diff.files.reading import read_gradients
from gradient_diff.ledger.building import ledger
from gradient_diff.ledger.ledger import Ledger
from gradient_diff.metrics.measuring import measure
from gradient_diff.metrics.record import Entry, Metrics
from gradient_diff.noise.given import drawn_noise
from gradient_diff.noise.network import Noise, rounding_noise
from gradient_diff.render.folder import write_report
from gradient_diff.result.code import Code, Finding
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.shapes.explain import explain_shapes
from gradient_diff.stepping.comparing import compare_step
from gradient_diff.testing import GradientMismatch, assert_gradients_match

__all__ = [
    "MISTAKES",
    "Cause",
    "Code",
    "Entry",
    "Finding",
    "GradientDiff",
    "GradientMismatch",
    "Ledger",
    "Metrics",
    "Mistake",
    "Noise",
    "Row",
    "Status",
    "assert_gradients_match",
    "check_backward",
    "compare",
    "compare_step",
    "diagnose",
    "drawn_noise",
    "explain_shapes",
    "ledger",
    "measure",
    "read_gradients",
    "rounding_noise",
    "write_report",
]

try:
    __version__ = version("gradient-diff")
except PackageNotFoundError:  # a folder on sys.path that nobody installed
    __version__ = "unknown"
