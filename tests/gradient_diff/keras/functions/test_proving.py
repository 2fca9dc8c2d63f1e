"""What proves nothing, and what is no more than a kink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_function
from manual_mlp import Array

pytestmark = pytest.mark.matrix

X = np.random.default_rng(0).normal(size=(3, 2))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_minimum_at_zero_has_a_derivative(dtype: str, size: int, custom: Any, only_float32: Any) -> None:
    """The values are 0 there, and their rounding with them."""
    x = np.zeros(size, dtype)
    for forward in (tf.square, lambda x: x**4):
        for lock in (only_float32, lambda f: f) if dtype == "float32" else (lambda f: f,):
            right = check_function(lock(custom(forward, lambda x, u: 2 * x * u)), x)
            assert (right.verdict, right.rows[0].reason.split(";")[0]) == (
                Status.VACUOUS,
                "both sides are zero everywhere",
            )
            wrong = check_function(lock(custom(forward, lambda x, u: u)), x)
            assert wrong.verdict is Status.MISMATCH
            assert "kinks" not in wrong.rows[0].reason
            assert wrong.causes == ()  # nothing times a constant is 0
    assert "in float64" in check_function(tf.square, np.zeros(3)).reference_origin


@pytest.mark.parametrize("twin", [None, "twin"])
def test_another_subgradient_at_a_kink_is_no_mistake(twin: str | None, custom: Any) -> None:
    x = np.array([-1.0, 0.0, 0.0, 2.0])
    ge = custom(tf.nn.relu, lambda x, u: tf.where(x >= 0, u, 0 * u))
    assert check_function(ge, x, tf.nn.relu if twin else None).verdict is Status.KINK
    wrong = custom(tf.nn.relu, lambda x, u: tf.where(x >= 0, 2 * u, 0 * u))
    assert check_function(wrong, x, tf.nn.relu if twin else None).verdict is Status.MISMATCH


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize("gap", np.geomspace(1e-7, 0.5, 8))
def test_a_kink_nearby_is_not_counted(gap: float, custom: Any) -> None:
    x = np.array([1.0, 1.0 - gap, 0.3])
    for dtype in ("float64", "float32"):
        assert not check_function(tf.reduce_max, x.astype(dtype)).verdict.bad
    wrong = custom(tf.reduce_max, lambda x, u: u * tf.constant([1.0, 1e-3, 0.0], x.dtype))
    assert check_function(wrong, x).verdict is Status.MISMATCH


def test_ties_of_a_maximum(custom: Any) -> None:
    x, y = np.array([1.0, 2.0, 3.0, 0.5]), np.array([1.0, 2.0, 0.0, 4.0])
    assert check_function(tf.maximum, [x, y]).verdict is Status.KINK  # TensorFlow gives all of it to x
    wrong = custom(tf.maximum, lambda x, y, u: (1.5 * u * tf.cast(x >= y, u.dtype), u * tf.cast(x < y, u.dtype)))
    assert check_function(wrong, [x, y])["inputs/0"].status is Status.MISMATCH


@pytest.mark.parametrize(
    ("f", "x"), [(lambda x: 0 * x, X), (lambda x: x, np.zeros((0, 2))), (tf.round, X), (tf.tanh, 1e6 * X)]
)
def test_flat_functions_prove_nothing(f: Callable[..., Any], x: Array) -> None:
    assert check_function(f, x).verdict is Status.VACUOUS


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (tf.floor, [4.0]),
        (tf.math.ceil, [4.0, 1.5]),
        (tf.round, [0.5, 1.3]),
        (tf.sign, [0.0, 1.0]),
        (lambda x: x * tf.floor(x), [4.0, 1.3]),
        (lambda x: x * tf.cast(x >= 1, x.dtype), [1.0, 0.5]),
    ],
    ids=["floor", "ceil", "round", "sign", "times floor", "mask"],
)
def test_a_jump_is_a_kink_that_says_so(f: Callable[..., Any], x: list[float], dtype: str) -> None:
    diff = check_function(f, np.array(x, dtype))
    assert diff.verdict is Status.KINK
    assert "the values jump at [" in diff.rows[0].reason


def test_a_jump_between_two_gradients_of_one_function(custom: Any) -> None:
    mask = lambda x: x * tf.cast(x >= 1, x.dtype)  # noqa: E731
    left = custom(mask, lambda x, u: u * tf.cast(x > 1, u.dtype))
    diff = check_function(left, np.array([1.0, 0.5]), mask)
    assert diff["inputs/0"].status is Status.KINK
    assert "the values jump" in diff["inputs/0"].reason
    wrong = custom(mask, lambda x, u: 3 * u * tf.cast(x >= 1, u.dtype))
    assert check_function(wrong, np.array([1.0, 0.5]), mask)["inputs/0"].status.bad
