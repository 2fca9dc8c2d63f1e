"""A function as a graph: which variables it touches, whether it draws random numbers, and what it is computed by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from gradient_diff.keras.functions.arguments import Arguments
from keras_mlp import quiet_stderr

DRAWING = ("Random", "Stateless", "StatefulUniform", "StatefulStandardNormal", "StatefulTruncatedNormal", "Multinomial")
CONTROL = ("StatelessIf", "StatelessWhile", "StatelessCase")  # have no state, and draw nothing themselves


def traced(function: Callable[..., Any], arguments: Arguments) -> Any | None:
    """The graph of a call; a trace changes no variable. None where plain Python is no graph, for any reason."""
    positional, named = arguments.packed(arguments.tensors)
    try:
        with quiet_stderr():
            return tf.function(lambda: function(*positional, **named), autograph=False).get_concrete_function().graph
    except Exception:  # noqa: BLE001  # somebody else's code may fail with anything
        return None


def draws_in(graph: Any | None) -> bool:
    """Whether random numbers are drawn in a graph, whatever from; where there is none, they may be."""
    if graph is None:
        return True
    known = graph.as_graph_def()
    nodes = [*known.node, *(node for function in known.library.function for node in function.node_def)]
    return any(node.op.startswith(DRAWING) and not node.op.startswith(CONTROL) for node in nodes)


@contextmanager
def inlined() -> Iterator[None]:
    """Functions within are run as they stand, so that the graph holds their operations."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def below(outputs: Iterable[Any], own: Collection[str] = ()) -> list[Any]:
    """The operations that tensors of a graph are computed by, up to where the tape's gradient ends.

    It ends where a gradient goes no further, or by a way of its own; unless by one of our `own`.
    """
    seen: dict[str, Any] = {}
    ahead = [t.op for t in outputs]
    while ahead:
        op = ahead.pop()
        if op.name not in seen:
            seen[op.name] = op
            ahead += [] if _is_end(op, own) else [t.op for t in op.inputs]
    return list(seen.values())


def _is_end(op: Any, own: Collection[str]) -> bool:
    special = "_gradient_op_type" in op.node_def.attr
    return op.type == "StopGradient" or (special and op.get_attr("_gradient_op_type").decode() not in own)
