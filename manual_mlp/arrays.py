"""The few type names that every package shares, and how an array is read that somebody hands over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]  # name → array
Dim: TypeAlias = int | str  # a number, or its letter in a symbolic shape: "N", "n₁"
Shape: TypeAlias = tuple[Dim, ...]


def read_array(title: str, given: object, hint: str = "") -> Array:
    """What was handed over as an array, as it is; `hint` follows on what NumPy says of what it cannot read."""
    refuse_masked(title, given)
    try:
        return np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:  # the last of tensors that have no values, or a tape
        why = str(error).removesuffix(".")
        raise ValueError(f"{title} cannot be read as an array: {why}.{hint and f' {hint}'}") from None


def refuse_masked(title: str, given: object) -> None:
    """NumPy would read through a mask, in a list of rows, too."""
    if _is_masked(given):
        raise TypeError(f"{title} is a masked array: what is masked is no number. Pass array.filled(0).")


def _is_masked(given: object) -> bool:
    return isinstance(given, np.ma.MaskedArray) or (isinstance(given, (list, tuple)) and any(map(_is_masked, given)))
