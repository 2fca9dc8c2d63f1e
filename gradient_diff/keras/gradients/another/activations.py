"""One layer of a model with another activation, of which a hand may be the gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from gradient_diff.keras.gradients.another.variations import Variation
from gradient_diff.keras.gradients.loss.resolving import resolve_loss
from gradient_diff.keras.gradients.objective import Objective
from keras_mlp.extend import layers_of

Function = Callable[[Any], Any]

SLOPES = (0.01, 0.1, 0.2, 0.3)
NAMES = """
    linear relu sigmoid tanh softmax elu selu softplus silu softsign hard_sigmoid mish exponential relu6
"""
SOFTMAXES: dict[str, Function] = {
    "softmax over the batch": lambda u: tf.nn.softmax(u, axis=0),
    "softmax over all entries": lambda u: tf.reshape(tf.nn.softmax(tf.reshape(u, [-1])), tf.shape(u)),
    "softmax twice": lambda u: tf.nn.softmax(tf.nn.softmax(u)),
}
ACTIVATIONS: dict[str, Function] = {
    **{name: keras.activations.get(name) for name in NAMES.split()},
    "gelu with tanh": lambda u: tf.nn.gelu(u, approximate=True),
    "gelu with erf": lambda u: tf.nn.gelu(u, approximate=False),
    **{f"leaky ReLU of slope {a:g}": partial(tf.nn.leaky_relu, alpha=a) for a in SLOPES},
    **SOFTMAXES,
}
HELD = ("activation", "recurrent_activation")
ITSELF = tuple(getattr(keras.layers, name) for name in ("ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"))
"""Layers that are an activation, and hold no function of it."""


def activations(e: Objective) -> Iterator[Variation]:
    """One layer with another activation, or with none; also where p − y is taken of the wrong p."""
    places = [(layer, place) for layer in layers_of(e.model) for place in _places(layer)]
    for layer, place in sorted(places, key=lambda at: _name_of(*at) == "linear"):  # exchanged rather than added
        for name, function in ACTIVATIONS.items():
            yield _exchanged(e, layer, place, name, function)
    yield from _of_wrong_p(e)


def _places(layer: Any) -> list[str]:
    """The attributes of a layer that are an activation."""
    if isinstance(layer, keras.Model):
        return []
    return ["call"] if isinstance(layer, ITSELF) else [a for a in HELD if callable(getattr(layer, a, None))]


def _exchanged(e: Objective, layer: Any, place: str, name: str, function: Function) -> Variation:
    words = f"{name} at {layer.name}" if name != "linear" else f"a network whose {layer.name} has no activation"
    words = f"{words}, as its {place}" if place == "recurrent_activation" else words
    cure = f"The model has {_name_of(layer, place)} there."
    return Variation("other_activation", words, cure, e, changed=partial(_holding, layer, place, function))


def _name_of(layer: Any, place: str) -> str:
    activation = layer if place == "call" else getattr(layer, place)
    return str(getattr(activation, "__name__", type(activation).__name__))


@contextmanager
def _holding(layer: Any, place: str, function: Function) -> Iterator[None]:
    held = vars(layer).get(place)
    taken = function if place != "call" else lambda inputs, *_, **__: function(inputs)
    object.__setattr__(layer, place, taken)  # past Keras, which would track it
    try:
        yield
    finally:
        if held is None:
            object.__delattr__(layer, place)  # what the class has shows again
        else:
            object.__setattr__(layer, place, held)


def _of_wrong_p(e: Objective) -> Iterator[Variation]:
    """δ = (p − y)/N of a p that a wrong softmax gave: no E has it as its gradient."""
    last = e.model.layers[-1] if e.model.layers else None
    if e.loss.function != "categorical_crossentropy" or last is None or not _places(last):
        return
    loss = resolve_loss(lambda y, p: tf.reduce_sum(tf.square(p - tf.cast(y, p.dtype)), -1) / 2, e.model)
    for name, function in SOFTMAXES.items():
        words, cure = f"δ = p − y with a p by {name}", "Divide by the sum over each sample, axis=-1."
        straight = partial(_straight_through, function)
        changed = partial(_holding, last, _places(last)[0], straight)
        yield Variation("other_activation", words, cure, replace(e, loss=loss), changed=changed)


def _straight_through(function: Function, u: Any) -> Any:
    """The value of a function, with the derivative 1."""
    return u + tf.stop_gradient(function(u) - u)
