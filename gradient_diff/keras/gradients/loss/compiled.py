"""The loss that a model was compiled with, weights included, or the E that its own class computes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from gradient_diff.keras.gradients.loss.resolved import NO_LOSS, KerasError, ResolvedLoss, from_tensor, nothing, scalar
from gradient_diff.keras.gradients.loss.single import at_float64, function_of, house_name, keras_loss
from keras_mlp.extend import floatx
from manual_mlp import LOSSES, Loss
from manual_mlp.extend import ALIASES


def compiled_loss(model: keras.Model) -> ResolvedLoss:
    """What `fit` would train; a model that was compiled with nothing is refused."""
    kind, given = type(model), getattr(model, "loss", None)
    own = getattr(model, "compiled", False) and kind.compute_loss is not keras.Model.compute_loss
    if getattr(model, "compiled", False) and kind.train_step is not keras.Model.train_step:
        return ResolvedLoss(nothing, nothing, None, f"the train_step of {kind.__name__}", stepped=True)
    if own:
        return _own_compute_loss(model)
    if not getattr(model, "compiled", False):
        raise KerasError(NO_LOSS)
    if given is None:
        alone = from_tensor(lambda y, p, w=None: tf.zeros((), p.dtype), None, "nothing but penalties")
        return replace(alone, empty=True)
    compiled = model._compile_loss  # noqa: SLF001  (what fit differentiates; compute_loss adds the penalties, too)
    only, weight = _only(given), _only(compiled_weights(model))
    name = only if isinstance(only, str) else None
    known = Loss(name) if name in (*LOSSES, *ALIASES) else house_name(only)
    words = f"the compiled loss {name or getattr(only, 'name', getattr(only, '__name__', only))}"
    if isinstance(weight, int | float):
        known = replace(known, scale=float(weight)) if known is not None and 0 < weight < float("inf") else None
        words = f"{words}, weight {weight:g}"
    dtype = only.dtype if isinstance(only, keras.losses.Loss) else compiled.dtype
    tensors = scalar(compiled), scalar(_compiled_at_float64(compiled))
    single = isinstance(only, str) or callable(only)
    told = function_of(keras_loss(only) if isinstance(only, str) else only) if single else {}
    each = only if callable(only) and not isinstance(only, keras.losses.Loss) else None
    return ResolvedLoss(*tensors, known, words, dtype, compiled=True, each=each, **told)


def _own_compute_loss(model: keras.Model) -> ResolvedLoss:
    """What fit differentiates is what the model's own class says; it is called as it is, with what it takes."""

    def own(x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool | None) -> Any:
        given = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight, "training": training is not False}
        parameters = inspect.signature(model.compute_loss).parameters.values()
        takes = {p.name for p in parameters}
        every = any(p.kind is p.VAR_KEYWORD for p in parameters)
        return model.compute_loss(**{n: a for n, a in given.items() if every or n in takes})

    return ResolvedLoss(nothing, nothing, None, f"the compute_loss of {type(model).__name__}", own=own)


def compiled_weights(model: keras.Model) -> Any:
    """The loss_weights that a model was compiled with."""
    return model._compile_loss._user_loss_weights if model.loss is not None else None  # noqa: SLF001  (told nowhere else)


def _only(given: Any) -> Any:
    """What stands in a list or dict of one."""
    items = list(given.values()) if isinstance(given, dict) else given
    return items[0] if isinstance(items, list | tuple) and len(items) == 1 else given


def _compiled_at_float64(compiled: Any) -> Callable[..., Any]:
    """The same losses and weights; Keras makes its loss objects at the first call, of the floatx() of that time."""
    losses = keras.tree.map_structure(at_float64, compiled._user_loss)  # noqa: SLF001  (Keras tells it nowhere else)
    weights, names = compiled._user_loss_weights, compiled.output_names  # noqa: SLF001  (likewise)
    with floatx("float64"):
        fine = type(compiled)(losses, weights, output_names=names)

    def value(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        with floatx("float64"):
            return fine(y_true, y_pred, sample_weight)

    return value
