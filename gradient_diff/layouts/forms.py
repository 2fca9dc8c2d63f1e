"""The table of forms: how one array of the reference's shape may look, how to undo that, and how it is said."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from manual_mlp import Array

Numbers: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Form:
    """One way to hold an array.

    Attributes:
        words: how it is said, of all arrays that it applies to.
        comes: the reference's shape → the shape in which it comes; None where this form has none.
        undo: (the array as it came, the reference's shape) → the array as the reference holds it.
        turns: whether the order of entries changes, so that values can tell it from another form.
    """

    words: str
    comes: Callable[[Numbers], Numbers | None]
    undo: Callable[[Array, Numbers], Array]
    turns: bool = False

    def fits(self, array: Array, wanted: Numbers) -> bool:
        """Whether an array of this shape may be that form of one of the wanted shape."""
        return array.shape == self.comes(wanted)


def _turned(shape: Numbers) -> Numbers:
    """(n_in, n_out) → (n_out, n_in); (height, width, n_in, n_out) → (n_out, n_in, height, width)."""
    return (shape[-1], shape[-2], *shape[:-2])


def _turn_back(array: Array, _: Numbers) -> Array:
    return array.transpose(*range(2, array.ndim), 1, 0)


def _reshaped(array: Array, shape: Numbers) -> Array:
    return array.reshape(shape)


def _flat(shape: Numbers) -> Numbers:
    return (math.prod(shape),)


AS_GIVEN = Form("as the reference holds them", lambda shape: shape, lambda a, _: a)
KERNELS = (
    AS_GIVEN,
    Form("kernels as (n_out, n_in)", _turned, _turn_back, True),
    Form("flattened kernels, row by row", _flat, _reshaped),
    Form("flattened kernels, column by column", _flat, lambda a, s: _turn_back(a.reshape(_turned(s)), s), True),
)
BIASES = (
    AS_GIVEN,
    Form("biases as rows (1, n)", lambda shape: (1, *shape), _reshaped),
    Form("biases as columns (n, 1)", lambda shape: (*shape, 1), _reshaped),
    Form("biases as numbers", lambda shape: () if shape == (1,) else None, _reshaped),
)
SAMPLES = (AS_GIVEN, Form("samples in columns", lambda shape: shape[::-1], lambda a, _: a.T, True))
