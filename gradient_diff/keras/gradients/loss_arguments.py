"""What a user may call a loss: a house name, a Keras name or alias, a Keras loss, a function, or the compiled one."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import keras
import tensorflow as tf

from keras_mlp import to_tensorflow
from keras_mlp.extend import LossTensor
from manual_mlp import LOSSES, Loss
from manual_mlp.extend import ALIASES


@dataclass(frozen=True)
class ResolvedLoss:
    """E without penalties, as the tape differentiates it.

    A loss *object* of Keras's casts what it is given to its own `dtype`, None for a function, which computes in that of
    its arguments; `in_float64` is the same without that cast. `house` is the same as a `Loss`, or None for one without
    a name here.
    """

    tensor: LossTensor
    in_float64: LossTensor
    house: Loss | None
    words: str
    dtype: str | None = None

    def computed_finely(self, model: str) -> LossTensor:
        """E of a model of some dtype, for a run of it in float64: the same function, whose cast rounds nothing more.

        Where Keras casts, the tensor that the loss sees is another than the model's, without its logits: then a
        cross-entropy is computed from clipped probabilities. So it is here.
        """
        if self.dtype in (None, model):
            return self.in_float64
        return lambda y_true, y_pred: self.in_float64(y_true, tf.identity(y_pred))


def resolve_loss(loss: object, model: keras.Model) -> ResolvedLoss:
    """Find out what is meant; None means the model's compiled loss."""
    if loss is None:
        return _compiled(model)
    if isinstance(loss, type) and issubclass(loss, keras.losses.Loss):
        loss = loss()  # as compile takes a class
    if isinstance(loss, Loss) or (isinstance(loss, str) and loss in (*LOSSES, *ALIASES)):
        house = loss if isinstance(loss, Loss) else Loss(loss)
        return _plain(to_tensorflow(house), house, house.name)
    if isinstance(loss, keras.losses.Loss):
        words = f"the Keras loss object {loss.name} ({loss.dtype})"
        as_it_is: LossTensor = loss
        tensor, fine = (
            _scalar(one) if loss.reduction in (None, "none") else one for one in (as_it_is, _at_float64(loss))
        )
        return ResolvedLoss(tensor, fine, _house_name(loss), words, loss.dtype)
    if isinstance(loss, str):
        return _plain(_mean(_of_keras(loss)), None, loss)
    if callable(loss):
        return _plain(_mean(loss), None, getattr(loss, "__name__", "a function"))
    raise TypeError(
        f"loss is {type(loss).__name__}: expected a name, a Keras loss, a function of (y_true, y_pred), or None."
    )


def _plain(tensor: LossTensor, house: Loss | None, words: str) -> ResolvedLoss:
    """A function computes in the dtype of what it is given."""
    return ResolvedLoss(tensor, tensor, house, words)


def _of_keras(name: str) -> Callable[[Any, Any], Any]:
    """A loss of Keras by its name."""
    try:
        return keras.losses.get(name)
    except ValueError:
        close = difflib.get_close_matches(name, LOSSES)
        meant = f" Did you mean {' or '.join(close)}?" if close else ""
        raise ValueError(
            f"Unknown loss {name!r}.{meant} Known are {', '.join(LOSSES)}, and by name every other loss of Keras."
        ) from None


def _mean(function: Callable[[Any, Any], Any]) -> LossTensor:
    return lambda y_true, y_pred: tf.reduce_mean(function(y_true, y_pred))


def _compiled(model: keras.Model) -> ResolvedLoss:
    given = getattr(model, "loss", None)
    if not getattr(model, "compiled", False) or given is None:
        raise ValueError("The model was not compiled with a loss. Pass loss='mse', or compile it first.")
    if type(model).compute_loss is not keras.Model.compute_loss:
        return _own_compute_loss(model)
    compiled = model._compile_loss  # noqa: SLF001  (what fit differentiates; compute_loss adds the penalties, too)
    only, weight = _only(given), _only(compiled_weights(model))
    name = only if isinstance(only, str) else None
    known = Loss(name) if name in (*LOSSES, *ALIASES) else _house_name(only)
    words = f"the compiled loss {name or getattr(only, 'name', only)}"
    if isinstance(weight, int | float):
        known = replace(known, scale=float(weight)) if known is not None and 0 < weight < float("inf") else None
        words = f"{words}, weight {weight:g}"
    dtype = only.dtype if isinstance(only, keras.losses.Loss) else compiled.dtype
    return ResolvedLoss(_scalar(compiled), _scalar(_compiled_at_float64(compiled)), known, words, dtype)


def _own_compute_loss(model: keras.Model) -> ResolvedLoss:
    """What fit differentiates is what the model's own class says; it is called as it is."""
    if model.losses:
        raise ValueError(
            f"{model.name} has a compute_loss of its own beside penalties, and nobody can tell from outside whether it "
            "adds them. Pass loss=, the function of (y_true, y_pred) that it computes without them."
        )

    def tensor(y_true: Any, y_pred: Any) -> Any:
        return model.compute_loss(x=None, y=y_true, y_pred=y_pred)

    return _plain(tensor, None, f"the compute_loss of {type(model).__name__}")


def compiled_weights(model: keras.Model) -> Any:
    """The loss_weights that a model was compiled with."""
    return model._compile_loss._user_loss_weights if model.loss is not None else None  # noqa: SLF001  (told nowhere else)


def _only(given: Any) -> Any:
    """What stands in a list or dict of one."""
    items = list(given.values()) if isinstance(given, dict) else given
    return items[0] if isinstance(items, list | tuple) and len(items) == 1 else given


def _scalar(loss: Any) -> LossTensor:
    """Of a loss that reduces nothing E is the sum: that is what a tape differentiates."""

    def value(y_true: Any, y_pred: Any) -> Any:
        found = loss(y_true, y_pred)
        return found if found.shape.rank == 0 else tf.reduce_sum(found)

    return value


def _compiled_at_float64(compiled: Any) -> LossTensor:
    """The same losses and weights; Keras makes its loss objects at the first call, of the floatx() of that time."""
    losses = keras.tree.map_structure(_at_float64, compiled._user_loss)  # noqa: SLF001  (Keras tells it nowhere else)
    weights, names = compiled._user_loss_weights, compiled.output_names  # noqa: SLF001  (likewise)
    with _floatx("float64"):
        fine = type(compiled)(losses, weights, output_names=names)

    def value(y_true: Any, y_pred: Any) -> Any:
        with _floatx("float64"):
            return fine(y_true, y_pred)

    return value


def _at_float64(loss: Any) -> Any:
    """A copy of a Keras loss object that computes in float64; of anything else the thing itself."""
    if not isinstance(loss, keras.losses.Loss):
        return loss
    fine = copy.copy(loss)
    fine.__dict__.update(_dtype_policy=keras.dtype_policies.get("float64"), _dtype="float64")  # no config holds it
    return fine


@contextmanager
def _floatx(dtype: str) -> Iterator[None]:
    before = keras.config.floatx()
    keras.config.set_floatx(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before)


def _house_name(loss: object) -> Loss | None:
    """The house's name for a Keras loss object that has only plain settings."""
    name = ALIASES.get(type(loss).__name__)
    if name is None or not isinstance(loss, keras.losses.Loss) or loss.reduction != "sum_over_batch_size":
        return None
    settings = loss.get_config()
    if settings.get("label_smoothing") or settings.get("axis", -1) != -1 or settings.get("ignore_class") is not None:
        return None
    return Loss(name, from_logits=bool(settings.get("from_logits", False)))
