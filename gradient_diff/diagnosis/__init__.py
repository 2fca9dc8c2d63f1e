"""Named mistakes: what is wrong, where, and how to mend it."""

from gradient_diff.diagnosis.catalogue import CONVENTIONS, MISTAKES
from gradient_diff.diagnosis.diagnosis import Cause, diagnose
from gradient_diff.diagnosis.mistake import Mistake
from gradient_diff.diagnosis.signatures import signatures

__all__ = ["CONVENTIONS", "MISTAKES", "Cause", "Mistake", "diagnose", "signatures"]
