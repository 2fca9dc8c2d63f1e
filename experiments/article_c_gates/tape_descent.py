"""Gradient descent by the tape alone: the Keras twin of `manual_mlp.train` over full batches."""

from __future__ import annotations

from typing import Any

from experiments.support.tape_step import tape_step
from keras_mlp import parameters_of, to_keras, to_tensorflow
from manual_mlp import MLP, Array
from manual_mlp.extend import Arrays, as_loss

# isort: split
import tensorflow as tf


def train_by_tape(
    mlp: MLP, parameters: Arrays, x: Array, y: Array, loss: str, learning_rate: float, steps: int
) -> dict[str, Array]:
    """W ← W − lr · dE/dW, with dE/dW from tf.GradientTape; parameters are name → array, before and after."""
    model, rate = to_keras(mlp, parameters, x.dtype.name), tf.constant(learning_rate, x.dtype)

    def descend(variables: list[Any], gradients: list[Any]) -> None:
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.value.assign_sub(rate * gradient)

    step = tape_step(model, to_tensorflow(as_loss(loss)), descend)
    for _ in range(steps):
        step(x, y)
    return parameters_of(model)
