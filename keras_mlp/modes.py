"""The three ways to run the same TensorFlow code: eagerly, as a graph, or compiled by XLA."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, get_args

import tensorflow as tf

from keras_mlp.startup import quiet_stderr

Mode: TypeAlias = Literal["eager", "graph", "xla"]
"""How TensorFlow runs: eagerly, as a `tf.function`, or compiled by XLA; `backpropagate(…, mode="graph")`."""

Tensors: TypeAlias = dict[str, Any]


def check_mode(mode: str) -> None:
    """Raise a ValueError unless it is one.

    Example:
        >>> check_mode("graph")
    """
    if mode not in get_args(Mode):
        nearest = get_close_matches(str(mode).lower(), get_args(Mode), n=1)
        meant = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise ValueError(f"Unknown mode {mode!r}: expected {', '.join(get_args(Mode))}.{meant}")


def in_mode(function: Callable[[], Tensors], mode: Mode) -> Tensors:
    """Call a function of no arguments as it is, as a graph, or compiled by XLA.

    Example:
        >>> float(in_mode(lambda: {"loss": tf.constant(1.0)}, "graph")["loss"])
        1.0
    """
    return made_for(function, mode)()


@contextmanager
def _quiet_autograph() -> Iterator[None]:
    """It warns of each lambda whose source it cannot find, and then runs it as it is."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def made_for(function: Callable[..., Tensors], mode: Mode, *like: Any) -> Callable[..., Tensors]:
    """The same to call often, on tensors of the shapes of these: it is built once, here; a graph has it as `.graph`."""
    if mode == "eager":
        return function
    # A concrete function: tf.function itself would warn of retracing when many models are compared.
    with quiet_stderr(), _quiet_autograph():  # the compilers chat, too
        built = tf.function(function, jit_compile=mode == "xla").get_concrete_function(*like)

    def call(*tensors: Any) -> Tensors:
        with quiet_stderr():  # XLA compiles at the first call
            return dict(built(*tensors))

    call.graph = built.graph  # type: ignore[attr-defined]
    return call
