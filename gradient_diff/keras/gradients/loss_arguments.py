"""What a user may call a loss: a house name, a Keras name or alias, a Keras loss, a function, or the compiled one."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from keras_mlp import to_tensorflow
from keras_mlp.extend import LossTensor
from manual_mlp import LOSSES, Loss
from manual_mlp.extend import ALIASES


@dataclass(frozen=True)
class ResolvedLoss:
    """E as the tape will differentiate it; `house` is the same as a `Loss`, or None for one that has no name here."""

    tensor: LossTensor
    house: Loss | None
    words: str


def resolve_loss(loss: object, model: keras.Model) -> ResolvedLoss:
    """Find out what is meant; None means the model's compiled loss."""
    if loss is None:
        return _compiled(model)
    if isinstance(loss, Loss) or (isinstance(loss, str) and loss in (*LOSSES, *ALIASES)):
        house = loss if isinstance(loss, Loss) else Loss(loss)
        return ResolvedLoss(to_tensorflow(house), house, house.name)
    if isinstance(loss, keras.losses.Loss):
        return ResolvedLoss(loss, _house_name(loss), f"the Keras loss object {loss.name} ({loss.dtype})")
    if isinstance(loss, str):
        return ResolvedLoss(_mean(_of_keras(loss)), None, loss)
    if callable(loss):
        return ResolvedLoss(_mean(loss), None, getattr(loss, "__name__", "a function"))
    raise TypeError(
        f"loss is {type(loss).__name__}: expected a name, a Keras loss, a function of (y_true, y_pred), or None."
    )


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
    name = given if isinstance(given, str) else None
    known = Loss(name) if name in (*LOSSES, *ALIASES) else _house_name(given)

    def tensor(y_true: Any, y_pred: Any) -> Any:
        return model.compute_loss(x=None, y=y_true, y_pred=y_pred)

    return ResolvedLoss(tensor, known, f"the compiled loss {name or getattr(given, 'name', given)}")


def _house_name(loss: object) -> Loss | None:
    """The house's name for a Keras loss object that has only plain settings."""
    name = ALIASES.get(type(loss).__name__)
    if name is None or not isinstance(loss, keras.losses.Loss) or loss.reduction != "sum_over_batch_size":
        return None
    settings = loss.get_config()
    if settings.get("label_smoothing") or settings.get("axis", -1) != -1 or settings.get("ignore_class") is not None:
        return None
    return Loss(name, from_logits=bool(settings.get("from_logits", False)))
