"""What comes in is checked once, at the door; each message names layer, equation, shapes and the cure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from manual_mlp._types import Array
from manual_mlp.errors import ShapeError, lines
from manual_mlp.losses import Loss
from manual_mlp.operations import show

if TYPE_CHECKING:
    from manual_mlp.network import MLP


def check_parameters(mlp: MLP, parameters: Mapping[str, Array]) -> np.dtype[Any]:
    """The parameters' one dtype; an error if any is missing, unknown, misshapen or of another dtype."""
    expected = mlp.parameter_shapes
    if not isinstance(parameters, Mapping):
        raise TypeError(f"parameters is {type(parameters).__name__}: expected a dict such as mlp.initialize(0).")
    missing, unknown = expected.keys() - parameters.keys(), parameters.keys() - expected.keys()
    if missing or unknown:
        raise ValueError(
            lines(
                "The parameters are not those of the network.",
                ("missing", ", ".join(sorted(missing)) or "none"),
                ("unknown", ", ".join(sorted(map(str, unknown))) or "none"),
                "Cure: start from mlp.initialize(seed), or rename the keys of your dict.",
            )
        )
    for name, shape in expected.items():
        _check_parameter(name, parameters[name], shape)
    dtypes = {parameters[name].dtype for name in expected}
    if len(dtypes) != 1:
        listed = ", ".join(f"{n}: {parameters[n].dtype}" for n in expected)
        raise TypeError(f"Parameters of several dtypes ({listed}). Convert all to one, e.g. with .astype('float64').")
    return dtypes.pop()


def _check_parameter(name: str, array: Array, shape: tuple[Any, ...]) -> None:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fc" and array.dtype.name != "bfloat16":
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name} is {kind}: expected a NumPy array of floating-point numbers.")
    if array.shape != shape:
        layer, short = name.rsplit("/", 1)
        equation = "u = z_prev W + b with W" if short == "kernel" else "u = z_prev W + b with b"
        hint = " It is the transpose: pass it as .T." if array.shape == shape[::-1] and len(shape) == 2 else ""
        raise ShapeError(
            f"{layer}: {equation} of shape {show(shape)}, but {name} has shape {show(array.shape)}.{hint} "
            f"Expected {show(shape)} = ({'n_in, n_out' if short == 'kernel' else 'n_out,'})."
        )


def check_x(mlp: MLP, x: Array, dtype: np.dtype[Any]) -> Array:
    """x as (N, n_0) of the parameters' dtype."""
    x = _numbers("x", x)
    first = mlp.layers[0]
    n = mlp.inputs
    if x.ndim == 1 and len(x) == n:
        raise ShapeError(
            f"{first.name}: x is 1-D, {show(x.shape)}, a single sample. A batch of one is x[None, :], "
            f"of shape (1, {n}): u = x W + b needs (N, {n})."
        )
    if x.ndim == 1 and n == 1:
        raise ShapeError(
            f"{first.name}: x is 1-D, {show(x.shape)}. {len(x)} samples of one feature are x[:, None], "
            f"of shape ({len(x)}, 1): u = x W + b needs (N, 1)."
        )
    if x.ndim != 2:
        raise ShapeError(
            f"{first.name}: x has {x.ndim} dimensions, {show(x.shape)}; u = x W + b needs two, (N, {n}). "
            "One sample is x[None, :]; images are flattened with x.reshape(len(x), -1)."
        )
    if x.shape[1] != n:
        shapes = mlp.leaf_shapes(x.shape[0])
        raise ShapeError(
            lines(
                f"{first.name}: x has {x.shape[1]} features per sample, but the network was described with {n} inputs.",
                ("expected", f"u = x W + b   {mlp.forward_equations[0].render_shapes(shapes)}"),
                ("given", f"x             {show(x.shape)}"),
                f"Cure: pass x of shape ({x.shape[0]}, {n}), or describe the network as MLP({x.shape[1]}, …).",
            )
        )
    if not len(x):
        raise ValueError(f"x is an empty batch, {show(x.shape)}: expected at least one sample.")
    return np.ascontiguousarray(x, dtype)


def check_y(mlp: MLP, y: Array, loss: Loss, batch: int, dtype: np.dtype[Any]) -> Array:
    """Targets as (N, K) of the parameters' dtype, or class indices as (N,)."""
    y = _numbers("y", y)
    last, k = mlp.layers[-1], mlp.units[-1]
    if loss.function.class_indices:
        return _check_labels(y, str(last.name), loss, batch, k)
    if y.shape != (batch, k):
        raise ShapeError(
            lines(
                f"{last.name}: {loss.name} compares the output with y element by element.",
                ("output", f"z  ({batch}, {k})"),
                ("targets", f"y  {show(y.shape)}"),
                _cure_y(y, batch, k),
            )
        )
    return np.ascontiguousarray(y, dtype)


def _cure_y(y: Array, batch: int, k: int) -> str:
    if y.shape == (batch,) and k == 1:
        return f"Cure: y[:, None]. Subtracting ({batch},) from ({batch}, 1) would broadcast to ({batch}, {batch})."
    if y.shape == (batch,):
        return f"Cure: class indices go with sparse_categorical_crossentropy, or one-hot with np.eye({k})[y]."
    if y.shape == (k, batch):
        return "Cure: y.T; samples run along the first axis."
    return f"Cure: pass y of shape ({batch}, {k})."


def _check_labels(y: Array, layer: str, loss: Loss, batch: int, k: int) -> Array:
    if y.shape not in ((batch,), (batch, 1)):
        cure = "y.argmax(axis=1)" if y.shape == (batch, k) else f"y of shape ({batch},)"
        raise ShapeError(f"{layer}: {loss.name} reads one class index per sample, ({batch},), y is {show(y.shape)}. Cure: {cure}.")
    if y.dtype.kind not in "iu":
        raise TypeError(f"{layer}: class indices are whole numbers, y is {y.dtype}. Cure: y.astype('int64').")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= k:
        raise ValueError(
            f"{layer}: labels run from {low} to {high}, but {k} outputs have classes 0 to {k - 1}. "
            "Cure: number the classes from 0, or give the last layer more units."
        )
    return np.ascontiguousarray(y.reshape(batch))


def _numbers(name: str, array: Array) -> Array:
    try:
        array = np.asarray(array)
    except ValueError as error:
        raise ValueError(f"{name} is no array: {error}. Expected rows of one length.") from None
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise TypeError(f"{name} is an array of {array.dtype}: expected numbers. Convert it, e.g. with .astype('float64').")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        place = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{name} holds {len(bad)} values that are NaN or Inf, the first at {name}[{', '.join(map(str, place))}]. "
            "Clean the data first: every gradient would be NaN."
        )
    return array
