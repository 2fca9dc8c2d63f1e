"""Whole numbers given to a function that is only computed on floats."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from gradient_diff.keras.functions.arguments import Arguments
from gradient_diff.keras.functions.subject import float_outputs
from keras_mlp import quiet_stderr
from manual_mlp.extend import UNITS

MOST_ARRAYS = 4  # of whole numbers, tried in every combination


def wants_floats(function: Callable[..., Any], arguments: Arguments) -> str:
    """Which whole numbers made a call fail: those with which, as floats, it works; empty where none are at fault.

    Indices stay what they are. The function is only traced here, so that nothing it keeps is changed.
    """
    if _runs(function, arguments, arguments.leaves):  # their kind is right, and it is their values that make it fail
        return ""
    for names, dtype in _trials(arguments):
        leaves = {n: a.astype(dtype) if n in names else a for n, a in arguments.leaves.items()}
        if _runs(function, arguments, leaves):
            return " and ".join(_words(n, arguments.leaves[n], dtype) for n in names)
    return ""


def _trials(arguments: Arguments) -> Iterator[tuple[tuple[str, ...], str]]:
    """The fewest arrays first; in the dtype of the floats beside them, if there are any."""
    arrays = {n: a for n, a in arguments.leaves.items() if isinstance(a, np.ndarray)}
    whole = [n for n, a in arrays.items() if a.dtype.kind in "iu"][:MOST_ARRAYS]
    beside = [a.dtype.name for a in arrays.values() if a.dtype.name in UNITS]
    for count in range(1, len(whole) + 1):
        for names in itertools.combinations(whole, count):
            yield from ((names, dtype) for dtype in dict.fromkeys([*beside, "float64", "float32"]))


def _runs(function: Callable[..., Any], arguments: Arguments, leaves: Mapping[str, Any]) -> bool:
    def call() -> Any:
        positional, named = arguments.packed(
            {n: tf.constant(a) if isinstance(a, np.ndarray) else a for n, a in leaves.items()}
        )
        return float_outputs("", function(*positional, **named))

    try:
        with quiet_stderr():
            tf.function(call, autograph=False).get_concrete_function()
    except Exception:  # noqa: BLE001  # what fails for any reason does not run
        return False
    return True


def _words(name: str, array: Any, dtype: str) -> str:
    title = name.removeprefix("inputs/")
    cure = f"{title}.astype('{dtype}')" if title.isidentifier() else f".astype('{dtype}')"
    return f"{title} is {array.dtype}; pass floats, e.g. {cure}"
