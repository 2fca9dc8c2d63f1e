"""Constants: Keras and TensorFlow send each plain float through float32 on its way into a float64 model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops as _ops  # where tf.cast turns a plain float into a tensor

from manual_mlp import Array

_NAMES: dict[type, tuple[str, ...]] = {
    keras.regularizers.L1: ("l1",),
    keras.regularizers.L2: ("l2",),
    keras.regularizers.L1L2: ("l1", "l2"),
    keras.regularizers.OrthogonalRegularizer: ("factor",),
}

_KEPT: dict[type, dict[str, str]] = {keras.layers.Normalization: {"mean": "input_mean", "variance": "input_variance"}}
"""Of a layer, which attribute is a constant, and which one keeps what was written for it."""

_DIGITS = 6  # of a number that somebody wrote: nearly every float32 that was computed takes more


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


@contextmanager
def exact_constants(model: keras.Model) -> Iterator[None]:
    """Within it a model computes with its constants as they were written: penalties, slopes, scales, √2 of gelu."""
    with ExitStack() as stack:
        for regularizer, name, constant in _constants(model):
            _put(stack, regularizer, name, np.float64(as_written(constant)))
        for owner, name, _, written in _held_arrays(model):
            _put(stack, owner, name, tf.constant(written))
        stack.enter_context(exact_floats())
        yield


@contextmanager
def exact_floats() -> Iterator[None]:
    """Within it TensorFlow casts plain floats exactly, and leaky_relu has its slope in the dtype of its argument."""
    with ExitStack() as stack:
        _put(stack, _ops, "convert_to_tensor", _exactly(_ops.convert_to_tensor))
        _put(stack, tf.nn, "leaky_relu", _leaky_relu)
        yield


def held_tensors(model: keras.layers.Layer) -> Iterator[tuple[Any, str, Any]]:
    """What layers and their penalties keep as tensors: who, under which name, the tensor; no variable among them."""
    for layer in model._flatten_layers():  # noqa: SLF001  (as below)
        for owner in (layer, *(r for r in vars(layer).values() if isinstance(r, keras.regularizers.Regularizer))):
            for name, value in vars(owner).items():
                if isinstance(value, _ops.EagerTensor) and value.dtype.is_floating:
                    yield owner, name, value


def _held_arrays(model: keras.layers.Layer) -> Iterator[tuple[Any, str, Array, Array]]:
    """Of these, that hold other numbers than were written: who, its name, both in float64."""
    for owner, name, tensor in held_tensors(model):
        held = np.asarray(tensor.numpy(), np.float64)
        written = _written(owner, name, held)
        if not np.array_equal(held, written, equal_nan=True):
            yield owner, name, held, written


def _written(owner: Any, name: str, held: Array) -> Array:
    place = _KEPT.get(type(owner), {}).get(name)
    if place is None:
        return _as_if_written(held)
    if (kept := getattr(owner, place)) is None:  # a statistic of data, that nobody wrote
        return held
    exact = np.reshape([as_written(v) for v in np.ravel(kept)], np.shape(kept))
    return np.broadcast_to(exact.reshape(held.shape) if exact.size == held.size else exact, held.shape)


def _as_if_written(held: Array) -> Array:
    """The short decimals of which only float32 is left; where one number is no such, nobody wrote them."""
    written = np.reshape([as_written(float(v)) for v in held.ravel()], held.shape)
    return written if all(float(f"{v:.{_DIGITS}g}") == v for v in written.ravel()) else held


def _put(stack: ExitStack, thing: Any, name: str, value: Any) -> None:
    """Past Keras's own setters, which would track a tensor."""
    stack.callback(object.__setattr__, thing, name, getattr(thing, name))
    object.__setattr__(thing, name, value)


def _exactly(convert: Callable[..., Any]) -> Callable[..., Any]:
    """`tf.cast` of a plain float asks TensorFlow for a tensor of no dtype, and gets a float32."""

    def converted(value: Any, dtype: Any = None, *more: Any, **options: Any) -> Any:
        plain = type(value) is float and dtype is None and not more and not options.get("dtype_hint")
        return convert(value, tf.float64 if plain else dtype, *more, **options)

    return converted


def _leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """TensorFlow's own keeps its slope as a float32 attribute."""
    return tf.where(features > 0, features, tf.constant(alpha, features.dtype) * features, name)


def held_in_float32(graph: Any) -> tuple[float, ...]:
    """The constants of a traced float64 computation that are not what was meant, since float32 has not that."""
    found = set()
    for nodes in _functions(graph):
        for node in nodes.values():
            if node.op == "LeakyRelu":
                found.add(float(np.float32(node.attr["alpha"].f)))
            source = nodes.get(node.input[0].split(":")[0].lstrip("^")) if node.op == "Cast" else None
            if source is not None and source.op == "Const" and node.attr["DstT"].type == tf.float64.as_datatype_enum:
                value = tf.make_ndarray(source.attr["value"].tensor)
                found |= {float(v) for v in value.reshape(-1)[:1]} if value.dtype == np.float32 else set()
    return tuple(sorted(v for v in found if float(str(np.float32(v))) != v))


def left_in_float32(graph: Any) -> tuple[float, ...]:
    """The same of a computation with exact constants: what a closure or an array holds, and nothing can exchange."""
    arrays = (
        np.asarray(tf.make_ndarray(node.attr["value"].tensor), np.float64)
        for nodes in _functions(graph)
        for node in nodes.values()
        if node.op == "Const" and node.attr["dtype"].type in (tf.float64.as_datatype_enum, tf.float32.as_datatype_enum)
    )
    return tuple(sorted({float(v) for a in arrays for v in a[a != _as_if_written(a)]}))


def adapted_statistics(model: keras.Model) -> list[str]:
    """The layers whose constants are statistics of data, which Keras rounds to the dtype of its weights."""
    return [z.name for z in model._flatten_layers() if type(z) in _KEPT and z.input_mean is None]  # noqa: SLF001


def computes_in_float64(graph: Any) -> bool:
    """Whether nothing in a traced computation is rounded to less than float64 on the way."""
    floats = {d.as_datatype_enum for d in (tf.float32, tf.float16, tf.bfloat16)}
    casts = (node for nodes in _functions(graph) for node in nodes.values() if node.op == "Cast")
    double = tf.float64.as_datatype_enum
    return not any(node.attr["SrcT"].type == double and node.attr["DstT"].type in floats for node in casts)


def _functions(graph: Any) -> Iterator[dict[str, Any]]:
    """The nodes of a graph, and of each function in it, by name."""
    definition = graph.as_graph_def()
    yield {node.name: node for node in definition.node}
    for function in definition.library.function:
        yield {node.name: node for node in function.node_def}


def rounded_constants(model: keras.Model) -> tuple[float, ...]:
    """What Keras holds in place of the constants that float32 has not."""
    constants = [constant for *_, constant in _constants(model)]
    rounded = {as_held(c) for c in constants if as_written(c) != as_held(c)}
    return tuple(sorted(rounded.union(*(map(float, h[h != w]) for *_, h, w in _held_arrays(model)))))


def rounded_masks(draws: Iterable[Array]) -> tuple[float, ...]:
    """What dropout masks among draws hold in place of 1/(1 − rate), where their dtype has not that number."""
    kept = (np.unique(mask[mask != 0]) for mask in draws if mask.dtype in (np.float32, np.float16))
    held = {float(values[0]) for values in kept if len(values) == 1}
    return tuple(sorted(c for c in held if float(str(np.float32(c))) != c))


def _constants(model: keras.Model) -> Iterator[tuple[Any, str, Any]]:
    """Each regularizer of each layer, the name of a constant of it, and the constant."""
    for layer in model._flatten_layers(include_self=False):  # noqa: SLF001  (nested ones, too; `layers` are the outer)
        for regularizer in vars(layer).values():
            for name in _NAMES.get(type(regularizer), ()):
                yield regularizer, name, getattr(regularizer, name)
