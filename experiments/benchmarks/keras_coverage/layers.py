"""Layer → smallest model: the core, attention, merging, normalisation, and what draws."""

from __future__ import annotations

import atexit
import tempfile
from functools import cache
from typing import Any

import numpy as np

from experiments.benchmarks.keras_coverage.case import (
    Case,
    Table,
    Written,
    above,
    chain,
    integers,
    merged,
    network,
    normal,
)

# isort: split
import keras
import tensorflow as tf
from keras import layers


class Scale(layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """What a user writes: γ z."""

    def build(self, shape: Any) -> None:
        """One weight per unit."""
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones", name="gamma")

    def call(self, z: Any) -> Any:
        """The formula."""
        return self.gamma * z


class Doubled(layers.Wrapper):  # type: ignore[misc]  # Keras ships no types
    """What a user writes around another layer."""

    def call(self, z: Any) -> Any:
        """The formula."""
        return 2 * self.layer(z)


@cache
def _saved_model() -> str:
    """The folder of a SavedModel of tanh, which is there as long as the process."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    module = tf.Module()
    module.serve = tf.function(tf.tanh, input_signature=[tf.TensorSpec((None, 3), tf.float32)])
    tf.saved_model.save(module, folder.name)
    return folder.name


def _tied() -> Case:
    embedding = layers.ReversibleEmbedding(5, 3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return network(lambda x: embedding(embedding(x), reverse=True), x=integers(5, 2), y=integers(5, 2), loss=loss)


def _padded() -> Case:
    x = normal(4, 2)
    x[1, 2:] = x[3, 1:] = 0.0
    return chain(layers.Masking(), layers.SimpleRNN(2), x=x)


def _attention(layer: Any) -> Case:
    return network(lambda x: layer([layers.Dense(3)(x), layers.Dense(3)(x)]), (4, 3))


def _several_inputs() -> Case:
    a, b = keras.Input((3,)), keras.Input((2,))
    model = keras.Model([a, b], layers.Add()([layers.Dense(2)(a), layers.Dense(2)(b)]))
    return Case(model, [normal(3), normal(2, seed=1)])


def _saved() -> Case:
    return chain(layers.Dense(3), layers.TFSMLayer(_saved_model(), call_endpoint="serve"))


CORE: Table = {
    "Activation": lambda: above(layers.Activation("tanh"), (4,)),
    "ActivityRegularization": lambda: above(layers.ActivityRegularization(l1=0.01, l2=0.1), (4,)),
    "Dense": lambda: chain(layers.Dense(3)),
    "EinsumDense": lambda: chain(layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d"), shape=(3, 2)),
    "ELU": lambda: above(layers.ELU(0.5), (4,)),
    "Embedding": lambda: chain(layers.Embedding(5, 3), x=integers(5, 2)),
    "Flatten": lambda: above(layers.Flatten()),
    "Identity": lambda: above(layers.Identity(), (4,)),
    "Input": lambda: network(layers.Dense(3)),
    "InputLayer": lambda: Case(keras.Sequential([layers.InputLayer((4,)), layers.Dense(3)]), normal(4)),
    "Lambda": lambda: above(layers.Lambda(lambda z: z * z), (4,)),
    "Layer": lambda: chain(Scale()),
    "LeakyReLU": lambda: above(layers.LeakyReLU(), (4,)),
    "Masking": _padded,
    "PReLU": lambda: chain(layers.PReLU()),
    "Permute": lambda: above(layers.Permute((2, 1))),
    "ReLU": lambda: above(layers.ReLU(), (4,)),
    "RepeatVector": lambda: above(layers.RepeatVector(2), (4,)),
    "Reshape": lambda: above(layers.Reshape((2, 2)), (4,)),
    "ReversibleEmbedding": _tied,
    "Softmax": lambda: above(layers.Softmax(), (4,)),
    "TFSMLayer": _saved,
    "Wrapper": lambda: chain(Doubled(layers.Dense(3))),
}

ATTENTION: Table = {
    "AdditiveAttention": lambda: _attention(layers.AdditiveAttention()),
    "Attention": lambda: _attention(layers.Attention()),
    "GroupQueryAttention": lambda: network(lambda x: layers.GroupQueryAttention(2, 4, 2)(x, x), (3, 4)),
    "MultiHeadAttention": lambda: network(lambda x: layers.MultiHeadAttention(2, 2)(x, x), (3, 4)),
}

MERGING: Table = {
    **{
        name: lambda name=name: merged(getattr(layers, name)())  # type: ignore[misc]  # bound at once
        for name in ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
    },
    **{
        name: lambda name=name: merged(getattr(layers, name))  # type: ignore[misc]  # bound at once
        for name in ("add", "average", "concatenate", "maximum", "minimum", "multiply", "subtract")
    },
    "Dot": lambda: merged(layers.Dot(axes=1)),
    "dot": lambda: merged(lambda branches: layers.dot(branches, axes=1)),
}

NORMALISING: Table = {
    "BatchNormalization": lambda: chain(layers.Dense(3), layers.BatchNormalization(), layers.Dense(2)),
    "GroupNormalization": lambda: chain(layers.GroupNormalization(2), shape=(3, 4)),
    "LayerNormalization": lambda: chain(layers.LayerNormalization()),
    "Normalization": lambda: above(layers.Normalization(mean=0.5, variance=2.0), (4,)),
    "RMSNormalization": lambda: chain(layers.RMSNormalization()),
    "SpectralNormalization": lambda: chain(layers.SpectralNormalization(layers.Dense(3))),
    "UnitNormalization": lambda: above(layers.UnitNormalization(), (4,)),
}

DRAWING: Table = {
    "AlphaDropout": lambda: above(layers.AlphaDropout(0.4), (4,)),
    "Dropout": lambda: above(layers.Dropout(0.4), (4,)),
    "GaussianDropout": lambda: above(layers.GaussianDropout(0.4), (4,)),
    "GaussianNoise": lambda: above(layers.GaussianNoise(0.4), (4,)),
    "SpatialDropout1D": lambda: above(layers.SpatialDropout1D(0.4)),
    "SpatialDropout2D": lambda: above(layers.SpatialDropout2D(0.4), (3, 3, 2)),
    "SpatialDropout3D": lambda: above(layers.SpatialDropout3D(0.4), (2, 2, 2, 2)),
}

LAYERS: Table = {**CORE, **ATTENTION, **MERGING, **NORMALISING, **DRAWING}

STYLES: dict[tuple[str, str], Any] = {
    ("BatchNormalization", "as in inference"): lambda: Case(
        keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.BatchNormalization()]), normal(4), training=False
    ),
    ("Dense", "frozen below"): lambda: chain(layers.Dense(3, trainable=False), layers.Dense(2)),
    ("Dense", "of three axes"): lambda: chain(layers.Dense(3), shape=(3, 2)),
    ("Dense", "twice the same"): lambda: chain(*[layers.Dense(4, activation="tanh")] * 2),
    ("Embedding", "with a mask"): lambda: chain(
        layers.Embedding(5, 3, mask_zero=True), layers.SimpleRNN(2), x=np.minimum(integers(5, 3), [[4, 4, 0]])
    ),
    ("Input", "several"): _several_inputs,
    ("Layer", "a model of a class of its own"): lambda: Case(
        Written(layers.Dense(3, activation="tanh"), Scale()), normal(4)
    ),
    ("MultiHeadAttention", "causal, with dropout"): lambda: network(
        lambda x: layers.MultiHeadAttention(2, 2, dropout=0.3)(x, x, use_causal_mask=True), (3, 4)
    ),
}
"""Further ways to use some of them: (layer, style) → model."""
