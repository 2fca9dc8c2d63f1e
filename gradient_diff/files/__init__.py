"""Gradients from files, and their names: `.npz`, `.safetensors`, `.h5` and `.weights.h5`; nothing is ever unpickled."""

from gradient_diff.files.naming import Rule, by_position, listed, matched, read_rules, renamed, unused_rules
from gradient_diff.files.reading import ENDINGS, read_gradients

__all__ = [
    "ENDINGS",
    "Rule",
    "by_position",
    "listed",
    "matched",
    "read_gradients",
    "read_rules",
    "renamed",
    "unused_rules",
]
