"""A model that computes on copies of its variables, in its own dtype or in another: what it holds stays as it is."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_mlp.constants import exact_constants, held_tensors
from manual_mlp import Array

_IN_USE: dict[int, object] = {}
_IN_TURN = threading.RLock()
_NOTHING = object()


@contextmanager
def alone(model: keras.Model) -> Iterator[None]:
    """Within it no other thread may swap parts of the same model, or of Keras: another model's thread waits its turn.

    Raises:
        ValueError: another thread checks this model.
    """
    me = object()
    if _IN_USE.setdefault(id(model), me) is not me:
        raise ValueError(
            f"{model.name} is being checked by another thread. One model can be checked by one thread at a time: "
            "check them one after the other, or give each thread a model of its own."
        )
    try:
        with _IN_TURN:  # the functions that draw and floatx() are the same for all models
            yield
    finally:
        del _IN_USE[id(model)]


@contextmanager
def holding(values: Iterable[tuple[Any, Array]]) -> Iterator[None]:
    """Within it variables hold other values; afterwards what they held, bit for bit."""
    pairs = list(values)
    before = [variable.numpy().copy() for variable, _ in pairs]
    try:
        for variable, array in pairs:
            variable.assign(array)
        yield
    finally:
        for (variable, _), array in zip(pairs, before, strict=True):
            variable.assign(array)


@contextmanager
def copied(
    model: keras.layers.Layer,
    dtype: str | None = None,
    exact: bool = False,
    kept: Mapping[int, tf.Variable] | None = None,
) -> Iterator[dict[int, tf.Variable]]:
    """Within it a model, or any layer, reads and writes copies of its variables; gives id of a variable → its copy.

    With a dtype all its layers compute in that, whatever their own policies say; no config is read and nothing is
    built again, so that it works for any model. With `exact`, constants that Keras sends through float32 are as
    written. A graph that is traced within it goes on using the copies; `kept` are those of an earlier time.
    """
    with ExitStack() as stack:
        stack.enter_context(kept_attributes(model))
        if dtype is not None:
            _compute_in(stack, model, dtype)
        for layer in layers_of(model):
            if isinstance(layer.call, tf.types.experimental.PolymorphicFunction):
                _set(stack, layer, "call", layer.call.python_function)  # its graphs know other variables
        if exact:
            stack.enter_context(exact_constants(model))
        stack.enter_context(kept_generators())
        yield {id(v): _swap_value(stack, v, dtype, (kept or {}).get(id(v))) for v in variables_of(model)}


def variables_of(model: keras.layers.Layer) -> list[Any]:
    """All that a pass reads or writes: weights, seeds, statistics, metrics, and the states of recurrent layers."""
    states = (v for layer in layers_of(model) for v in keras.tree.flatten(getattr(layer, "states", None)))
    found = (*model.variables, *getattr(model, "metrics_variables", ()), *states)
    return list({id(v): v for v in found if isinstance(v, keras.Variable)}.values())


@contextmanager
def kept_generators() -> Iterator[None]:
    """Put Python's and NumPy's own generators back at the end: some layers draw from these."""
    kept = random.getstate(), np.random.get_state()  # noqa: NPY002  (it is this one that is kept)
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002


def layers_of(model: keras.layers.Layer) -> list[Any]:
    """The model itself and every layer in it, however deep."""
    return list(model._flatten_layers())  # noqa: SLF001  (`layers` are the outer ones only)


@contextmanager
def kept_attributes(model: keras.layers.Layer) -> Iterator[None]:
    """Put back what layers keep besides variables, added losses or a last output: a trace leaves its tensors there."""
    before = [(layer, dict(vars(layer))) for layer in layers_of(model)]
    for layer, _ in before:
        vars(layer).update(_losses=[], _loss_ids=set())  # Keras empties its own in place
    try:
        yield
    finally:
        for layer, attributes in before:
            vars(layer).clear()
            vars(layer).update(attributes)


def _swap_value(stack: ExitStack, variable: Any, dtype: str | None, kept: tf.Variable | None) -> tf.Variable:
    copy = _copy_of(variable, dtype) if kept is None else kept
    _set(stack, variable, "_value", copy)
    _set(stack, variable, "_dtype", copy.dtype.name)
    return copy


def _copy_of(variable: Any, dtype: str | None) -> tf.Variable:
    own = variable.value if dtype is None or not is_float(variable.dtype) else tf.cast(variable.value, dtype)
    return tf.Variable(own, trainable=is_float(variable.dtype))  # so that every tape watches it, a moving mean's, too


def _compute_in(stack: ExitStack, model: keras.layers.Layer, dtype: str) -> None:
    stack.enter_context(floatx(dtype))
    policy = keras.dtype_policies.get(dtype)
    inner = (getattr(layer, "_functional", None) for layer in layers_of(model))  # what a Sequential runs
    for owner, name, tensor in list(held_tensors(model)):
        _set(stack, owner, name, tf.cast(tensor, dtype))
    for layer in [*layers_of(model), *(f for f in inner if f is not None)]:
        _set(stack, layer, "_dtype_policy", policy)
        for entrance in (layer, *keras.tree.flatten(getattr(layer, "_inputs", None))):
            if is_float(getattr(entrance, "_dtype", None)):
                _set(stack, entrance, "_dtype", dtype)  # or x would be rounded on the way in


@contextmanager
def floatx(dtype: str) -> Iterator[None]:
    """Within it, Keras's own functions compute in a dtype.

    `fit` rounds data to floatx(), and `compile` makes its loss in it; a float64 model with a regularizer cannot even be
    fitted while that is float32.
    """
    before = keras.config.floatx()
    keras.config.set_floatx(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before)


def _set(stack: ExitStack, thing: Any, name: str, value: Any) -> None:
    """Past Keras's own setters, which would convert, track or refuse; put back at the end in any case."""
    own = vars(thing).get(name, _NOTHING)
    object.__setattr__(thing, name, value)
    stack.callback(*((object.__delattr__, thing, name) if own is _NOTHING else (object.__setattr__, thing, name, own)))


def is_float(dtype: Any) -> bool:
    """Whether a dtype, a string or TensorFlow's, is one of floats."""
    return dtype is not None and bool(keras.backend.is_float_dtype(dtype))
