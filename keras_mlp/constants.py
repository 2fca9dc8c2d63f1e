"""The constants of penalties: Keras sends each through float32 on its way into a float64 model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import keras
import numpy as np

from manual_mlp import MLP, Dense

_NAMES: dict[type, tuple[str, ...]] = {
    keras.regularizers.L1: ("l1",),
    keras.regularizers.L2: ("l2",),
    keras.regularizers.L1L2: ("l1", "l2"),
    keras.regularizers.OrthogonalRegularizer: ("factor",),
}


@cache
def rounds_floats() -> bool:
    """Whether this Keras sends a plain float through float32; it does from 3.14 on."""
    return float(keras.regularizers.L2(0.05)(np.ones(1))) != 0.05


def as_held(constant: Any) -> float:
    """What Keras computes with: only a NumPy float64 gets past its float32; and a plain float, where Keras lets it."""
    exact = type(constant) is np.float64 or (type(constant) is float and not rounds_floats())
    return float(constant if exact else np.float32(constant))


def as_written(constant: Any) -> float:
    """What somebody wrote: where only its float32 is kept, the shortest decimal that gives it."""
    value = float(constant)
    lost = type(constant) is not np.float64 and value == float(np.float32(value))
    return float(str(np.float32(value))) if lost else value


def hold_constants(clone: keras.Model, model: keras.Model, exact: bool) -> None:
    """Let a float64 clone compute its penalties with the model's constants as written, or as Keras holds them."""
    for (regularizer, name, _), (_, _, constant) in zip(_constants(clone), _constants(model), strict=True):
        setattr(regularizer, name, np.float64(as_written(constant) if exact else as_held(constant)))


def rounded_constants(model: keras.Model) -> tuple[float, ...]:
    """What Keras holds in place of the constants that float32 has not."""
    constants = [constant for *_, constant in _constants(model)]
    return tuple(sorted({as_held(c) for c in constants if as_written(c) != as_held(c)}))


def with_held_decay(mlp: MLP, model: keras.Model) -> MLP:
    """The description of a model with each λ as Keras holds it."""
    layers = list(mlp.layers)
    for place, layer in enumerate(model.layers):
        described = layers[place]
        if isinstance(described, Dense) and described.kernel_l2:
            layers[place] = replace(described, kernel_l2=as_held(layer.kernel_regularizer.l2))
    return MLP(mlp.inputs, layers)


def _constants(model: keras.Model) -> Iterator[tuple[Any, str, Any]]:
    """Each regularizer of each layer, the name of a constant of it, and the constant."""
    for layer in model._flatten_layers(include_self=False):  # noqa: SLF001  (nested ones, too; `layers` are the outer)
        for regularizer in vars(layer).values():
            for name in _NAMES.get(type(regularizer), ()):
                yield regularizer, name, getattr(regularizer, name)
