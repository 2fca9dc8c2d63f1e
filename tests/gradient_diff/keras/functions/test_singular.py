"""A NaN of the tape names the operation that has no finite derivative, and its cure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_function, check_layer
from gradient_diff.keras.functions.singular import singular_operations
from manual_mlp import Array

AT = {
    "norm": (tf.norm, [0.0, 0.0, 0.0], "a norm at 0"),
    "keras's norm": (keras.ops.norm, [0.0, 0.0, 0.0], "a norm at 0"),
    "tiny": (lambda x: tf.norm(x * tf.cast(1e-300, x.dtype)), [1.0, 2.0], "a norm at 0"),
    "euclidean": (tf.math.reduce_euclidean_norm, [0.0, 0.0], "a norm at 0"),
    "deviation": (tf.math.reduce_std, [2.0, 2.0, 2.0], "a standard deviation of 0"),
    "root": (tf.sqrt, [0.0, 4.0], "tf.sqrt at 0"),
    "within a function": (tf.function(lambda x: tf.sqrt(x) + 1.0), [0.0, 4.0], "tf.sqrt at 0"),
    "power": (lambda x: x**0.3, [0.0, 4.0], "a power below 1 at 0"),
    "arccos": (tf.acos, [1.0, 0.5], "tf.acos at ±1"),
    "arcsin": (tf.asin, [-1.0, 0.5], "tf.asin at ±1"),
    "arccosh": (tf.acosh, [1.0, 1.5], "tf.acosh at 1"),
    "logarithm": (tf.math.log, [0.0, 0.5], "tf.math.log at 0"),
    "x log x": (lambda x: x * tf.math.log(x), [0.0, 0.5], "tf.math.log at 0"),
    "0/0": (lambda x: x / x, [0.0, 0.5], "a division by 0"),
    "cosine": (lambda x: x / tf.norm(x), [0.0, 0.0], "a division by 0"),
    "overflow": (lambda x: tf.math.log(tf.exp(x)), [1.0, 710.0], "tf.exp"),
}
MASKED = {
    "x log x": (lambda x: tf.where(x > 0, x * tf.math.log(x), tf.zeros_like(x)), [0.0, 0.5]),
    "root": (lambda x: tf.where(x > 0, tf.sqrt(x), tf.zeros_like(x)), [0.0, 0.5]),
    "division": (lambda x: tf.where(x > 0, 1 / x, tf.zeros_like(x)), [0.0, 0.5]),
    "keras": (lambda x: keras.ops.where(x > 0, keras.ops.log(x), 0 * x), [0.0, 0.5]),
}


@pytest.mark.parametrize("name", AT)
def test_the_operation_is_named_with_its_cure(name: str) -> None:
    f, x, what = AT[name]
    diff = check_function(f, np.array(x))
    assert diff.verdict is Status.NONFINITE
    told = [c for c in diff.causes if c.id == "infinite_derivative"]
    assert any(what in c.title for c in told)
    assert all(c.message.count(". ") for c in told)


@pytest.mark.parametrize("name", MASKED)
def test_a_where_behind_it_is_told_to_need_another(name: str) -> None:
    f, x = MASKED[name]
    diff = check_function(f, np.array(x))
    assert not diff.ok
    assert diff.causes[0].id == "infinite_derivative_masked"
    assert "safe = where(ok, x, 1)" in diff.causes[0].message


@pytest.mark.parametrize(
    "f",
    [
        lambda x: tf.sqrt(x + 1e-12),
        lambda x: tf.where(x > 0, tf.sqrt(tf.where(x > 0, x, tf.ones_like(x))), tf.zeros_like(x)),
        lambda x: tf.stop_gradient(tf.sqrt(x)) * 0 + x,
    ],
)
def test_what_is_cured_or_finite_is_not_named(f: Callable[..., Any]) -> None:
    diff = check_function(f, np.array([0.0, 4.0]))
    assert diff.verdict is not Status.NONFINITE
    assert not any(c.id.startswith("infinite") for c in diff.causes)


def test_a_gradient_of_its_own_is_its_own_fault(custom: Callable[..., Any]) -> None:
    diff = check_function(custom(tf.sqrt, lambda x, u: u * 0.5 / tf.sqrt(x)), np.array([0.0, 4.0]))
    assert diff.verdict is Status.NONFINITE
    assert diff.causes == ()


def test_a_layer_too() -> None:
    class Unit(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x / tf.norm(x, axis=-1, keepdims=True)

    x: Array = np.array([[0.0, 0.0], [1.0, 2.0]], "f4")
    diff = check_layer(Unit(), x)
    assert "a norm at 0" in " ".join(c.title for c in diff.causes)


def test_what_is_no_graph_names_nothing() -> None:
    def fails() -> Any:
        raise RuntimeError("my own")

    assert singular_operations(fails) == ()
