"""Arrays in any structure that fit takes: one, or a list or dict of them, of lists and dicts of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_mlp.extend import sample_weights_of
from manual_mlp import Array
from manual_mlp.extend import read_array


def read_structure(title: str, given: object, wanted: Any) -> Any:
    """An array each for what the model takes; a list of one array is that array."""
    several = wanted is not None and len(keras.tree.flatten(wanted)) > 1
    if isinstance(given, Mapping) or several:
        return _nested(title, given, wanted)
    if isinstance(given, list | tuple) and len(given) == 1 and _holds_arrays(given):
        return _nested(title, given[0], None)
    return _nested(title, given, None) if wanted is None else _array(title, given)


def _nested(title: str, given: object, wanted: Any) -> Any:
    """In any structure; where nobody says what is taken, a list or dict of arrays is several."""
    if isinstance(given, Mapping):
        return {key: _nested(f"{title}[{key!r}]", a, _part(wanted, key)) for key, a in given.items()}
    several = _holds_arrays(given) if wanted is None else keras.tree.is_nested(wanted)
    if isinstance(given, list | tuple) and given and several:
        return type(given)(_nested(f"{title}[{i}]", a, _part(wanted, i)) for i, a in enumerate(given))
    return _array(title, given)


def _part(wanted: Any, key: Any) -> Any:
    """What a model takes in one place of its structure; None where it does not say."""
    if isinstance(wanted, Mapping):
        return wanted.get(key)
    return wanted[key] if isinstance(wanted, list | tuple) and isinstance(key, int) and key < len(wanted) else None


def weights_of(y: Any, given: object) -> Any:
    """Weights of samples in the structure of y: one array for all outputs, or one for each, or None."""
    if not _is_several(given):
        of_all = _array("sample_weight", given)
        return keras.tree.map_structure(lambda one: _weights(one, of_all), y)
    each: Any = keras.tree.map_structure(lambda w: w if w is None else _array("sample_weight", w), given)
    if isinstance(each, Mapping) and isinstance(y, Mapping) and each.keys() <= y.keys():
        each = {key: each.get(key) for key in y}
    if isinstance(each, list | tuple) and isinstance(y, list | tuple):
        each = type(y)(each)
    if not are_alike(each, y):
        raise ValueError(f"sample_weight is {shapes_of(each)}, y is {shapes_of(y)}: give one array, or one for each.")
    return keras.tree.map_structure(_weights, y, each)


def _weights(y: Array, given: Array | None) -> Array | None:
    """Of the samples of one output; where there are none, each weighs 1, as in fit."""
    return np.ones(len(y)) if given is None else sample_weights_of(y, given, None)


def _is_several(weights: object) -> bool:
    """Whether there is something for each output, None included, and not one number for each sample."""
    return isinstance(weights, Mapping) or (
        isinstance(weights, list | tuple) and any(w is None or _holds_arrays(w) for w in weights)
    )


def _array(title: str, given: object) -> Array:
    """A copy: a function may know the original."""
    if isinstance(given, tf.SparseTensor | tf.RaggedTensor):
        raise TypeError(f"{title} is a {type(given).__name__}: only dense arrays are checked. Make it dense first.")
    if given is None:
        raise TypeError(f"{title} is None: expected numbers, one row per sample.")
    hint = "Expected numbers, one row per sample; gradients come after x and y."
    array = read_array(title, given, hint).copy()
    if array.dtype.kind in "cOMm":
        raise TypeError(f"{title} is {array.dtype}: expected numbers, one row per sample.")
    if not array.size:
        raise ValueError(f"{title} is an empty batch, {array.shape}: expected at least one sample.")
    return array


def _holds_arrays(item: object) -> bool:
    """Whether it is an array, or a dict or list of some: no row of numbers."""
    if isinstance(item, Mapping):
        return True
    if isinstance(item, list | tuple):
        return bool(item) and all(map(_holds_arrays, item))
    return hasattr(item, "shape") and len(item.shape) > 0


def are_alike(tree: Any, outputs: Any) -> bool:
    """Whether targets or weights stand in the same structure as outputs."""
    try:
        keras.tree.assert_same_structure(tree, outputs)
    except (ValueError, TypeError):
        return False
    return True


def shapes_of(tree: Any) -> Any:
    """Dtypes and shapes, for eyes."""
    found = keras.tree.map_structure(lambda a: "None" if a is None else f"{a.dtype} {a.shape}", tree)
    return found if isinstance(found, str) else str(found).replace("'", "")
