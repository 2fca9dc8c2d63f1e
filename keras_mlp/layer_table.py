"""The layers of any Keras model, with the shapes that Keras tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras

Shape: TypeAlias = tuple[int | None, ...]


@dataclass(frozen=True)
class LayerShapes:
    """What is known of one layer; empty where Keras does not tell.

    Attributes:
        path: its name, below those of the models that it is in.
        kind: its class.
        inputs, outputs: shapes, with None for what is open, such as the batch.
        weights: the name of each below the layer, and its shape; those of layers listed themselves are left out.
    """

    path: str
    kind: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    weights: tuple[tuple[str, Shape], ...]


def layer_shapes(model: keras.Model) -> tuple[LayerShapes, ...]:
    """Every layer of a model in its own order, models inside it followed by their layers.

    The model itself stands first where it holds weights that are in none of its layers.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.LayerNormalization(name="norm")])
        >>> layer_shapes(model)[0].weights
        (('gamma', (3,)), ('beta', (3,)))
    """
    itself = _read(model, str(model.name))
    return ((itself,) if itself.weights else ()) + tuple(_read(layer, path) for path, layer in _walk(model, ""))


def _walk(model: keras.Model, above: str) -> Iterator[tuple[str, Any]]:
    for layer in model.layers:
        yield f"{above}{layer.name}", layer
        if isinstance(layer, keras.Model):
            yield from _walk(layer, f"{above}{layer.name}/")


def _read(layer: Any, path: str) -> LayerShapes:
    inside = layer.layers if isinstance(layer, keras.Model) else []
    elsewhere = {id(weight) for part in inside for weight in part.weights}
    own = [weight for weight in layer.weights if id(weight) not in elsewhere]
    weights = tuple((_below(layer, weight), tuple(weight.shape)) for weight in own)
    inputs, outputs = _of_tensors(layer, "input"), _of_tensors(layer, "output")
    if not inputs or not outputs:  # a part of a subclassed model, or one that is called at several places
        built_on = _built_on(layer)
        inputs, outputs = inputs or _listed(list(built_on.values())), outputs or _computed(layer, built_on)
    return LayerShapes(path, type(layer).__name__, inputs, outputs, weights)


def _below(layer: Any, weight: Any) -> str:
    _, _, name = str(weight.path).partition(f"{layer.name}/")
    return name or str(weight.name)


def _of_tensors(layer: Any, side: str) -> tuple[Shape, ...]:
    """Of a layer that is called at one place in a functional model."""
    try:
        return tuple(tuple(tensor.shape) for tensor in keras.tree.flatten(getattr(layer, side)))
    except (AttributeError, ValueError):  # which Keras raises where a layer has none, or several
        return ()


def _built_on(layer: Any) -> dict[str, Any]:
    """The shapes that a layer was built on, by argument."""
    config = layer.get_build_config() or {}
    found = config.get("shapes_dict") or {"input_shape": config.get("input_shape")}
    return {name: _shape(value) for name, value in found.items() if value is not None}


def _computed(layer: Any, built_on: dict[str, Any]) -> tuple[Shape, ...]:
    try:
        single = len(built_on) == 1
        found = layer.compute_output_shape(*built_on.values()) if single else layer.compute_output_shape(**built_on)
    except Exception:  # noqa: BLE001  # runs the code of any layer, which may not be able to tell
        return ()
    return _listed(found)


def _shape(value: Any) -> Any:
    """Lists of sizes as tuples, also within lists and dicts."""
    if isinstance(value, dict):
        return {name: _shape(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return tuple(value) if _is_shape(value) else [_shape(part) for part in value]
    return value


def _is_shape(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(size is None or isinstance(size, int) for size in value)


def _listed(value: Any) -> tuple[Shape, ...]:
    """All shapes in it, in order."""
    if _is_shape(value) and value != []:
        return (tuple(value),)
    parts = list(value.values()) if isinstance(value, dict) else value
    return tuple(s for part in parts for s in _listed(part)) if isinstance(parts, list | tuple) else ()
