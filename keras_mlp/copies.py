"""A model that computes on copies of its variables, in its own dtype or in another: what it holds stays as it is."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_mlp.constants import exact_constants
from manual_mlp import Array

_IN_USE: dict[int, object] = {}
_IN_TURN = threading.RLock()


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
def copied(model: keras.Model, dtype: str | None = None, exact: bool = False) -> Iterator[dict[int, tf.Variable]]:
    """Within it a model reads and writes copies of its variables; gives id of a variable → its copy.

    With a dtype all its layers compute in that, whatever their own policies say; no config is read and nothing is
    built again, so that it works for any model. With `exact`, constants that Keras sends through float32 are as
    written. A graph that is traced within it goes on using the copies.
    """
    with ExitStack() as stack:
        if dtype is not None:
            _compute_in(stack, model, dtype)
        if exact:
            stack.enter_context(exact_constants(model))
        stack.enter_context(kept_generators())
        yield {id(v): _swap_value(stack, v, dtype) for v in variables_of(model)}


def variables_of(model: keras.Model) -> list[Any]:
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


def layers_of(model: keras.Model) -> list[Any]:
    """The model itself and every layer in it, however deep."""
    return list(model._flatten_layers())  # noqa: SLF001  (`layers` are the outer ones only)


def _swap_value(stack: ExitStack, variable: Any, dtype: str | None) -> tf.Variable:
    own = variable.value if dtype is None or not is_float(variable.dtype) else tf.cast(variable.value, dtype)
    copy = tf.Variable(own, trainable=is_float(variable.dtype))  # so that every tape watches it, a moving mean's, too
    _set(stack, variable, "_value", copy)
    _set(stack, variable, "_dtype", copy.dtype.name)
    return copy


def _compute_in(stack: ExitStack, model: keras.Model, dtype: str) -> None:
    stack.enter_context(floatx(dtype))
    policy = keras.dtype_policies.get(dtype)
    inner = (getattr(layer, "_functional", None) for layer in layers_of(model))  # what a Sequential runs
    for layer in [*layers_of(model), *(f for f in inner if f is not None)]:
        _set(stack, layer, "_dtype_policy", policy)
        for entrance in (layer, *keras.tree.flatten(getattr(layer, "_inputs", None))):
            if is_float(getattr(entrance, "_dtype", None)):
                _set(stack, entrance, "_dtype", dtype)  # or x would be rounded on the way in


@contextmanager
def floatx(dtype: str) -> Iterator[None]:
    """Keras's default dtype, for a while."""
    before = keras.config.floatx()
    keras.config.set_floatx(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before)


def _set(stack: ExitStack, thing: Any, name: str, value: Any) -> None:
    """Past Keras's own setters, which would convert, track or refuse; put back at the end in any case."""
    before = getattr(thing, name)
    object.__setattr__(thing, name, value)
    stack.callback(object.__setattr__, thing, name, before)


def is_float(dtype: Any) -> bool:
    """Whether a dtype, a string or TensorFlow's, is one of floats."""
    return dtype is not None and bool(keras.backend.is_float_dtype(dtype))
