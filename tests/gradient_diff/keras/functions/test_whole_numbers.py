"""Whole numbers where floats are wanted are named; indices are left in peace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_function
from gradient_diff.keras.functions.arguments import read_arguments
from gradient_diff.keras.functions.whole_numbers import wants_floats

X = np.random.default_rng(0).normal(size=(3, 3))


@tf.custom_gradient
def swish(x: Any) -> Any:
    s = tf.sigmoid(x)
    return x * s, lambda u: u * (s + x * s * (1 - s))


@pytest.mark.parametrize(
    ("f", "inputs", "text"),
    [
        (swish, np.array([1, 2, 3]), r"swish cannot.*x is int64; pass floats, e\.g\. x\.astype\('float64'\)"),
        (tf.square, np.array([1, 2]), r"x is int64; pass floats"),
        (lambda a, b: a @ b, [X.astype("f4"), np.eye(3, dtype="i4")], r"b is int32; .*b\.astype\('float32'\)"),
        (lambda a, b: tf.sin(a) / tf.cos(b), [np.ones(2, int), np.ones(2, int)], "a is int64.* and b is int64"),
    ],
)
def test_whole_numbers_at_fault_are_named(f: Any, inputs: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        check_function(f, inputs)


def test_indices_are_taken() -> None:
    assert check_function(tf.gather, [X, np.array([0, 2])]).verdict is Status.MATCH


def test_an_index_beside_another_error_is_not_blamed() -> None:
    with pytest.raises(ValueError, match=r"indices\[1\] = 7 is not in \[0, 3\)"):
        check_function(tf.gather, [X, np.array([0, 7])])
    arguments = read_arguments(tf.gather, [X, np.array([0, 7])])
    assert wants_floats(tf.gather, arguments) == ""
