"""What is found out about a function: whether it repeats, is finite, and who of two is off."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_function

X = np.random.default_rng(0).normal(size=(3, 2))


def test_a_random_function_is_not_reproducible() -> None:
    diff = check_function(lambda x: x * tf.random.uniform(x.shape, dtype=x.dtype), X)
    assert diff.verdict is Status.INCONCLUSIVE
    assert "Freeze the seed" in diff.rows[0].reason
    assert "not reproducible" in diff.hand_origin


def test_not_finite() -> None:
    diff = check_function(tf.math.log, np.array([-1.0, 1.0, 2.0]))
    assert diff["outputs/0"].status is Status.NONFINITE
    assert check_function(tf.sqrt, np.array([0.0, 1.0]))["inputs/x"].status is Status.NONFINITE


def test_who_is_off_where_the_twin_is_wrong() -> None:
    stopped = check_function(tf.sin, X, lambda x: tf.stop_gradient(tf.sin(x) - x) + x)
    assert stopped["inputs/x"].status is Status.REFERENCE_OFF
    other = check_function(tf.sin, X, tf.cos)
    assert other["outputs/0"].status is Status.DIFFERENT
