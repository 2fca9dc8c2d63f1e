"""What comes in is checked once, at the door; each message names layer, equation, shapes and the cure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from typing import Any

import numpy as np

from manual_mlp.arrays import Array, Dim, Shape, read_array, refuse_masked
from manual_mlp.equations.equations import Equation, infer_shapes
from manual_mlp.equations.loss import Loss
from manual_mlp.equations.loss_operations import LossValue
from manual_mlp.equations.operations import show
from manual_mlp.errors import ShapeError, lines
from manual_mlp.network.description import Description
from manual_mlp.network.layers.dropout import Dropout
from manual_mlp.nodes import LOSS, SAMPLE_WEIGHT, kind_of, layer_of

BLOCK = 1 << 12  # rows


def check_parameters(mlp: Description, parameters: Mapping[str, Array]) -> np.dtype[Any]:
    """That these are the parameters of a network: all of its names, its shapes, one dtype.

    Args:
        mlp: the network.
        parameters: name → array; `dense_1/kernel` (n_in, n_out), `dense_1/bias` (n_out,).

    Returns:
        The dtype.

    Raises:
        ValueError: missing or unknown names.
        ShapeError: an array of another shape.
        TypeError: no dict, no arrays of floating-point numbers, or several dtypes.

    Example:
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(2, [Dense(1)])
        >>> check_parameters(mlp, mlp.initialize(0, dtype="float32"))
        dtype('float32')
    """
    expected = mlp.parameter_shapes
    if not isinstance(parameters, Mapping):
        raise TypeError(f"parameters is {type(parameters).__name__}: expected a dict such as mlp.initialize(0).")
    cure = "Cure: start from mlp.initialize(seed), or rename the keys of your dict."
    _check_names("The parameters are not those of the network.", expected.keys(), parameters, cure)
    for name, shape in expected.items():
        _check_parameter(mlp, name, parameters[name], shape)
    dtypes = {parameters[name].dtype for name in expected}
    if len(dtypes) != 1:
        listed = ", ".join(f"{n}: {parameters[n].dtype}" for n in expected)
        raise TypeError(f"Parameters of several dtypes ({listed}). Convert all to one, e.g. with .astype('float64').")
    return dtypes.pop()


def _check_names(head: str, expected: Set[str], given: Mapping[str, Array], cure: str) -> None:
    missing, unknown = sorted(expected - given.keys()), sorted(map(str, given.keys() - expected))
    if missing or unknown:
        rows = ("missing", ", ".join(missing) or "none"), ("unknown", ", ".join(unknown) or "none")
        raise ValueError(lines(head, *rows, cure))


def _check_parameter(mlp: Description, name: str, array: Array, shape: tuple[Any, ...]) -> None:
    refuse_masked(name, array)
    if not isinstance(array, np.ndarray) or (array.dtype.kind not in "fc" and array.dtype.name != "bfloat16"):
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name} is {kind}: expected a NumPy array of floating-point numbers.")
    if array.shape != shape:
        layer, kernel = layer_of(name), kind_of(name) == "kernel"
        hint = " It is the transpose: pass it as .T." if array.shape == shape[::-1] and len(shape) == 2 else ""
        raise ShapeError(
            f"{layer}: {_forward_line(mlp, layer, 'N')}, but {name} has shape {show(array.shape)}.{hint} "
            f"Expected {show(shape)} = ({'n_in, n_out' if kernel else 'n_out,'})."
        )


def _forward_line(mlp: Description, layer: str, batch: Dim) -> str:
    """The ledger line of a layer's first equation, as the network is described."""
    shapes = infer_shapes(mlp.inference_equations, mlp.leaf_shapes(batch))
    return next(e for e in mlp.inference_equations if e.layer == layer).render_line(shapes)


def check_x(mlp: Description, x: Array, dtype: np.dtype[Any], copy: bool = True) -> Array:
    """x as (N, n_0) of the parameters' dtype; without `copy` the caller's own array where it is so already."""
    x = _numbers("x", x)
    first = mlp.layers[0]
    if len(mlp.input_shape) > 1:
        _check_samples(mlp, x)
        return _owned(x, dtype, copy)
    (n,) = mlp.input_shape
    if x.ndim == 1 and len(x) == n:
        raise ShapeError(
            f"{first.name}: x is 1-D, {show(x.shape)}, a single sample. A batch of one is x[None, :], "
            f"of shape (1, {n}): {_forward_line(mlp, str(first.name), 1)}."
        )
    if x.ndim == 1 and n == 1:
        raise ShapeError(
            f"{first.name}: x is 1-D, {show(x.shape)}. {len(x)} samples of one feature are x[:, None], "
            f"of shape ({len(x)}, 1): {_forward_line(mlp, str(first.name), len(x))}."
        )
    if x.ndim != 2:
        raise ShapeError(
            f"{first.name}: x has {x.ndim} dimensions, {show(x.shape)}, and needs two, (N, {n}): "
            f"{_forward_line(mlp, str(first.name), 'N')}. "
            "One sample is x[None, :]; images are flattened with x.reshape(len(x), -1)."
        )
    if x.shape[1] != n:
        raise ShapeError(
            lines(
                f"{first.name}: x has {x.shape[1]} features per sample, but the network was described with {n} inputs.",
                ("expected", _forward_line(mlp, str(first.name), x.shape[0])),
                ("given", f"x             {show(x.shape)}"),
                f"Cure: pass x of shape ({x.shape[0]}, {n}), or describe the network as MLP({x.shape[1]}, …).",
            )
        )
    return _owned(x, dtype, copy)


def _check_samples(mlp: Description, x: Array) -> None:
    """x as (N, …) of samples that are no rows of features."""
    own, first = mlp.input_shape, mlp.layers[0].name
    if x.shape[1:] == own:
        return
    if x.shape == own:
        raise ShapeError(f"{first}: x is {show(x.shape)}, a single sample. A batch of one is x[None].")
    cure = f" Cure: x.reshape(len(x), {', '.join(map(str, own))})." if x.ndim and x[:1].size == math.prod(own) else ""
    raise ShapeError(f"{first}: x is {show(x.shape)}: expected {show(('N', *own))}, as the network is described.{cure}")


def _owned(x: Array, dtype: np.dtype[Any], copy: bool) -> Array:
    if not len(x):
        raise ValueError(f"x is an empty batch, {show(x.shape)}: expected at least one sample.")
    return _converted("x", x, dtype) if copy or x.dtype != dtype else np.ascontiguousarray(x)


def _converted(name: str, array: Array, dtype: np.dtype[Any]) -> Array:
    """A copy of the parameters' dtype: an Evaluation owns its arrays, whatever becomes of the caller's."""
    if array.dtype == dtype:
        return np.array(array, order="C")
    with np.errstate(over="ignore"):
        copy = np.array(array, dtype, order="C")
    if not _all_finite(copy):
        raise ValueError(
            f"{name} has values beyond the range of {dtype}, the parameters' dtype. Scale the data, or use float64."
        )
    return copy


def check_batch(mlp: Description, batch: int, training: bool) -> None:
    """That a batch is long enough for statistics: those of one sample are itself, and a variance of 0."""
    lone = next((layer for layer in mlp.layers if layer.updates), None) if training and batch == 1 else None
    below = dict(zip(mlp.layers, [mlp.input_shape, *mlp.sample_shapes], strict=False))
    if lone is not None and math.prod(below[lone][:-1]) == 1:
        raise ValueError(
            f"{lone.name}: the mean over one sample is the sample itself, and the variance 0: z is β, and no gradient "
            "comes through. Cure: a batch of at least 2, or training=False for the moving statistics."
        )


def check_y(mlp: Description, y: Array, loss: Loss, batch: int, dtype: np.dtype[Any]) -> Array:
    """Targets as (N, K) of the parameters' dtype, or class indices as (N,)."""
    y = _numbers("y", y)
    last, k = mlp.layers[-1], mlp.units[-1]
    if loss.function.class_indices:
        return _check_labels(mlp, y, loss, batch)
    if y.shape != (batch, k):
        raise ShapeError(
            lines(
                f"{last.name}: {loss.name} compares the output with y element by element.",
                ("output", f"z  ({batch}, {k})"),
                ("targets", f"y  {show(y.shape)}"),
                ("expected", _loss_line(mlp, loss, batch)),
                _cure_y(y, batch, k),
            )
        )
    if loss.label_smoothing and ((y < 0) | (y > 1)).any():
        raise ValueError(
            f"{last.name}: {loss.name} smooths labels by {loss.label_smoothing:g}, but y runs from {float(y.min()):g} "
            f"to {float(y.max()):g}: labels are numbers from 0 to 1. Scale y, or leave label_smoothing out."
        )
    return _converted("y", y, dtype)


def _loss_line(mlp: Description, loss: Loss, batch: int) -> str:
    """The ledger line of E."""
    last = str(mlp.layers[-1].name)
    shapes = mlp.leaf_shapes(batch, loss) | {f"{last}/z": (batch, mlp.units[-1])}
    return Equation(last, LOSS, LossValue(loss, loss.from_logits), (f"{last}/z", "y")).render_line(shapes)


def _cure_y(y: Array, batch: int, k: int) -> str:
    if y.shape == (batch,) and k == 1:
        return f"Cure: y[:, None]. Subtracting ({batch},) from ({batch}, 1) would broadcast to ({batch}, {batch})."
    if y.shape == (batch,):
        return f"Cure: class indices go with sparse_categorical_crossentropy, or one-hot with np.eye({k})[y]."
    if y.shape == (k, batch):
        return "Cure: y.T; samples run along the first axis."
    return f"Cure: pass y of shape ({batch}, {k})."


def _check_labels(mlp: Description, y: Array, loss: Loss, batch: int) -> Array:
    layer, k = mlp.layers[-1].name, mlp.units[-1]
    if y.shape not in ((batch,), (batch, 1)):
        cure = "y.argmax(axis=1)" if y.shape == (batch, k) else f"y of shape ({batch},)"
        raise ShapeError(
            f"{layer}: {loss.name} reads one class index per sample, ({batch},), y is {show(y.shape)}: "
            f"{_loss_line(mlp, loss, batch)}. Cure: {cure}."
        )
    if y.dtype.kind not in "iu":
        raise TypeError(f"{layer}: class indices are whole numbers, y is {y.dtype}. Cure: y.astype('int64').")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= k:
        raise ValueError(
            f"{layer}: labels run from {low} to {high}, but {k} outputs have classes 0 to {k - 1}. "
            "Cure: number the classes from 0, or give the last layer more units."
        )
    return np.array(y.reshape(batch))


def check_sample_weight(weight: Array | None, batch: int, dtype: np.dtype[Any]) -> Array | None:
    """One weight per sample, (N,) in the parameters' dtype; a column (N, 1) is read as that, too."""
    if weight is None:
        return None
    weight = _numbers(SAMPLE_WEIGHT, weight)
    if weight.shape not in ((batch,), (batch, 1)):
        raise ShapeError(
            f"{SAMPLE_WEIGHT} is {show(weight.shape)}, but E = c Σ_n w_n e_n has one weight per sample: ({batch},) for "
            f"{batch} samples. Cure: {_cure_weight(weight.shape, batch)}."
        )
    if (weight < 0).any():
        place = int(np.argmax(weight.reshape(batch) < 0))
        raise ValueError(
            f"{SAMPLE_WEIGHT}[{place}] is {float(weight.reshape(batch)[place]):g}: expected numbers of 0 and above."
        )
    return _converted(SAMPLE_WEIGHT, weight.reshape(batch), dtype)


def _cure_weight(shape: Shape, batch: int) -> str:
    if len(shape) == 2 and shape[0] == batch:
        return "weights per output or per timestep are not for this network; give each sample one"
    return f"pass an array of shape ({batch},), or leave it out"


def check_draws(
    mlp: Description, draws: Mapping[str, Array] | None, batch: int, dtype: np.dtype[Any]
) -> dict[str, Array]:
    """The masks in the parameters' dtype; an error if any is missing, unknown, misshapen, or no mask of its rate.

    One of ones throughout is that of inference, where a Dropout hands on what comes in.
    """
    expected = mlp.masks
    if not expected and not draws:
        return {}
    given = {} if draws is None else draws
    if not isinstance(given, Mapping):
        raise TypeError(f"draws is {type(draws).__name__}: expected a dict such as mlp.draws(seed, {batch}).")
    missing = sorted(expected.keys() - given.keys())
    head = f"{layer_of(missing[0])}: a Dropout reads a mask, which comes from outside." if missing else ""
    cure = f"Cure: pass draws=mlp.draws(seed, {batch}), or the tape's own, draws=evaluation.problem.draws."
    _check_names(head or "The network: the draws are not its own.", expected.keys(), given, cure)
    return {
        name: _check_mask(name, given[name], layer, (batch, *own), dtype) for name, (layer, own) in expected.items()
    }


def _check_mask(name: str, mask: Array, layer: Dropout, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    mask = _numbers(name, mask)
    if mask.shape != shape:
        raise ShapeError(
            f"{layer.name}: z = z_prev ⊙ m   {show(shape)} ⊙ {show(mask.shape)}: a mask has one entry per sample and "
            f"unit. Cure: pass mlp.draws(seed, {shape[0]})."
        )
    kept = np.unique(np.asarray(mask, np.float64))
    wrong = [float(v) for v in kept if v != 0 and float(v) not in _scales(layer.scale)]
    if wrong and kept.tolist() != [1.0]:
        raise ValueError(
            f"{name} holds {wrong[0]:g}: the entries of a mask are 0 and 1/(1 − rate) = {layer.scale:.6g}, scaled "
            f"already. Cure: multiply a mask of zeros and ones by 1 / (1 - {layer.rate:g})."
        )
    return _converted(name, mask, dtype)


def _scales(scale: float) -> set[float]:
    """A scale as the dtypes hold it: float64, float32, float16, bfloat16."""
    mantissa, exponent = math.frexp(scale)
    return {math.ldexp(round(math.ldexp(mantissa, bits)), exponent - bits) for bits in (53, 24, 11, 8)}


def _numbers(name: str, array: Array) -> Array:
    array = read_array(name, array, "Expected rows of one length.")
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise TypeError(
            f"{name} is an array of {array.dtype}: expected numbers. Convert it, e.g. with .astype('float64')."
        )
    if array.dtype.kind == "f" and not _all_finite(array):
        bad = np.argwhere(~np.isfinite(array))
        place = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{name} holds {len(bad)} values that are NaN or Inf, the first at {name}[{', '.join(map(str, place))}]. "
            "Clean the data first: every gradient would be NaN."
        )
    return array


def _all_finite(array: Array) -> bool:
    """Block by block: of a whole data set the answers alone would take a quarter of its memory."""
    rows = array.reshape(1) if array.ndim == 0 else array
    blocks = (rows[i : i + BLOCK] for i in range(0, len(rows), BLOCK))
    return all(np.isfinite(b if b.dtype.kind == "f" else b.astype(np.float64)).all() for b in blocks)
