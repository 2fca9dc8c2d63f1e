"""Entries of widely different size, asked each with a step of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_function
from manual_mlp import Array

pytestmark = pytest.mark.matrix

UNEVEN = {
    "three": np.array([1e-6, 1.0, 1e5]),
    "twelve": 10.0 ** np.random.default_rng(7).uniform(-8, 8, (3, 4)),
    "twenty": 10.0 ** np.random.default_rng(8).uniform(-5, 5, 20),
}


@pytest.mark.parametrize("x", UNEVEN.values(), ids=UNEVEN.keys())
@pytest.mark.parametrize("f", [tf.math.log, tf.nn.relu, tf.nn.gelu, tf.math.rsqrt, tf.sqrt])
def test_entries_of_widely_different_size_each_have_their_own_step(f: Any, x: Array, only_float32: Any) -> None:
    assert check_function(f, x).verdict is Status.MATCH
    assert not check_function(only_float32(f), x.astype("f4")).verdict.bad


def test_a_mistake_in_the_smallest_entry_is_seen(custom: Any) -> None:
    wrong = custom(tf.math.log, lambda x, u: u / (x + 1e-7))
    diff = check_function(wrong, UNEVEN["three"])
    assert (diff.verdict, diff.causes) == (Status.MISMATCH, ())
    assert check_function(wrong, UNEVEN["three"], tf.math.log).verdict is Status.MISMATCH


def test_an_entry_without_derivative_is_named(custom: Any) -> None:
    right_but_at_0 = lambda x, u: u * tf.where(x == 0, 7.0 * tf.ones_like(x), 0.1 * tf.abs(x) ** -0.9)  # noqa: E731
    diff = check_function(custom(lambda x: tf.sign(x) * tf.abs(x) ** 0.1, right_but_at_0), np.array([1.0, 0.0]))
    assert diff.verdict is Status.INCONCLUSIVE
    assert "the values gave no derivative by [1]" in diff.rows[0].reason
