"""What a derivation returned, taken apart into arrays and a skeleton that JSON can hold, and put together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from manual_mlp import Array

_NUMBERS = "fiubc"
_NONE = "What came back from its process is no structure of arrays."


def taken_apart(value: object, arrays: list[Array]) -> Any:
    """The skeleton, whose whole numbers are places in `arrays`, which is filled; TypeError of what is no number."""
    if isinstance(value, Mapping):
        return {"dict": [[_name(n), taken_apart(v, arrays)] for n, v in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [taken_apart(v, arrays) for v in value]}
    array = np.asarray(value)
    if array.dtype.kind not in _NUMBERS:
        what = array.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise TypeError(f"it returned {what} where an array of numbers was expected")
    arrays.append(array)
    return len(arrays) - 1


def put_together(skeleton: Any, arrays: Sequence[Array]) -> Any:
    """The value again; ValueError of a skeleton that `taken_apart` does not make."""
    if isinstance(skeleton, int) and 0 <= skeleton < len(arrays):
        return arrays[skeleton]
    if isinstance(skeleton, dict) and len(skeleton) == 1:
        ((kind, items),) = skeleton.items()
        if not isinstance(items, list):
            raise ValueError(_NONE)
        if kind == "dict" and all(isinstance(i, list) and len(i) == 2 and isinstance(i[0], str) for i in items):
            return {name: put_together(item, arrays) for name, item in items}
        if kind in ("list", "tuple"):
            return (list if kind == "list" else tuple)(put_together(item, arrays) for item in items)
    raise ValueError(_NONE)


def _name(key: object) -> str:
    if isinstance(key, str):
        return key
    raise TypeError(f"it returned a dict with the key {key!r}, {type(key).__name__}: expected names as text")
