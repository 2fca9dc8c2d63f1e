"""Activations of Keras's and of the house: the function of a name, and the name of a function, a layer or an object."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_mlp.constants import exact_floats
from manual_mlp import ACTIVATIONS
from manual_mlp.extend import FAMILIES, activation, arguments_of, written


@keras.saving.register_keras_serializable(package="keras_mlp")
def step(u: Any) -> Any:
    """Heaviside's step, which Keras has not."""
    return tf.cast(u > 0, u.dtype)


@keras.saving.register_keras_serializable(package="keras_mlp")
class Exactly:
    """A function of `keras.activations` with arguments, whose constants do not pass through float32 as in Keras."""

    def __init__(self, name: str) -> None:
        self.name = activation(name).name
        self.__name__ = self.name

    def __call__(self, u: Any) -> Any:
        base, options = arguments_of(self.name)
        with exact_floats() if u.dtype == tf.float64 else nullcontext():
            if (constant := options.get("constant")) is not None:
                return _gelu(u, constant, bool(options.get("approximate")))
            return getattr(keras.activations, base)(u, **options)

    def get_config(self) -> dict[str, str]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, str]) -> Exactly:
        return cls(**config)


def _gelu(u: Any, constant: float, approximate: bool) -> Any:
    """As TensorFlow has it, with another √½ or 0.044715."""
    if approximate:
        return 0.5 * u * (1 + tf.tanh(math.sqrt(2 / math.pi) * (u + constant * u**3)))
    return 0.5 * u * tf.math.erfc(-u * constant)


def to_function(name: str, dtype: str) -> Callable[[Any], Any] | str:
    """What `keras.layers.Dense(activation=…)` takes for a name: Keras's own where it computes just that."""
    if name == "step":
        return step
    plain = name in ACTIVATIONS and (dtype != "float64" or as_held(name) == name)
    return name if plain else Exactly(name)


def as_held(name: str) -> str:
    """An activation with its constants as TensorFlow holds them in a float64 model: those that pass through float32."""
    base, options = arguments_of(name)
    leaky = base == "leaky_relu" or (base == "relu" and options.keys() == {"negative_slope"})
    if base == "gelu":
        constant = 0.044715 if options.get("approximate") else math.sqrt(0.5)
        options = {"constant": constant, **options}
    rounded = (
        {"negative_slope"} if leaky else {"relu": {"max_value", "threshold"}, "gelu": {"constant"}}.get(base, set())
    )
    if leaky:
        options = {"negative_slope": 0.2, **options}
    return written(base, {n: float(np.float32(v)) if n in rounded else v for n, v in options.items()})


def rounded_in(name: str) -> set[float]:
    """The constants of an activation that are held otherwise than they were written."""
    ours, theirs = (arguments_of(n)[1] for n in (name, as_held(name)))
    return {float(v) for n, v in theirs.items() if ours.get(n) != v and v is not None}


def name_of(function: Any) -> str | None:
    """The name of a function of Keras's, also with arguments (`functools.partial`, a layer, ours); None for others."""
    if function is step:
        return "step"
    if isinstance(function, Exactly):
        return function.name
    if isinstance(function, partial):
        return None if function.args else _named(function.func, function.keywords)
    reader = ACTIVATION_LAYERS.get(type(function))
    return _named(function, {}) if reader is None else reader(function)


def _named(function: Any, options: dict[str, Any]) -> str | None:
    name = getattr(function, "__name__", "")
    ours = name in FAMILIES or name in ACTIVATIONS
    if not ours or function is not getattr(keras.activations, name, None):
        return None
    return _written(name, options) if not options or name in FAMILIES else None


def _written(name: str, options: dict[str, Any]) -> str | None:
    known = inspect.signature(FAMILIES[name]).parameters if name in FAMILIES else {}
    if options.keys() - known.keys():
        return None
    try:
        return written(name, {n: v if v is None or isinstance(v, bool) else float(v) for n, v in options.items()})
    except (TypeError, ValueError):  # an argument that is no number, or out of range
        return None


def _of_softmax(layer: Any) -> str | None:
    return "softmax" if layer.axis in (-1, 1) else None


def _of_relu(layer: Any) -> str | None:
    names = ("negative_slope", "max_value", "threshold")
    return _written("relu", {name: getattr(layer, name) for name in names})


ACTIVATION_LAYERS: dict[type, Callable[[Any], str | None]] = {
    keras.layers.ReLU: _of_relu,
    keras.layers.LeakyReLU: lambda layer: _written("leaky_relu", {"negative_slope": layer.negative_slope}),
    keras.layers.ELU: lambda layer: _written("elu", {"alpha": layer.alpha}),
    keras.layers.Softmax: _of_softmax,
}
"""Layers that are an activation → its name."""
