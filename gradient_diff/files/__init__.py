"""Gradients from files, and their names: `.npz`, `.safetensors`, `.h5` and `.weights.h5`; nothing is ever unpickled."""

from gradient_diff.files.naming import by_position, matched, read_rules, renamed
from gradient_diff.files.reading import ENDINGS, read_gradients

__all__ = ["ENDINGS", "by_position", "matched", "read_gradients", "read_rules", "renamed"]
