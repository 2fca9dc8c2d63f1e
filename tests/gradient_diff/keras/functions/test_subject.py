"""A function under test: its outputs, its dtype, the variables it reads and changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_function

X = np.random.default_rng(0).normal(size=(3, 2))


def test_outputs_of_every_form() -> None:
    diff = check_function(lambda x: {"a": 2 * x, "b": [None, tf.argmax(x)], "c": (tf.sin(x),)}, X, lambda x: {
        "a": x + x, "b": [None, tf.argmax(x)], "c": (tf.sin(x),)})  # fmt: skip
    assert diff.verdict is Status.MATCH
    assert [row.name for row in diff.rows] == ["outputs/a", "outputs/c/0", "inputs/x"]


def test_a_zero_among_the_inputs_does_not_hide_that_a_part_is_coarser(custom: Any) -> None:
    f = custom(
        lambda x: tf.cast(tf.tanh(tf.cast(x, tf.float32)), x.dtype),
        lambda x, u: u * (1 - tf.cast(tf.tanh(tf.cast(x, tf.float32)), x.dtype) ** 2),
    )
    for dtype in ("float64", "float32"):
        assert not check_function(f, np.array([1e-9, 2.0, -3e4, 0.0], dtype)).verdict.bad


def test_an_input_in_which_a_part_is_coarser_is_judged_as_that(custom: Any) -> None:
    for dtype in (tf.float32, tf.bfloat16):
        f = custom(lambda x, d=dtype: tf.cast(tf.tanh(tf.cast(x, d)), x.dtype), lambda x, u: u * (1 - tf.tanh(x) ** 2))
        assert not check_function(f, X).verdict.bad


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_coarse_dtypes(dtype: str) -> None:
    assert check_function(tf.tanh, tf.cast(X, dtype)).verdict is Status.MATCH


def test_variables_are_inputs_and_are_put_back() -> None:
    v, count = tf.Variable([2.0, 3.0], name="v"), tf.Variable(0.0, name="count", trainable=False)

    def f(x: Any) -> Any:
        count.assign_add(1.0)
        return tf.tanh(x * v) * count

    diff = check_function(f, X.astype("f4"))
    assert diff.ok
    assert [row.name for row in diff.rows] == ["inputs/x", "weights/v"]
    assert "put back" in diff.hand_origin
    assert (v.numpy().tolist(), float(count.numpy())) == ([2.0, 3.0], 0.0)


def test_inputs_are_left_alone() -> None:
    x = X.copy()
    check_function(tf.sin, x)
    assert np.array_equal(x, X)

    def mutating(x: Any) -> Any:
        if tf.executing_eagerly():
            x._numpy()[...] += 1  # noqa: SLF001  # the tensor's own memory
        return x * 1.0

    with pytest.raises(ValueError, match="changes its own inputs"):
        check_function(mutating, X)
