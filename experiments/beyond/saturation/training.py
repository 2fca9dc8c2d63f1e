"""One network, certain and wrong at its start, trained by Keras from logits or from probabilities alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.beyond.saturation.pictures import LOGITS, LOST
from experiments.frame.study import Settings
from experiments.support.datasets import Dataset
from experiments.support.tape_step import Step, tape_step
from keras_mlp import parameters_of, to_keras, to_keras_optimizer
from manual_mlp import MLP, Adam, Array, Dense
from manual_mlp.extend import EPSILON, generator

# isort: split
import keras
import tensorflow as tf

FACTOR = 100.0
IMAGES = 5000  # of the training images, at most
BATCH = 50
STEP = Adam(1e-2)


def from_logits(y: Any, u: Any) -> Any:
    """E of each sample by Keras, from u: (N, K), (N, K) → (N,)."""
    return keras.ops.categorical_crossentropy(y, u, from_logits=True)


def from_probabilities(y: Any, u: Any) -> Any:
    """E of each sample by Keras, from the softmax of u; the identity keeps it from finding u again."""
    return keras.ops.categorical_crossentropy(y, tf.identity(keras.ops.softmax(u)))


WAYS = {LOGITS: from_logits, LOST: from_probabilities}


@dataclass(frozen=True, eq=False)
class Start:
    """What both trainings share."""

    parameters: dict[str, Array]  # name → array, the output layer's kernel times `FACTOR`
    x: Array  # x, y: the training images (N, n_0), and their classes one-hot (N, 10)
    y: Array
    x_test: Array  # x_test, labels: the test images and their classes
    labels: Array

    @classmethod
    def of(cls, data: Dataset, settings: Settings) -> Start:
        dtype = settings.dtype
        parameters = small_network(data.inputs).initialize(settings.seed, dtype=dtype)
        parameters["dense_2/kernel"] *= parameters["dense_2/kernel"].dtype.type(FACTOR)
        x, y = data.images("train", IMAGES, dtype), data.one_hot("train", IMAGES, dtype)
        return cls(parameters, x, y, data.images("test", dtype=dtype), data.labels("test"))


def small_network(inputs: int, last: str = "linear") -> MLP:
    """The network of the study, whose output is u unless it is given the softmax."""
    return MLP(inputs, [Dense(16, "tanh"), Dense(10, last)])


@dataclass(frozen=True, eq=False)
class EpochEnd:
    """The training images at the end of an epoch, as one way to compute E sees them."""

    loss: float  # the mean of E from logits, whatever is trained
    accuracy: float  # on the test images
    p: Array  # probability of each image's own class, (N,), as Keras computes it before it clips
    right: Array  # whether each image is given its class, (N,)
    idle: Array  # whether dE/du of each image is exactly 0 in every entry, (N,)

    @property
    def lost(self) -> Array:
        """Whether each image is certain and wrong: p < 1e-7, (N,)."""
        return np.asarray(self.p < self.p.dtype.type(EPSILON))

    @property
    def outside(self) -> Array:
        """Whether p is clipped, at either end, (N,)."""
        return outside(self.p)


def outside(p: Array) -> Array:
    """Whether Keras clips a probability, whose dtype decides where the edges lie."""
    return np.asarray((p < p.dtype.type(EPSILON)) | (p > p.dtype.type(1 - EPSILON)))


@dataclass(frozen=True, eq=False)
class KerasTraining:
    """A look at the start and after each epoch, and the weights at the end."""

    looks: tuple[EpochEnd, ...]
    parameters: dict[str, Array]


def train_by_keras(
    way: str, start: Start, epochs: int, settings: Settings, advance: Callable[[], object] = lambda: None
) -> KerasTraining:
    """Train one of the `WAYS` in the order of batches of `manual_mlp.train`; "eager" trains in a graph, as `fit` does.

    `advance` is called after each epoch.
    """
    model, rng = to_keras(small_network(start.x.shape[1]), start.parameters, settings.dtype), generator(settings.seed)
    step = _step(model, WAYS[way], settings.mode)
    looks = [look(model, WAYS[way], start)]
    for _ in range(epochs):
        order = rng.permutation(len(start.x))
        for chosen in np.split(order, range(BATCH, len(order), BATCH)):
            step(start.x[chosen], start.y[chosen])
        looks.append(look(model, WAYS[way], start))
        advance()
    return KerasTraining(tuple(looks), parameters_of(model))


def _step(model: keras.Sequential, value: Callable[[Any, Any], Any], mode: str) -> Step:
    optimizer = to_keras_optimizer(STEP)
    optimizer.build(model.trainable_variables)
    mean = lambda y, u: tf.reduce_mean(value(y, u))  # noqa: E731
    return tape_step(model, mean, lambda weights, gradients: optimizer.apply(gradients, weights), mode)


def look(model: keras.Sequential, value: Callable[[Any, Any], Any], start: Start) -> EpochEnd:
    """A `EpochEnd` at the model's state: its gradients are those of the way it is trained."""
    y = tf.constant(start.y)
    with tf.GradientTape() as tape:
        u = model(tf.constant(start.x))
        error = tf.reduce_sum(value(y, u))
    gradient = tape.gradient(error, u).numpy()
    p = keras.ops.softmax(u)
    own = tf.reduce_sum(p / tf.reduce_sum(p, -1, keepdims=True) * y, -1)  # Keras divides by the sum, too
    predicted = model(tf.constant(start.x_test)).numpy().argmax(axis=1)
    return EpochEnd(
        float(tf.reduce_mean(from_logits(y, u))),
        float((predicted == start.labels).mean()),
        own.numpy(),
        u.numpy().argmax(axis=1) == start.y.argmax(axis=1),
        (gradient == 0).all(axis=1),
    )
