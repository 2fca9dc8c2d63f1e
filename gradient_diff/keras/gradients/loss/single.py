"""One loss: a house name, a Keras name or alias, a Keras loss, or a function."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Any

import keras

from gradient_diff.keras.gradients.loss.resolved import ResolvedLoss, from_tensor, mean, scalar
from keras_mlp import to_tensorflow
from keras_mlp.extend import options_of
from manual_mlp import LOSSES, Loss
from manual_mlp.extend import ALIASES, REDUCTIONS


def single_loss(loss: object) -> ResolvedLoss:
    """Of one output."""
    if isinstance(loss, type) and issubclass(loss, keras.losses.Loss):
        loss = loss()  # as compile takes a class
    if isinstance(loss, Loss) or (isinstance(loss, str) and loss in (*LOSSES, *ALIASES)):
        house = loss if isinstance(loss, Loss) else Loss(loss)
        twin = to_tensorflow(house)
        found = from_tensor(lambda y, p, w=None: twin(y, p) if w is None else twin(y, p, w), house, house.name)
        return replace(found, function=house.name, options={"from_logits": house.from_logits} | options_of(house))
    known = keras_loss(loss) if isinstance(loss, str) else loss
    if isinstance(known, keras.losses.Loss):
        return _of_object(known)
    if callable(known):
        words = loss if isinstance(loss, str) else getattr(loss, "__name__", "a function")
        named = isinstance(loss, str)
        function = getattr(known, "__name__", "") if named else ""
        return replace(from_tensor(mean(known), None, words), function=function, each=None if named else known)
    raise TypeError(
        f"loss is {type(loss).__name__}: expected a name, a Keras loss, a function of (y_true, y_pred), or None."
    )


def _of_object(loss: keras.losses.Loss) -> ResolvedLoss:
    """One of Keras's, or of a class derived from these: it reduces and casts by itself."""
    words = f"the Keras loss object {loss.name} ({loss.dtype})"
    tensor, fine = (scalar(one) for one in (loss, at_float64(loss)))
    return ResolvedLoss(tensor, fine, house_name(loss), words, loss.dtype, **function_of(loss))


def keras_loss(name: str) -> Any:
    """A loss of Keras by its name: a function, or an object where it is the name of a class."""
    try:
        return keras.losses.get(name)
    except ValueError:
        close = difflib.get_close_matches(name, LOSSES)
        meant = f" Did you mean {' or '.join(close)}?" if close else ""
        raise ValueError(
            f"Unknown loss {name!r}.{meant} Known are {', '.join(LOSSES)}, and by name every other loss of Keras."
        ) from None


def function_of(loss: Any) -> dict[str, Any]:
    """What Keras's loss is a wrapper of, by name, and what that is told."""
    function = getattr(loss, "fn", loss)
    return {"function": getattr(function, "__name__", ""), "options": dict(getattr(loss, "_fn_kwargs", {}))}


def at_float64(loss: Any) -> Any:
    """A copy of a Keras loss object that computes in float64; of anything else the thing itself."""
    if not isinstance(loss, keras.losses.Loss):
        return loss
    fine = object.__new__(type(loss))  # copy.copy would make it from its config
    fine.__dict__.update(
        vars(loss), _dtype_policy=keras.dtype_policies.get("float64"), _dtype="float64"
    )  # no config holds it
    return fine


def house_name(loss: object) -> Loss | None:
    """The house's name for a Keras loss object that has only plain settings."""
    name = ALIASES.get(type(loss).__name__)
    if name is None or not isinstance(loss, keras.losses.Loss) or loss.reduction not in REDUCTIONS:
        return None
    settings = loss.get_config() | getattr(loss, "_fn_kwargs", {})  # the config of a Huber has no delta
    if settings.get("axis", -1) != -1 or settings.get("ignore_class") is not None:
        return None
    told = {n: settings[n] for n in ("from_logits", "label_smoothing", "delta", "reduction") if n in settings}
    return Loss(name, **told)
