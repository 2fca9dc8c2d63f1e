"""What people hand over as an array, read or refused by name."""

from __future__ import annotations

import numpy as np

from manual_mlp import Array


def checked_array(title: str, name: str, value: object) -> Array:
    """An array of numbers, as it is."""
    if value is None:
        raise TypeError(f"{title}[{name!r}] is None: no gradient was computed.")
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{title}[{name!r}] is a masked array: what is masked is no gradient. Pass array.filled(0).")
    try:
        array = np.asarray(value)
    except ValueError as error:  # a list of rows of different lengths
        raise ValueError(f"{title}[{name!r}] cannot be read as an array: {error}.") from error
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        raise TypeError(f"{title}[{name!r}] is {array.dtype}: expected an array of numbers.")
    return array
