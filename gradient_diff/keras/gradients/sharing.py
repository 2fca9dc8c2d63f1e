"""share_weights: weights of somebody's own net put into a Keras model, in whatever layout they are."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from gradient_diff.keras.gradients.checking import trainable_names
from gradient_diff.keras.gradients.options import Options
from gradient_diff.keras.gradients.request import door
from gradient_diff.layouts.target import Target
from gradient_diff.source.held.by_shape import assignments
from gradient_diff.source.held.called import strange_words
from gradient_diff.source.held.gradients import read_parts
from gradient_diff.source.held.places import gathered, places_of
from gradient_diff.source.held.slots import name_of
from gradient_diff.source.held.ways import Ways
from keras_mlp.extend import layer_weights
from manual_mlp import Array, ShapeError
from manual_mlp.extend import Arrays, show


def share_weights(model: keras.Model, arrays: object) -> dict[str, Array]:
    """Put weights of your own into a Keras model, in whatever layout they are; then both start from the same.

    Kernels may be (n_out, n_in), biases rows or columns, the bias may stand inside Θ, and all may be one vector or lists of
    numbers: what is recognised by shape is undone, as in `check_gradients`. Where shapes leave it open, as of square
    kernels, an array is taken as it is.

    Args:
        model: any that is built; its trainable weights are overwritten.
        arrays: a dict by `<layer.name>/<kernel|bias>`, by `W1`, `fc1.weight` and the like, a flat list in the order of
            `trainable_weights` or in another, a list of (kernel, bias) pairs, one vector; or the object that holds them.

    Returns:
        Name → array (kernels (n_in, n_out), biases (n_out,)): copies of what the model holds now, in its dtype.

    Raises:
        ValueError: arrays that are not those of the model, or an object in which several sets of arrays fit.
        TypeError: something that holds no arrays.
        ShapeError: a shape that no layout explains.

    Example:
        >>> import numpy as np
        >>> from keras_mlp import to_keras
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(2, [Dense(3)])
        >>> model = to_keras(mlp, mlp.initialize(0))
        >>> shared = share_weights(model, [np.arange(6.0).reshape(3, 2), np.zeros((3, 1))])
        >>> shared["dense_1/kernel"].tolist()
        [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]
    """
    names = trainable_names(model)
    variables = layer_weights(model)
    weights = {n: np.asarray(variables[n].numpy()) for n in names}
    found = _given(arrays, weights) if _is_given(arrays) else _held(arrays, weights)
    _check_shapes(found, weights)
    for name, array in found.items():
        variables[name].assign(array.astype(weights[name].dtype))
    return {n: np.asarray(variables[n].numpy()).copy() for n in names}


def _is_given(arrays: object) -> bool:
    return isinstance(arrays, Mapping | list | tuple | np.ndarray) or hasattr(arrays, "dtype")


def _given(arrays: object, weights: Arrays) -> dict[str, Array]:
    listed = [arrays] if hasattr(arrays, "dtype") else arrays
    found = door("arrays", list(weights), weights, Options(), lambda: weights).read(listed).arrays
    if missing := [n for n in weights if n not in found]:
        raise ValueError(f"arrays has nothing for {', '.join(missing)}. Give all trainable weights of the model.")
    return {n: np.asarray(found[n]) for n in weights}


def _held(holder: object, weights: Arrays) -> dict[str, Array]:
    """Those of an object, by shape and in the order of the layers."""
    ways = Ways(Target(weights))
    places = places_of(holder)  # an object is as good as a callable: what it holds is found alike
    for every in (places, (*places, *gathered(places))):
        arrays = {p.path: p.value for p in every if p.value.size in ways.sizes and ways.of(p.value.shape)}
        found = assignments(arrays, ways, list(weights))
        strange = [sum(map(strange_words, one.paths)) for one in found]
        likely = [one for one, count in zip(found, strange, strict=True) if count == min(strange)]
        if len(likely) == 1:
            return read_parts(likely[0].parts, arrays)
        if likely:
            raise ValueError(
                f"{name_of(holder)} holds {len(found)} sets of arrays that may be the weights by their shapes. "
                f"Give them themselves: share_weights(model, [{', '.join(likely[0].paths)}])."
            )
    wanted = ", ".join(f"{n} {show(a.shape)}" for n, a in weights.items())
    raise TypeError(
        f"arrays is {type(holder).__name__}, which holds no arrays that can be {wanted}: expected a dict by name, a list, "
        "or the object that holds them."
    )


def _check_shapes(found: Arrays, weights: Arrays) -> None:
    for name, array in found.items():
        if array.shape != weights[name].shape:
            raise ShapeError(
                f"arrays: {name} has shape {show(array.shape)}, but the model's has {show(weights[name].shape)}, and no "
                "layout that is known explains it for all arrays. Give (n_in, n_out) and (n_out,)."
            )
