"""How many floats lie between two: the distance of their bit patterns, read as whole numbers."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from manual_mlp import Array
from manual_mlp.extend import UNITS


@cache
def coarser(h: np.dtype[Any], r: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in whose units distances are counted.

    Args:
        h, r: the dtypes of two arrays of numbers.

    Returns:
        The one with the larger unit roundoff; whole numbers, and what has no unit of its own, count as float64.

    Example:
        >>> import numpy as np
        >>> coarser(np.dtype(np.float32), np.dtype(np.float64)).name
        'float32'
    """
    known = [d for d in (h, r) if d.name in UNITS]
    found = max(known, key=lambda d: UNITS[d.name], default=np.dtype(np.float64))
    return found.newbyteorder("=") if found.kind == "f" else found  # bfloat16 is always native


def ulps(h: Array, r: Array) -> tuple[Array, bool]:
    """The distance of each pair in units in the last place; −0 and 0 are the same float.

    Patterns of one sign are ordered like the floats that they stand for. Those of opposite sign are counted from zero.

    Args:
        h, r: (n,), finite, of one float dtype.

    Returns:
        (n,) of whole numbers, and whether any two signs differ, that of a zero included.

    Example:
        >>> import numpy as np
        >>> ulps(np.float32([1, 0, 5]), np.float32([1 - 2**-24, -1e-45, 5]))[0].tolist()
        [1, 1, 0]
    """
    whole = np.dtype(f"i{h.dtype.itemsize}")
    a, b = h.view(whole), r.view(whole)
    signs = a ^ b
    if signs[signs.argmin()] >= 0:
        np.subtract(a, b, out=signs)
        return np.abs(signs, out=signs), False
    magnitude = np.iinfo(whole).max
    apart = np.abs(a - b).view(f"u{whole.itemsize}")
    from_zero = (a & magnitude).view(apart.dtype) + (b & magnitude).view(apart.dtype)
    return np.where(signs < 0, from_zero, apart), True
