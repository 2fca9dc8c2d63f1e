"""E without penalties, as the tape differentiates it, and how a function becomes one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from keras_mlp.extend import LossTensor
from manual_mlp import Loss

NO_LOSS = "The model was not compiled with a loss. Pass loss='mse', or compile it first."


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
    one, and `options` what that is told; `each` a function of the user's, which may give a number for each sample.
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
    each: Callable[[Any, Any], Any] | None = None

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


def from_tensor(tensor: LossTensor, house: Loss | None, words: str) -> ResolvedLoss:
    """A function computes in the dtype of what it is given; targets (N,) of outputs (N, 1) are a column to it."""

    def aligned(y_true: Any, y_pred: Any, weight: Any = None) -> Any:
        if y_pred.shape.rank == y_true.shape.rank + 1 and y_pred.shape[-1] == 1:
            y_true = y_true[..., None]
        return tensor(y_true, y_pred, weight)

    return ResolvedLoss(aligned, aligned, house, words)


def mean(function: Callable[[Any, Any], Any]) -> LossTensor:
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


def scalar(loss: Any) -> LossTensor:
    """Of a loss that reduces nothing E is the sum: that is what a tape differentiates."""

    def value(y_true: Any, y_pred: Any, weight: Any = None) -> Any:
        found = loss(y_true, y_pred) if weight is None else loss(y_true, y_pred, sample_weight=weight)
        return found if not tf.is_tensor(found) or found.shape.rank == 0 else tf.reduce_sum(found)

    return value


def nothing(y_true: Any, y_pred: Any, weight: Any = None) -> Any:
    """Where only the model itself knows E: it is never called."""
