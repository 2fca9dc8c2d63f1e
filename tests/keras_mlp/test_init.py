"""The arithmetic that the package starts TensorFlow with."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

import keras_mlp  # noqa: F401  (which sets it)


def test_tf32_is_off() -> None:
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


def test_float32_products_keep_their_24_bits() -> None:
    """TF32 would round 1 + 2⁻²⁰ to 1, on the devices that have it."""
    a = tf.constant([[1 + 2.0**-20]], tf.float32)
    assert float(tf.matmul(a, tf.ones((1, 1)))[0, 0]) == np.float32(1 + 2.0**-20)
