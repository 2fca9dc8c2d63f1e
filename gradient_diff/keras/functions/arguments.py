"""The arguments of a function under test, flat and by name; which of them have a derivative, and why the others not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from manual_mlp.extend import UNITS, refuse_masked


@dataclass(frozen=True, eq=False)
class Arguments:
    """How a function is called.

    `structure` is (positional arguments, keyword arguments) with a number in the place of each leaf, `leaves` name →
    what stands there: a float array where there is a derivative, else as it was given; `skipped` says why not.
    """

    structure: tuple[tuple[Any, ...], dict[str, Any]]
    leaves: Mapping[str, Any]
    skipped: Mapping[str, str]

    def packed(self, leaves: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The call's arguments, with other leaves; new lists and dicts each time, so that none can be changed."""
        values = [leaves[name] for name in self.leaves]
        return keras.tree.map_structure(lambda i: values[i], self.structure)

    @property
    def tensors(self) -> dict[str, Any]:
        """The leaves, arrays as constants."""
        return {n: tf.constant(a) if isinstance(a, np.ndarray) else a for n, a in self.leaves.items()}

    @property
    def described(self) -> str:
        """What kinds of things a call is given, in words."""
        positional, named = self.packed({n: _Described(a) for n, a in self.leaves.items()})
        listed = [*map(str, positional), *(f"{n}={value}" for n, value in named.items())]
        return ", ".join(listed) or "nothing"


@dataclass(frozen=True)
class _Described:
    """A leaf that shows what kind of thing it is, also within a list."""

    leaf: Any

    def __repr__(self) -> str:
        is_array = isinstance(self.leaf, np.ndarray)
        return f"{self.leaf.dtype} {self.leaf.shape}" if is_array else type(self.leaf).__name__


def read_arguments(function: Callable[..., Any], inputs: object, one: bool = False) -> Arguments:
    """Take the arguments of a function apart, named by its signature.

    `inputs` is as in `check_function`; with `one` a list is one argument, as layers that merge take it.
    """
    positional, named = _as_call(inputs, one)
    titles = _titles(function, len(positional))
    pairs = [(title, value) for title, value in zip(titles, positional, strict=True)] + list(named.items())
    names = [f"inputs/{'/'.join(map(str, (title, *path)))}" for title, v in pairs for path, _ in _flat(v)]
    given = [leaf for _, value in pairs for _, leaf in _flat(value)]
    counter = iter(range(len(given)))
    structure = (
        keras.tree.map_structure(lambda _: next(counter), positional),
        {key: keras.tree.map_structure(lambda _: next(counter), value) for key, value in named.items()},
    )
    leaves = {name: _leaf(name, value) for name, value in zip(names, given, strict=True)}
    skipped = {name: why for name, leaf in leaves.items() if (why := _no_derivative(leaf))}
    return Arguments(structure, leaves, skipped)


def no_call(function: Callable[..., Any], arguments: Arguments) -> str:
    """Why a function cannot take these arguments, by its signature; empty if it can, or if it has none."""
    positional, named = arguments.packed(arguments.leaves)
    try:
        inspect.signature(function).bind(*positional, **named)
    except ValueError:
        return ""
    except TypeError as error:
        return (
            f"{error}. inputs= gave it {arguments.described}. A list or tuple is several arguments, a dict "
            "keyword arguments; a list of numbers that is one argument is written np.array([...])"
        )
    return ""


def _as_call(inputs: object, one: bool) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(inputs, tuple) or (isinstance(inputs, list) and not one):
        return tuple(inputs), {}
    if isinstance(inputs, Mapping) and not one:
        return (), dict(inputs)
    return (inputs,), {}


def _titles(function: Callable[..., Any], count: int) -> list[str]:
    """Names of the positional parameters, where the function tells them; else numbers."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    ordinary = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*ordinary[:count], *map(str, range(len(ordinary), count))]


def _flat(value: object) -> list[tuple[tuple[Any, ...], Any]]:
    return list(keras.tree.flatten_with_path(value))


def _leaf(name: str, value: Any) -> Any:
    """Numbers as arrays of a dtype that TensorFlow computes in; anything else as it is."""
    refuse_masked(name, value)
    if isinstance(value, (tf.SparseTensor, tf.RaggedTensor, tf.IndexedSlices)):
        raise TypeError(
            f"{name} is a {type(value).__name__}: only dense tensors can be checked. Use tf.sparse.to_dense."
        )
    if isinstance(value, tf.Tensor):
        value = value.numpy()
    if isinstance(value, (bool, str, bytes)) or not isinstance(value, (np.ndarray, np.generic, int, float, complex)):
        return value
    array = np.array(value, np.float32 if type(value) is float else None)  # as TensorFlow would read it
    if array.dtype.kind == "c":
        raise TypeError(f"{name} is {array.dtype}: complex gradients are not checked. Pass real and imaginary parts.")
    if not _has_tensor(array.dtype):
        raise TypeError(f"{name} is {array.dtype}: no tensor can hold it. Expected numbers, such as float32 or int64.")
    return array


def _has_tensor(dtype: np.dtype[Any]) -> bool:
    try:
        tf.as_dtype(dtype)
    except TypeError:
        return False
    return dtype.kind != "O"  # which TensorFlow takes for text


def _no_derivative(leaf: object) -> str:
    if isinstance(leaf, tf.Variable | keras.Variable):
        return "a variable: what the function reads of it is checked as a weight"
    if not isinstance(leaf, np.ndarray):
        return f"{type(leaf).__name__} has no derivative"
    return "" if leaf.dtype.name in UNITS else f"{leaf.dtype} has no derivative"
