"""What a user may call a loss: a house name, a Keras name or alias, a Keras loss, a function, or the compiled one."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from keras_mlp import to_tensorflow
from keras_mlp.extend import LossTensor, floatx
from manual_mlp import LOSSES, Loss
from manual_mlp.extend import ALIASES


class KerasError(ValueError):
    """A sentence of ours about what cannot be computed."""


@dataclass(frozen=True)
class ResolvedLoss:
    """E without penalties, as the tape differentiates it.

    A loss *object* of Keras's casts what it is given to its own `dtype`, None for a function, which computes in that of
    its arguments; `in_float64` is the same without that cast. `house` is the same as a `Loss`, or None for one without
    a name here. `own` is a model's own compute_loss, the whole of E: (x, y_true, y_pred, sample_weight, training) → E.
    `stepped`: the model has a train_step of its own, and only that knows what is trained; `empty`: there are penalties
    alone; `compiled`: the model's own, weights included. `function` is Keras's function of it, by name, where it is
    one, and `options` what that is told.
    """

    tensor: LossTensor
    in_float64: LossTensor
    house: Loss | None
    words: str
    dtype: str | None = None
    own: Callable[..., Any] | None = None
    stepped: bool = False
    empty: bool = False
    function: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    compiled: bool = False

    @property
    def from_logits(self) -> bool:
        return bool(self.options.get("from_logits"))

    def computed_finely(self, model: str) -> LossTensor:
        """E of a model of some dtype, for a run of it in float64: the same function, whose cast rounds nothing more.

        Where Keras casts, the tensor that the loss sees is another than the model's, without its logits: then a
        cross-entropy is computed from clipped probabilities. So it is here.
        """
        if self.dtype in (None, model):
            return self.in_float64
        return lambda y_true, y_pred, weight=None: self.in_float64(
            y_true, keras.tree.map_structure(tf.identity, y_pred), weight
        )


def resolve_loss(loss: object, model: keras.Model) -> ResolvedLoss:
    """Find out what is meant; None means what the model was compiled with."""
    if loss is None:
        return _compiled(model)
    if isinstance(loss, Mapping | list | tuple):
        return _of_several(loss, model)
    return _of_outputs(_single(loss), model)


def _single(loss: object) -> ResolvedLoss:
    if isinstance(loss, type) and issubclass(loss, keras.losses.Loss):
        loss = loss()  # as compile takes a class
    if isinstance(loss, Loss) or (isinstance(loss, str) and loss in (*LOSSES, *ALIASES)):
        house = loss if isinstance(loss, Loss) else Loss(loss)
        twin = to_tensorflow(house)
        plain = _plain(lambda y, p, w=None: twin(y, p) if w is None else twin(y, p, w), house, house.name)
        return replace(plain, function=house.name, options={"from_logits": house.from_logits})
    if isinstance(loss, keras.losses.Loss):
        words = f"the Keras loss object {loss.name} ({loss.dtype})"
        tensor, fine = (_scalar(one) for one in (loss, _at_float64(loss)))
        return ResolvedLoss(tensor, fine, _house_name(loss), words, loss.dtype, **_function_of(loss))
    if isinstance(loss, str):
        return replace(_plain(_mean(_of_keras(loss)), None, loss), function=_of_keras(loss).__name__)
    if callable(loss):
        return _plain(_mean(loss), None, getattr(loss, "__name__", "a function"))
    raise TypeError(
        f"loss is {type(loss).__name__}: expected a name, a Keras loss, a function of (y_true, y_pred), or None."
    )


def _plain(tensor: LossTensor, house: Loss | None, words: str) -> ResolvedLoss:
    """A function computes in the dtype of what it is given; targets (N,) of outputs (N, 1) are a column to it."""

    def aligned(y_true: Any, y_pred: Any, weight: Any = None) -> Any:
        if y_pred.shape.rank == y_true.shape.rank + 1 and y_pred.shape[-1] == 1:
            y_true = y_true[..., None]
        return tensor(y_true, y_pred, weight)

    return ResolvedLoss(aligned, aligned, house, words)


def _of_outputs(one: ResolvedLoss, model: keras.Model) -> ResolvedLoss:
    """One loss for every output, added up."""
    count = len(getattr(model, "outputs", None) or ())
    return _summed([one] * count, [one.words], model) if count > 1 else one


def _of_several(losses: Mapping[str, object] | list[object] | tuple[object, ...], model: keras.Model) -> ResolvedLoss:
    """A loss for each output, by name or in order."""
    names = _output_names(model)
    several = list(losses.values()) if isinstance(losses, Mapping) else list(losses)
    if isinstance(losses, Mapping):
        if names and set(losses) != set(names):
            raise ValueError(
                f"loss names {', '.join(losses)}, but the outputs are {', '.join(names)}. Give one for each."
            )
        several = [losses[n] for n in names] if names else several
    if names and len(several) != len(names):
        raise ValueError(
            f"loss holds {len(several)} losses, but the model has {len(names)} outputs: {', '.join(names)}."
        )
    resolved = [_single(one) for one in several]
    return resolved[0] if len(resolved) == 1 else _summed(resolved, [one.words for one in resolved], model)


def _output_names(model: keras.Model) -> list[str]:
    """By these fit knows the outputs: keys of a dict of them, in the order of Keras, or the names of their layers."""
    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name]
    outputs = getattr(model, "output", None) if getattr(model, "outputs", None) else None
    return sorted(outputs) if isinstance(outputs, Mapping) else list(getattr(model, "output_names", None) or ())


def _summed(losses: list[ResolvedLoss], words: list[str], model: keras.Model) -> ResolvedLoss:
    names = _output_names(model)

    def in_order(tree: Any) -> list[Any]:
        if isinstance(tree, Mapping):
            return [tree[n] for n in (names if names and set(names) == set(tree) else sorted(tree))]
        return list(tree) if isinstance(tree, list | tuple) else [tree] * len(losses)

    def total(parts: list[LossTensor], y_true: Any, y_pred: Any, weight: Any = None) -> Any:
        several = [in_order(tree) for tree in (y_true, y_pred, weight)]
        for title, given in zip(("y", "y_pred", "sample_weight"), several, strict=True):
            if len(given) != len(parts):
                raise KerasError(f"{title} holds {len(given)} arrays, for {len(parts)} outputs. Give one for each.")
        return sum(part(*one) for part, *one in zip(parts, *several, strict=True))

    tensor, fine = (partial(total, parts) for parts in ([z.tensor for z in losses], [z.in_float64 for z in losses]))
    dtypes = {z.dtype for z in losses}
    return ResolvedLoss(tensor, fine, None, " + ".join(words), dtypes.pop() if len(dtypes) == 1 else "mixed")


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
    """The mean of what a function gives for each sample, or what it gives; it alone may leave TensorFlow."""

    def value(y_true: Any, y_pred: Any, weight: Any = None) -> Any:
        found = function(y_true, y_pred)
        if not tf.is_tensor(found):
            return found
        if weight is None:
            return tf.reduce_mean(found)
        if found.shape.rank == 0:
            raise KerasError(
                "The loss gives one number for the whole batch, so that no sample can be weighted. Let it return a "
                "number for each sample, or leave the weights out."
            )
        return tf.reduce_mean(found * _as_wide(tf.cast(weight, found.dtype), found))

    return value


def _as_wide(weight: Any, values: Any) -> Any:
    """Weights of samples, or of their steps, beside values of more axes."""
    if weight.shape.rank == values.shape.rank + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    return tf.reshape(weight, [*weight.shape, *[1] * (values.shape.rank - weight.shape.rank)])


def _compiled(model: keras.Model) -> ResolvedLoss:
    kind, given = type(model), getattr(model, "loss", None)
    own = getattr(model, "compiled", False) and kind.compute_loss is not keras.Model.compute_loss
    if getattr(model, "compiled", False) and kind.train_step is not keras.Model.train_step:
        return ResolvedLoss(_nothing, _nothing, None, f"the train_step of {kind.__name__}", stepped=True)
    if own:
        return _own_compute_loss(model)
    if not getattr(model, "compiled", False) or (given is None and not model.losses):
        raise ValueError("The model was not compiled with a loss. Pass loss='mse', or compile it first.")
    if given is None:
        alone = _plain(lambda y, p, w=None: tf.zeros((), p.dtype), None, "nothing but penalties")
        return replace(alone, empty=True)
    compiled = model._compile_loss  # noqa: SLF001  (what fit differentiates; compute_loss adds the penalties, too)
    only, weight = _only(given), _only(compiled_weights(model))
    name = only if isinstance(only, str) else None
    known = Loss(name) if name in (*LOSSES, *ALIASES) else _house_name(only)
    words = f"the compiled loss {name or getattr(only, 'name', getattr(only, '__name__', only))}"
    if isinstance(weight, int | float):
        known = replace(known, scale=float(weight)) if known is not None and 0 < weight < float("inf") else None
        words = f"{words}, weight {weight:g}"
    dtype = only.dtype if isinstance(only, keras.losses.Loss) else compiled.dtype
    tensors = _scalar(compiled), _scalar(_compiled_at_float64(compiled))
    single = isinstance(only, str) or callable(only)
    told = _function_of(keras.losses.get(only)) if single else {}
    return ResolvedLoss(*tensors, known, words, dtype, compiled=True, **told)


def _nothing(y_true: Any, y_pred: Any, weight: Any = None) -> Any:
    """Where only the model itself knows E: it is never called."""


def _function_of(loss: Any) -> dict[str, Any]:
    """What Keras's loss is a wrapper of, by name, and what that is told."""
    function = getattr(loss, "fn", loss)
    return {"function": getattr(function, "__name__", ""), "options": dict(getattr(loss, "_fn_kwargs", {}))}


def _own_compute_loss(model: keras.Model) -> ResolvedLoss:
    """What fit differentiates is what the model's own class says; it is called as it is, with what it takes."""

    def own(x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool | None) -> Any:
        given = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight, "training": training is not False}
        parameters = inspect.signature(model.compute_loss).parameters.values()
        takes = {p.name for p in parameters}
        every = any(p.kind is p.VAR_KEYWORD for p in parameters)
        return model.compute_loss(**{n: a for n, a in given.items() if every or n in takes})

    return ResolvedLoss(_nothing, _nothing, None, f"the compute_loss of {type(model).__name__}", own=own)


def compiled_weights(model: keras.Model) -> Any:
    """The loss_weights that a model was compiled with."""
    return model._compile_loss._user_loss_weights if model.loss is not None else None  # noqa: SLF001  (told nowhere else)


def _only(given: Any) -> Any:
    """What stands in a list or dict of one."""
    items = list(given.values()) if isinstance(given, dict) else given
    return items[0] if isinstance(items, list | tuple) and len(items) == 1 else given


def _scalar(loss: Any) -> LossTensor:
    """Of a loss that reduces nothing E is the sum: that is what a tape differentiates."""

    def value(y_true: Any, y_pred: Any, weight: Any = None) -> Any:
        found = loss(y_true, y_pred) if weight is None else loss(y_true, y_pred, sample_weight=weight)
        return found if not tf.is_tensor(found) or found.shape.rank == 0 else tf.reduce_sum(found)

    return value


def _compiled_at_float64(compiled: Any) -> Callable[..., Any]:
    """The same losses and weights; Keras makes its loss objects at the first call, of the floatx() of that time."""
    losses = keras.tree.map_structure(_at_float64, compiled._user_loss)  # noqa: SLF001  (Keras tells it nowhere else)
    weights, names = compiled._user_loss_weights, compiled.output_names  # noqa: SLF001  (likewise)
    with floatx("float64"):
        fine = type(compiled)(losses, weights, output_names=names)

    def value(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        with floatx("float64"):
            return fine(y_true, y_pred, sample_weight)

    return value


def _at_float64(loss: Any) -> Any:
    """A copy of a Keras loss object that computes in float64; of anything else the thing itself."""
    if not isinstance(loss, keras.losses.Loss):
        return loss
    fine = object.__new__(type(loss))  # copy.copy would make it from its config
    fine.__dict__.update(
        vars(loss), _dtype_policy=keras.dtype_policies.get("float64"), _dtype="float64"
    )  # no config holds it
    return fine


def _house_name(loss: object) -> Loss | None:
    """The house's name for a Keras loss object that has only plain settings."""
    name = ALIASES.get(type(loss).__name__)
    if name is None or not isinstance(loss, keras.losses.Loss) or loss.reduction != "sum_over_batch_size":
        return None
    settings = loss.get_config()
    if settings.get("label_smoothing") or settings.get("axis", -1) != -1 or settings.get("ignore_class") is not None:
        return None
    return Loss(name, from_logits=bool(settings.get("from_logits", False)))
