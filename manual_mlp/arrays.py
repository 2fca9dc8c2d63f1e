"""The few type names that every package shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]  # name → array
Dim: TypeAlias = int | str  # a number, or its letter in a symbolic shape: "N", "n₁"
Shape: TypeAlias = tuple[Dim, ...]
