"""A described network with its constants as Keras holds them, where those are not what was written."""

from __future__ import annotations

from dataclasses import replace

import keras

from keras_mlp.activations import Exactly, as_held, rounded_in
from keras_mlp.constants import rounded_constants, with_held_decay
from manual_mlp import MLP, Dropout
from manual_mlp.extend import Layer


def with_held_constants(mlp: MLP, model: keras.Model) -> MLP:
    """The description of a model with each λ, and each constant of an activation, as Keras holds it.

    Example:
        >>> from manual_mlp import Dense
        >>> mlp = MLP(2, [Dense(1, "leaky_relu")])
        >>> layers = [keras.Input((2,)), keras.layers.Dense(1, "leaky_relu")]
        >>> with_held_constants(mlp, keras.Sequential(layers)).layers[0].activation
        'leaky_relu(negative_slope=0.20000000298023224)'
    """
    decayed = with_held_decay(mlp, model)
    pairs = zip(decayed.layers, model.layers, strict=True)
    return MLP(mlp.inputs, [_held(own, layer) for own, layer in pairs])


def held_constants(mlp: MLP, model: keras.Model) -> tuple[float, ...]:
    """What Keras holds in place of the constants that float32 has not.

    Example:
        >>> from manual_mlp import Dense
        >>> layers = [keras.Input((2,)), keras.layers.Dense(1, "leaky_relu")]
        >>> held_constants(MLP(2, [Dense(1, "leaky_relu")]), keras.Sequential(layers))
        (0.20000000298023224,)
    """
    functions = [
        rounded_in(own.activation)
        for own, layer in zip(mlp.layers, model.layers, strict=True)
        if not isinstance(own, Dropout) and not _is_exact(layer)
    ]
    return tuple(sorted({*rounded_constants(model)}.union(*functions)))


def _held(own: Layer, layer: keras.layers.Layer) -> Layer:
    same = isinstance(own, Dropout) or _is_exact(layer)
    return own if same else replace(own, activation=as_held(own.activation))  # type: ignore[call-arg]  # it has one


def _is_exact(layer: keras.layers.Layer) -> bool:
    """Whether its activation is ours, which passes constants on."""
    return isinstance(getattr(layer, "activation", None), Exactly)
