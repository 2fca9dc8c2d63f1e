"""Where XLA's values are not the eager ones: said, and no MATCH where both are numbers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_function, check_layer

X = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")


def test_what_xla_rewrites_is_a_difference_of_modes() -> None:
    f = lambda x: tf.math.log(tf.exp(x))  # noqa: E731
    compiled = check_function(f, np.array([1.0, 88.0, 89.5], "float32"), mode="xla")
    assert "outputs/0 at [2] is inf eagerly and 89.5 by XLA, a difference of modes" in compiled.remark
    fine = check_function(f, np.array([1.0, 8.0], "float32"), mode="xla")
    assert (fine.verdict, "difference of modes" in fine.remark) == (Status.MATCH, False)


def test_a_function_that_xla_computes_as_another_is_no_match() -> None:
    """A layer built inside a tf.function: compiled, TensorFlow 2.21 draws its kernel anew."""

    class Nested(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.d = keras.layers.Dense(4, "tanh")

        @tf.function
        def call(self, x: Any) -> Any:
            return self.d(x)

    model = Nested()
    model(X)
    eager, compiled = model(X).numpy(), tf.function(model, jit_compile=True)(X).numpy()
    diff = check_layer(model, X, mode="xla")
    if np.allclose(eager, compiled, atol=1e-3):  # a TensorFlow that has mended it
        assert diff.verdict is Status.MATCH
        return
    assert (diff.verdict, diff.culprit) == (Status.DIFFERENT, "outputs/0")
    assert diff.headline().startswith("DIFFERENT: compiled by XLA it is another function")


def test_what_draws_or_only_rounds_otherwise_is_no_other_function() -> None:
    dropout = keras.layers.Dropout(0.5)
    assert check_layer(dropout, X, mode="xla").verdict is Status.MATCH
    gelu = check_function(lambda x: tf.nn.softmax(tf.nn.gelu(x) @ tf.transpose(x)), X, mode="xla")
    assert gelu.verdict is Status.MATCH
