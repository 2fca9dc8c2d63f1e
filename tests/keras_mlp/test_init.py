"""The public names of the room, and the arithmetic that it starts TensorFlow with."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

import keras_mlp


def test_public_names() -> None:
    assert keras_mlp.__all__ == [
        "Look",
        "Trained",
        "TrainedTogether",
        "backpropagate",
        "check_function",
        "check_gradients",
        "check_layer",
        "fit_keras",
        "from_keras",
        "named_weights",
        "parameters_of",
        "prove_same_weights",
        "quiet_stderr",
        "tf32_enabled",
        "to_keras",
        "to_keras_optimizer",
        "to_tensorflow",
        "train_together",
    ]
    assert keras_mlp.__all__ == sorted(keras_mlp.__all__)
    assert all(hasattr(keras_mlp, name) for name in keras_mlp.__all__)


def test_every_public_name_is_documented_with_an_example() -> None:
    assert [n for n in keras_mlp.__all__ if "Example" not in (getattr(keras_mlp, n).__doc__ or "")] == []


def test_tf32_is_off() -> None:
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


def test_float32_products_keep_their_24_bits() -> None:
    """TF32 would round 1 + 2⁻²⁰ to 1, on the devices that have it."""
    a = tf.constant([[1 + 2.0**-20]], tf.float32)
    assert float(tf.matmul(a, tf.ones((1, 1)))[0, 0]) == np.float32(1 + 2.0**-20)
