"""The few type names that every room shares."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Dim: TypeAlias = int | str  # a number, or its letter in a symbolic shape: "N", "n₁"
Shape: TypeAlias = tuple[Dim, ...]
