"""TensorFlow twins of the house's losses: Keras's own functions where Keras has them, plain ops where it has not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from manual_mlp import Loss

LossTensor: TypeAlias = Callable[..., Any]
"""(y_true, y_pred, sample_weight=None) → E, (); without weights it is called with two arguments."""


def _of_keras(loss: Loss) -> LossTensor:
    """Keras's loss *function* on the model's tensor: a loss *object* would cast it to floatx() without its logits.

    Its reduction "sum_over_batch_size" is that of the object: Σ_n w_n e_n over N, whatever the weights sum to.
    """
    function = _log_cosh if loss.name == "log_cosh" else getattr(keras.losses, loss.name)
    options = options_of(loss)
    reduce = tf.reduce_sum if loss.reduction == "sum" else tf.reduce_mean
    return lambda y_true, y_pred, w=None: reduce(_weighed(function(y_true, y_pred, **options), w))


def options_of(loss: Loss) -> dict[str, Any]:
    """What Keras's function of a loss is told.

    Example:
        >>> options_of(Loss("bce", label_smoothing=0.1))
        {'from_logits': False, 'label_smoothing': 0.1}
        >>> options_of(Loss("huber"))
        {'delta': 1.0}
    """
    logits = {} if loss.function.logits is None else {"from_logits": loss.from_logits}
    smoothed = {"label_smoothing": loss.label_smoothing} if loss.label_smoothing else {}
    return logits | smoothed | ({} if loss.delta is None else {"delta": loss.delta})


def _sum_of_squares(y_true: Any, y_pred: Any, w: Any = None) -> Any:
    return tf.reduce_sum(_weighed(tf.square(y_pred - y_true), w))


def _weighed(values: Any, w: Any) -> Any:
    """Each sample's values times its weight: (N,) or (N, K), (N,) → the same."""
    if w is None:
        return values
    return values * tf.reshape(tf.cast(w, values.dtype), [-1] + [1] * (len(values.shape) - 1))


def _log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Keras's, whose log 2 is one of float32 in a float64 model, too."""
    e = y_pred - y_true
    return tf.reduce_mean(e + tf.math.softplus(-2 * e) - math.log(2), axis=-1)


_TWINS: dict[str, Callable[[Loss], LossTensor]] = {
    "half_sum_squared_error": lambda loss: lambda y, p, w=None: 0.5 * _sum_of_squares(y, p, w),
    "sum_squared_error": lambda loss: _sum_of_squares,
    "quadratic_cost": lambda loss: lambda y, p, w=None: _sum_of_squares(y, p, w) / tf.cast(2 * tf.shape(p)[0], p.dtype),
}
"""Losses that Keras has not, by their names."""


def to_tensorflow(loss: Loss) -> LossTensor:
    """E = c Σ_n w_n e_n as a TensorFlow function of (y_true, y_pred, sample_weight=None), differentiable by the tape.

    Args:
        loss: the house's description.

    Returns:
        (y_true (N, K) or (N,), y_pred (N, K), sample_weight (N,) or None) → E, ().

    Source: keras/src/losses/loss.py, reduce_weighted_values: weights multiply the e_n, and c stays 1/N.

    Example:
        >>> import tensorflow as tf
        >>> y, p = tf.constant([[1.0]], tf.float64), tf.constant([[3.0]], tf.float64)
        >>> float(to_tensorflow(Loss("half_sum_squared_error"))(y, p))
        2.0
        >>> float(to_tensorflow(Loss("half_sum_squared_error"))(y, p, tf.constant([3.0])))
        6.0
    """
    twin = _TWINS.get(loss.name, _of_keras)(loss)
    return twin if loss.scale == 1 else lambda y, p, w=None: loss.scale * twin(y, p, w)
