"""Of an Embedding: of each id that occurs more than once only one occurrence counts, as in dE[ids] += δ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradient_diff.keras.gradients.another.variations import Variation
from gradient_diff.keras.gradients.objective import Objective
from keras_mlp.extend import layers_of
from manual_mlp import Array


def one_occurrence(e: Objective) -> Iterator[Variation]:
    """The last one, which NumPy keeps; the first one; and the last one of each sample, in a loop over samples."""
    ways = {"only its last occurrence": _last, "only its first occurrence": _first, "only one in each sample": _each}
    for layer in layers_of(e.model):
        if type(layer) is keras.layers.Embedding:
            for words, kept in ways.items():
                said = f"E where of each id of {layer.name} {words} counts"
                cure = "Add them all: np.add.at(dE, ids, δ). dE[ids] += δ keeps one of each id."
                yield Variation("occurrence_lost", said, cure, e, changed=partial(_counting, layer, kept))


def _last(ids: Array) -> Array:
    return ids.size - 1 - np.unique(ids.ravel()[::-1], return_index=True)[1]


def _first(ids: Array) -> Array:
    return np.unique(ids.ravel(), return_index=True)[1]


def _each(ids: Array) -> Array:
    rows = ids.reshape(len(ids), -1)
    return np.concatenate([i * rows.shape[1] + _last(row) for i, row in enumerate(rows)])


@contextmanager
def _counting(layer: Any, kept: Callable[[Array], Array]) -> Iterator[None]:
    """Let an eager pass send δ down to these occurrences alone."""

    def call(inputs: Any) -> Any:
        ids = tf.cast(inputs, tf.int32)
        places = kept(ids.numpy())

        def looked_up(table: Any) -> tuple[Any, Any]:
            def sent_down(upstream: Any) -> Any:
                flat = tf.reshape(upstream, (-1, upstream.shape[-1]))
                rows = tf.gather(tf.reshape(ids, -1), places)
                return tf.math.unsorted_segment_sum(tf.gather(flat, places), rows, table.shape[0])

            return tf.gather(table, ids), sent_down

        return tf.cast(tf.custom_gradient(looked_up)(tf.convert_to_tensor(layer.embeddings)), layer.compute_dtype)

    object.__setattr__(layer, "call", call)
    try:
        yield
    finally:
        object.__delattr__(layer, "call")
