"""What a trace tells of a function."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff.keras.functions.arguments import read_arguments
from gradient_diff.keras.functions.tracing import draws_in, traced

X = np.ones((2, 3), "f4")


def by_while(x: Any) -> Any:
    return tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, y + tf.random.normal((2, 3))), [0, x])[1]


def without_draws(x: Any) -> Any:
    return tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, tf.cond(i > 0, lambda: y, lambda: 2 * y)), [0, x])[1]


@pytest.mark.parametrize(
    ("f", "draws"),
    [
        (tf.sin, False),
        (without_draws, False),
        (by_while, True),
        (lambda x: x * tf.random.stateless_uniform((2, 3), [1, 2]), True),
        (lambda x: x * tf.random.Generator.from_seed(1).normal((2, 3)), True),
        (lambda x: keras.random.dropout(x, 0.5, seed=1), True),
        (lambda x: x * float(x[0, 0]), True),  # no graph: nobody knows
    ],
)
def test_draws_are_seen_in_the_graph(f: Any, draws: bool) -> None:
    assert draws_in(traced(f, read_arguments(f, X))) is draws


def test_the_variables_of_a_call_are_found_and_not_changed() -> None:
    v = tf.Variable(1.0)
    graph = traced(lambda x: x + v.assign_add(1.0), read_arguments(tf.sin, X))
    assert graph is not None
    assert [found.ref() for found in graph.variables] == [v.ref()]
    assert float(v) == 1.0
