"""A described network with its constants as Keras holds them, where those are not what was written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from keras_mlp.activations import Exactly, as_held, rounded_in
from keras_mlp.constants import rounded_constants
from keras_mlp.penalties import with_held_penalties
from manual_mlp import MLP
from manual_mlp.extend import Layer
from manual_mlp.layers import Normalization, Rescaling


def with_held_constants(mlp: MLP, model: keras.Model) -> MLP:
    """The description of a model with each λ, and each constant of an activation or of a Rescaling, as Keras holds it.

    Example:
        >>> from manual_mlp import Dense
        >>> mlp = MLP(2, [Dense(1, "leaky_relu")])
        >>> layers = [keras.Input((2,)), keras.layers.Dense(1, "leaky_relu")]
        >>> with_held_constants(mlp, keras.Sequential(layers)).layers[0].activation
        'leaky_relu(negative_slope=0.20000000298023224)'
    """
    pairs = zip(with_held_penalties(mlp, model).layers, model.layers, strict=True)
    return MLP(mlp.inputs, [_held(own, layer) for own, layer in pairs])


def held_constants(mlp: MLP, model: keras.Model) -> tuple[float, ...]:
    """What Keras holds in place of the constants that float32 has not.

    Example:
        >>> from manual_mlp import Dense
        >>> layers = [keras.Input((2,)), keras.layers.Dense(1, "leaky_relu")]
        >>> held_constants(MLP(2, [Dense(1, "leaky_relu")]), keras.Sequential(layers))
        (0.20000000298023224,)
    """
    pairs = zip(mlp.layers, model.layers, strict=True)
    return tuple(sorted({*rounded_constants(model)}.union(*(_rounded(own, layer) for own, layer in pairs))))


def _rounded(own: Layer, layer: keras.layers.Layer) -> set[float]:
    if isinstance(own, Rescaling):
        written = {own.scale, own.offset}
        return {_cast(c) for c in (layer.scale, layer.offset)} - written
    return set() if own.head is None or _is_exact(layer) else rounded_in(own.head)


def _held(own: Layer, layer: keras.layers.Layer) -> Layer:
    if isinstance(own, Rescaling):
        return replace(own, scale=_cast(layer.scale), offset=_cast(layer.offset))
    if isinstance(own, Normalization):
        return replace(own, mean=_as_kept(layer.mean, own.mean), variance=_as_kept(layer.variance, own.variance))
    same = own.head is None or _is_exact(layer)
    return own if same else replace(own, activation=as_held(str(own.head)))  # type: ignore[type-var]  # it has one


def _as_kept(held: Any, written: Any) -> Any:
    """A statistic as the tensor has it that the layer computes with."""
    numbers = np.asarray(held, np.float64).reshape(-1)
    return tuple(map(float, numbers)) if isinstance(written, tuple) else float(numbers[0])


def _cast(constant: Any) -> float:
    """What tf.cast makes of a number: a plain float is sent through float32."""
    return float(constant if type(constant) is np.float64 else np.float32(constant))


def _is_exact(layer: keras.layers.Layer) -> bool:
    """Whether its activation is ours, which passes constants on."""
    return isinstance(getattr(layer, "activation", None), Exactly)
