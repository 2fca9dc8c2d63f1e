"""A model whose layers the house does not know: its rounding is measured, by clones of it at other dtypes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradient_diff.keras.gradients.request import Reference, Request, Rounded, is_finer, nearest_of
from gradient_diff.keras.roundings import DRAWS, moved
from gradient_diff.noise.given import drawn_noise, widened
from gradient_diff.noise.network import Kind, Noise
from gradient_diff.witnesses.complex_step import Asked
from gradient_diff.witnesses.ridders import ridders
from keras_mlp import Mode, parameters_of, prove_same_weights
from keras_mlp.extend import (
    LossTensor,
    hold_constants,
    in_mode,
    layer_weights,
    mixed_precision,
    replayed,
    rounded_constants,
    total_loss,
)
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays


def clone_reference(request: Request, mine: Arrays, of_step: bool) -> Reference:
    """The model's tape, its rounding measured by a float64 clone; of the model's layers nothing need be known."""
    model, finer = request.model, is_finer(mine, of_step)
    wanted = [n for n in _backwards(model) if n in request.trainable or n in mine]
    held = rounded_constants(model) if finer else ()
    clones = [_clone(model, "float64", exact) for exact in (False, *([True] if held else []))]
    fines = [_plain_gradients(request, clone, wanted) for clone in clones]
    nearest = nearest_of(mine, fines)
    clone, fine = clones[nearest], fines[nearest]
    tape = _plain_gradients(request, clone if finer else model, wanted, request.mode, as_trained=not finer)
    noise = widened(_measured(request, fine, tape), mine, tape) if request.options.silent else request.options.noise
    told_apart = Rounded(held, fines[1 - nearest]) if held else None
    return Reference(tape, noise, request.options, _witness(request, clone), _sizes(model, request.x), told_apart)


def _by_name(request: Request, model: keras.Model) -> dict[str, Any]:
    """The weights of the model or a clone by the model's names: a clone numbers cells and inner layers anew."""
    return dict(zip(request.parameters, model.weights, strict=True))


def _sizes(model: keras.Model, x: Array) -> tuple[int, int] | None:
    """N and K of a model with one output, (N, K); None of any other."""
    shapes = [tuple(output.shape) for output in model.outputs]
    return (len(x), shapes[0][1]) if len(shapes) == 1 and len(shapes[0]) == 2 else None


def _witness(request: Request, clone: keras.Model) -> Asked:
    """Ridders' differences of E over the float64 clone, moving one weight array along a direction."""
    variables, loss = _by_name(request, clone), _loss_of(request, clone)
    xs, ys = (tf.constant(a) if a.dtype.kind in "iub" else tf.constant(a, tf.float64) for a in (request.x, request.y))

    def ask(name: str, direction: Array) -> tuple[float, float]:
        variable, start = variables[name], variables[name].numpy().copy()

        def value(h: float) -> float:
            variable.assign(start + h * direction)
            with replayed(clone, request.draws):
                return float(total_loss(clone, loss, xs, ys, training=bool(request.draws)))

        try:
            return ridders(value, step=0.01)
        finally:
            variable.assign(start)

    return ask


def _backwards(model: keras.Model) -> list[str]:
    """Names of weights in the order in which backpropagation comes to them, where layers are a chain."""
    names = {id(weight): name for name, weight in layer_weights(model).items()}
    of_layers = [names[id(w)] for layer in reversed(model.layers) for w in layer.weights]
    return list(dict.fromkeys([*of_layers, *names.values()]))  # at last those of the model itself


def _measured(request: Request, fine: Arrays, tape: Arrays) -> Noise:
    """Draws of the rounding: a coarse run against float64 on the same numbers.

    Each time the numbers are moved by one unit roundoff and the samples take another order: a mean absolute error sums
    ±1/N, whose rounding hangs on the order alone. In mixed precision the numbers stay as finely stored as they are, so
    that rounding them for the computation is measured, too.
    Where both sides are float64, float32 is measured and scaled, since nothing finer than float64 is at hand.
    """
    model, x, y = request.model, request.x, request.y
    dtype = "float32" if _computes_in(model) == "float64" else _computes_in(model)
    mixed = mixed_precision(model)
    stored = _stored_in(model) if mixed else dtype
    sides = _clone(model, None if mixed else dtype), _clone(model, "float64")
    rng, errors = np.random.default_rng(0), []
    for draw in range(DRAWS):
        order = rng.permutation(len(x)) if draw and len(x) == len(y) else slice(None)
        xs, ys, *weights = (
            moved(a, dtype, rng, draw, stored) for a in (x[order], y[order], *request.parameters.values())
        )
        data = replace(request, x=xs, y=ys, draws={n: mask[order] for n, mask in request.draws.items()})
        coarse, exact = (_plain_gradients(data, _assigned(side, weights), fine) for side in sides)
        errors.append({n: coarse[n].astype(np.float64) - exact[n] for n in fine})
    same = all(a.dtype == np.float64 for a in tape.values())
    scale = UNITS["float64"] / UNITS[dtype] if same else 1.0
    noise = drawn_noise(fine, errors, "a float64 clone of the model", Kind.DRAWN)
    return replace(noise, sigma={n: s * scale for n, s in noise.sigma.items()})


def _assigned(model: keras.Model, arrays: Sequence[Array]) -> keras.Model:
    for variable, array in zip(layer_weights(model).values(), arrays, strict=True):
        variable.assign(array)
    return model


def _plain_gradients(
    request: Request, model: keras.Model, wanted: Iterable[str], mode: Mode = "eager", as_trained: bool = False
) -> dict[str, Array]:
    """By the tape over a model or a clone of it, on the request's data; as trained it casts, and draws its masks."""
    every, before = _by_name(request, model), parameters_of(model)
    weights = {n: every[n] for n in wanted}
    loss = request.loss.tensor if as_trained else _loss_of(request, model)
    dtypes = _stored_in(model), model.outputs[0].dtype
    xs, ys = (
        a if a.dtype.kind in "iub" else tf.cast(a, dtype)
        for a, dtype in zip((request.x, request.y), dtypes, strict=True)
    )

    def gradient() -> dict[str, Any]:
        with tf.GradientTape() as tape:
            tape.watch([v.value for v in weights.values()])  # no tape watches a moving mean by itself
            value = total_loss(model, loss, xs, ys, training=bool(request.draws))
        found = tape.gradient(value, [v.value for v in weights.values()], unconnected_gradients="zero")
        return dict(zip(weights, map(tf.convert_to_tensor, found), strict=True))  # of an Embedding they are slices

    try:
        with replayed(model, {} if as_trained else request.draws):
            gradients = in_mode(gradient, mode)
    except tf.errors.OpError as error:
        reason = error.message.splitlines()[0]
        raise ValueError(
            f"Keras itself cannot compute E of {model.name}: {reason} Its fit could not, either. Bring model, loss and "
            "penalties to one dtype, or pass loss=, a name or a function, in place of a loss object."
        ) from None
    prove_same_weights(model, before)
    return {n: gradients[n].numpy().copy() for n in weights}


def _loss_of(request: Request, model: keras.Model) -> LossTensor:
    """E over a clone: in float64 where the clone is, and else as Keras computes it."""
    fine = _computes_in(model) == "float64"
    return request.loss.computed_finely(str(request.model.outputs[0].dtype)) if fine else request.loss.tensor


def _clone(model: keras.Model, dtype: str | None, exact: bool = False) -> keras.Model:
    """The same architecture and weights at another dtype, with exact constants or not; None: each layer at its own."""

    def at_dtype(layer: Any) -> Any:
        config = layer.get_config()
        if dtype and isinstance(layer, keras.layers.Layer):  # z + x of two tensors is an operation, which has none
            config["dtype"] = dtype
        return type(layer).from_config(config)

    # Left to itself, the clone would keep the inputs' dtype and round x to it.
    inputs = keras.tree.map_structure(
        lambda i: keras.Input(batch_shape=i.shape, dtype=(dtype or i.dtype) if _is_float(i) else i.dtype),
        model.inputs[0] if isinstance(model, keras.Sequential) else model.input,
    )
    clone = keras.models.clone_model(model, input_tensors=inputs, clone_function=at_dtype)
    for mine, its in zip(model.weights, clone.weights, strict=True):
        its.assign(tf.cast(mine.value, its.dtype))
        its.trainable = mine.trainable  # a config knows only of whole layers
    if dtype == "float64":
        hold_constants(clone, model, exact)
    return clone


def _computes_in(model: keras.Model) -> str:
    """The coarsest; a model's own compute_dtype is only what its layers would have been given by default."""
    dtypes = {str(layer.compute_dtype) for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)}
    return max(dtypes, key=UNITS.__getitem__, default="float32")


def _stored_in(model: keras.Model) -> str:
    """The coarsest of its weights."""
    dtypes = {str(weight.dtype) for weight in model.weights if _is_float(weight)}
    return max(dtypes, key=UNITS.__getitem__, default="float32")


def _is_float(array: Any) -> bool:
    return bool(keras.backend.is_float_dtype(array.dtype))
