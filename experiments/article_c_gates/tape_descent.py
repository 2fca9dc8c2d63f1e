"""Gradient descent by the tape alone: the Keras twin of `manual_mlp.train` over full batches."""

from __future__ import annotations

from collections.abc import Mapping

from keras_mlp import named_weights, parameters_of, quiet_stderr, to_keras, to_tensorflow
from manual_mlp import MLP, Array
from manual_mlp.extend import as_loss

# isort: split
import tensorflow as tf


def trained_by_tape(
    mlp: MLP, parameters: Mapping[str, Array], x: Array, y: Array, loss: str, learning_rate: float, steps: int
) -> dict[str, Array]:
    """W ← W − lr · dE/dW, with dE/dW from tf.GradientTape; the step is compiled once.

    Args:
        mlp: the network.
        parameters: name → array to start from; they are not changed.
        x, y: (N, n_0) and (N, K).
        loss: a name.
        learning_rate: of the descent.
        steps: 1 or more.

    Returns:
        The trained parameters, name → array.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import Dense
        >>> w = {"dense_1/kernel": np.array([[0.0]])}
        >>> mlp, x, y = MLP(1, [Dense(1, use_bias=False)]), np.array([[1.0]]), np.array([[2.0]])
        >>> trained_by_tape(mlp, w, x, y, "mse", learning_rate=0.25, steps=3)["dense_1/kernel"]
        array([[1.75]])
    """
    model = to_keras(mlp, parameters, x.dtype.name)
    value = to_tensorflow(as_loss(loss))
    weights = [variable.value for variable in named_weights(model).values()]

    rate, inputs, targets = (tf.constant(a, x.dtype) for a in (learning_rate, x, y))

    def descend() -> None:
        with tf.GradientTape() as tape:
            error = value(targets, model(inputs))
        for weight, gradient in zip(weights, tape.gradient(error, weights), strict=True):
            weight.assign_sub(rate * gradient)

    step = tf.function(descend)
    with quiet_stderr():
        step()  # compiled now, and the compiler chats
    for _ in range(steps - 1):
        step()
    return parameters_of(model)
