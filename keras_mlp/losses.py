"""TensorFlow twins of the house's losses: Keras's own functions where Keras has them, plain ops where it has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from manual_mlp import Loss

LossTensor: TypeAlias = Callable[[Any, Any], Any]


def _mean_over_samples(function: Callable[..., Any], loss: Loss) -> LossTensor:
    """Keras's loss *function* on the model's tensor: a loss *object* would cast it to floatx() without its logits."""
    options = {} if loss.function.logits is None else {"from_logits": loss.from_logits}
    return lambda y_true, y_pred: tf.reduce_mean(function(y_true, y_pred, **options))


def _sum_of_squares(y_true: Any, y_pred: Any) -> Any:
    return tf.reduce_sum(tf.square(y_pred - y_true))


_TWINS: dict[str, Callable[[Loss], LossTensor]] = {
    "half_sum_squared_error": lambda loss: lambda y, p: 0.5 * _sum_of_squares(y, p),
    "sum_squared_error": lambda loss: _sum_of_squares,
    "quadratic_cost": lambda loss: lambda y, p: _sum_of_squares(y, p) / tf.cast(2 * tf.shape(p)[0], p.dtype),
    "mean_squared_error": lambda loss: _mean_over_samples(keras.losses.mean_squared_error, loss),
    "binary_crossentropy": lambda loss: _mean_over_samples(keras.losses.binary_crossentropy, loss),
    "categorical_crossentropy": lambda loss: _mean_over_samples(keras.losses.categorical_crossentropy, loss),
    "sparse_categorical_crossentropy": lambda loss: _mean_over_samples(
        keras.losses.sparse_categorical_crossentropy, loss
    ),
}


def to_tensorflow(loss: Loss) -> LossTensor:
    """E as a TensorFlow function of (y_true, y_pred), differentiable by the tape.

    Args:
        loss: the house's description.

    Returns:
        (y_true (N, K) or (N,), y_pred (N, K)) → E, ().

    Example:
        >>> import tensorflow as tf
        >>> y, p = tf.constant([[1.0]], tf.float64), tf.constant([[3.0]], tf.float64)
        >>> float(to_tensorflow(Loss("half_sum_squared_error"))(y, p))
        2.0
    """
    twin = _TWINS[loss.name](loss)
    return twin if loss.scale == 1 else lambda y, p: loss.scale * twin(y, p)
