"""A step of training by the tape alone, compiled once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from keras_mlp import named_weights, quiet_stderr

# isort: split
import keras
import tensorflow as tf

Step = Callable[[Any, Any], None]


def tape_step(
    model: keras.Sequential,
    value: Callable[[Any, Any], Any],
    move: Callable[[list[Any], list[Any]], object],
    compile_by: str = "graph",
) -> Step:
    """x, y ↦ nothing: E = value(y, model(x)), dE/dW from tf.GradientTape, and `move` gets the weights and these."""
    variables = list(named_weights(model).values())

    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            error = value(y, model(x))
        move(variables, tape.gradient(error, [variable.value for variable in variables]))

    compiled, known = tf.function(step, jit_compile=compile_by == "xla"), set()

    def run(x: Any, y: Any) -> None:
        with nullcontext() if x.shape in known else quiet_stderr():  # a new shape is compiled, and the compilers chat
            compiled(tf.constant(x), tf.constant(y))
        known.add(x.shape)

    return run
