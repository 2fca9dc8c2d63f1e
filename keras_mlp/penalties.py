"""Penalties of a layer in Keras and in its description: each λ both ways, as it was written or as Keras holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import keras
import numpy as np

from keras_mlp.constants import as_held, as_written
from manual_mlp import MLP
from manual_mlp.extend import Layer

_UNDERSTOOD: dict[type, tuple[str, ...]] = {
    keras.regularizers.L1: ("l1",),
    keras.regularizers.L2: ("l2",),
    keras.regularizers.L1L2: ("l1", "l2"),
}
_OF_WEIGHTS = ("kernel", "bias")
ACTIVITY = "activity"


def to_regularizer(l1: float, l2: float) -> keras.regularizers.Regularizer | None:
    """Keras's regularizer, each λ exact: Keras would send a plain float through float32, in float64 models, too."""
    told = {name: value for name, value in (("l1", l1), ("l2", l2)) if value}
    if not told:
        return None
    kind = next(kind for kind, names in _UNDERSTOOD.items() if set(names) == told.keys())
    regularizer = kind(**told)
    for name, value in told.items():
        setattr(regularizer, name, np.float64(value))
    return regularizer


def to_regularizers(layer: Any) -> dict[str, Any]:
    """What a Keras layer is told of the penalties of a described one."""
    names = (*_OF_WEIGHTS, ACTIVITY)
    return {f"{n}_regularizer": to_regularizer(getattr(layer, f"{n}_l1"), getattr(layer, f"{n}_l2")) for n in names}


def from_regularizers(layer: keras.layers.Layer, read: Callable[[Any], float] = as_written) -> dict[str, float]:
    """`kernel_l1`, … → λ, of what E has: Keras adds no penalty of a weight that is frozen, or not there."""
    trained = {id(weight) for weight in layer.trainable_weights}
    found = {name: value for name, value in _lambdas(layer, ACTIVITY, read).items() if value}
    for of in _OF_WEIGHTS:
        if id(getattr(layer, of, None)) in trained:
            found |= _lambdas(layer, of, read)
    return found


def activity(layer: keras.layers.Layer, read: Callable[[Any], float] = as_written) -> dict[str, float]:
    """`l1` and `l2` of a layer that is nothing else."""
    return {name.removeprefix(f"{ACTIVITY}_"): value for name, value in _lambdas(layer, ACTIVITY, read).items()}


def refuse_regularizers(layer: keras.layers.Layer, *of: str) -> None:
    """A TypeError for a layer whose description has no place for a penalty of these."""
    for name in (f"{one}_regularizer" for one in of):
        if (regularizer := getattr(layer, name, None)) is not None:
            cure = ": put a keras.layers.ActivityRegularization behind it instead" if ACTIVITY in of else ""
            raise TypeError(
                f"Layer {layer.name!r} has a {name}, {type(regularizer).__name__}, which is not understood so far of a "
                f"{type(layer).__name__}{cure}."
            )


def _lambdas(layer: keras.layers.Layer, of: str, read: Callable[[Any], float]) -> dict[str, float]:
    regularizer = getattr(layer, f"{of}_regularizer", None)
    if regularizer is None:
        return {}
    if type(regularizer) not in _UNDERSTOOD:
        known = ", ".join(kind.__name__ for kind in _UNDERSTOOD)
        raise TypeError(
            f"Layer {layer.name!r} has a {of}_regularizer, {type(regularizer).__name__}, which is not understood so "
            f"far: {known} are."
        )
    return {f"{of}_{name}": read(getattr(regularizer, name)) for name in _UNDERSTOOD[type(regularizer)]}


def with_held_penalties(mlp: MLP, model: keras.Model) -> MLP:
    """The description of a model with each λ as Keras holds it."""
    return MLP(mlp.inputs, [_held(one, layer) for one, layer in zip(mlp.layers, model.layers, strict=True)])


def _held(described: Layer, layer: keras.layers.Layer) -> Layer:
    if not described.penalties:
        return described
    names = {field.name for field in fields(described)}  # type: ignore[arg-type]  # every layer is a dataclass
    held = from_regularizers(layer, as_held) | activity(layer, as_held)
    return replace(described, **{n: v for n, v in held.items() if n in names})  # type: ignore[type-var]
