"""Named mistakes: what is wrong, where, and how to mend it."""

from gradient_diff.diagnosis.catalogue import CONVENTIONS, MISTAKES
from gradient_diff.diagnosis.diagnosis import diagnose
from gradient_diff.diagnosis.mistake import Mistake
from gradient_diff.diagnosis.signatures import signatures
from gradient_diff.result.findings import Cause

__all__ = ["CONVENTIONS", "MISTAKES", "Cause", "Mistake", "diagnose", "signatures"]
