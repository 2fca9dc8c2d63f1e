"""The smallest model that uses a thing of Keras's, with data; and the few shapes that such models have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

import keras_mlp  # noqa: F401  (first: it starts TensorFlow quietly)
from manual_mlp import Array

# isort: split
import keras
import tensorflow as tf

BATCH = 4
SPREAD = 0.3


@dataclass(frozen=True, eq=False)
class Case:
    """A model that is not compiled yet, and what `fit` would be given."""

    model: keras.Model
    x: Any  # an array, or several as the model takes them
    y: Any = None  # None: random normal, as large as the output
    loss: Any = "mse"
    optimizer: Any = "sgd"
    training: bool = True


Make: TypeAlias = Callable[[], Case]
Table: TypeAlias = dict[str, Make]


def normal(*shape: int, seed: int = 0) -> Array:
    """Samples first."""
    return np.random.default_rng(seed).normal(size=(BATCH, *shape)).astype(np.float32)


def integers(high: int, *shape: int, seed: int = 0) -> Array:
    """From 0 to below `high`."""
    return np.random.default_rng(seed).integers(high, size=(BATCH, *shape)).astype(np.int32)


class Written(keras.Model):  # type: ignore[misc]  # Keras ships no types
    """A model of a class of its own: these layers in turn."""

    def __init__(self, *in_turn: Any) -> None:
        super().__init__()
        self.in_turn = list(in_turn)

    def call(self, x: Any) -> Any:
        """The formula."""
        for layer in self.in_turn:
            x = layer(x)
        return x


def chain(*layers: Any, shape: tuple[int, ...] = (4,), x: Array | None = None, **others: Any) -> Case:
    """A Sequential of these layers, which takes `shape`, or what is in `x`."""
    x = normal(*shape) if x is None else x
    entry = keras.Input(x.shape[1:], dtype=x.dtype.name)
    return Case(keras.Sequential([entry, *layers]), x, **others)


def above(layer: Any, shape: tuple[int, ...] = (6, 2), **others: Any) -> Case:
    """A layer without weights above one that has some, which its gradient reaches only through the layer."""
    return chain(keras.layers.Dense(4), layer, shape=shape, **others)


def picture(layer: Any, **others: Any) -> Case:
    """The same, on pictures of numbers between 0 and 1."""
    return chain(keras.layers.Conv2D(3, 1, activation="sigmoid"), layer, shape=(8, 8, 2), **others)


def network(function: Callable[[Any], Any], shape: tuple[int, ...] = (4,), x: Array | None = None, **o: Any) -> Case:
    """A functional model: its input → its output."""
    x = normal(*shape) if x is None else x
    entry = keras.Input(x.shape[1:], dtype=x.dtype.name)
    return Case(keras.Model(entry, function(entry)), x, **o)


def merged(merge: Callable[[list[Any]], Any], shape: tuple[int, ...] = (4,)) -> Case:
    """Two branches of the same input, brought together."""
    dense = keras.layers.Dense
    return network(lambda x: merge([dense(3)(x), dense(3, activation="tanh")(x)]), shape)


def prepared(make: Make) -> Case:
    """The case, the same at each call, built, compiled, and with weights that are neither zero nor one."""
    keras.utils.set_random_seed(0)
    case = make()
    model, rng = case.model, np.random.default_rng(1)
    output = model(tensors(case.x), training=case.training)
    for weight in model.trainable_weights:
        weight.assign(weight + (SPREAD * rng.normal(size=weight.shape)).astype(weight.dtype))
    model.compile(optimizer=case.optimizer, loss=case.loss)
    y = normal(*output.shape[1:], seed=2) if case.y is None else case.y
    return Case(model, case.x, y, case.loss, case.optimizer, case.training)


def tensors(data: Any) -> Any:
    """As Keras's fit hands it to the model: of the same structure and dtype."""
    return tf.nest.map_structure(tf.constant, data)
