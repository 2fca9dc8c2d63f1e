"""The real Keras optimizers, made from the house's descriptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import keras
import numpy as np

from keras_mlp.startup import start_devices
from manual_mlp import SGD, Adam, Optimizer, RMSprop

# Their fields are Keras's arguments, name for name.
_TWINS: dict[type[Optimizer], Callable[..., keras.optimizers.Optimizer]] = {
    SGD: keras.optimizers.SGD,
    RMSprop: keras.optimizers.RMSprop,
    Adam: keras.optimizers.Adam,
}


def to_keras_optimizer(optimizer: Optimizer | keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The Keras optimizer that takes the same steps.

    Args:
        optimizer: `SGD`, `RMSprop` or `Adam` of manual_mlp, or any of Keras's own, as it was made.

    Returns:
        A fresh one, with no state yet; of one of Keras's own a copy, by its settings.

    Raises:
        TypeError: it is no optimizer, or one that scales a loss.
        ValueError: one of Keras's that has weights already, or that its settings do not make again.

    Example:
        >>> from manual_mlp import Adam
        >>> round(to_keras_optimizer(Adam(beta_1=0.8)).beta_1, 3)
        0.8
    """
    check_optimizer(optimizer)
    start_devices()
    if isinstance(optimizer, keras.optimizers.Optimizer):
        return _copied(optimizer)
    # Keras takes no number but Python's float.
    return _TWINS[type(optimizer)](
        **{
            name: bool(value) if isinstance(value, (bool, np.bool_)) else float(value)
            for name, value in asdict(optimizer).items()
        }
    )


def _copied(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Made again from its settings; weights that no decay reaches are known by their names."""
    kind, rate = type(optimizer).__name__, getattr(optimizer, "_learning_rate", None)
    try:
        config = optimizer.get_config() | ({"learning_rate": rate} if callable(rate) else {})
        copy = type(optimizer).from_config(config)
    except Exception as error:  # an optimizer of somebody's own may raise anything
        raise ValueError(
            f"optimizer is a {kind}, which cannot be made again from its config: {error}. Give it a get_config and a "
            "from_config that make it again."
        ) from error
    if (pattern := getattr(optimizer, "_exclude_from_weight_decay_pattern", None)) is not None:
        copy.exclude_from_weight_decay(var_names=[pattern.pattern])
    return copy


def check_optimizer(optimizer: object) -> None:
    """Raise unless it is one of the house's, or one of Keras's that starts afresh.

    Example:
        >>> check_optimizer("adam")
        Traceback (most recent call last):
            ...
        TypeError: optimizer is str: expected SGD, RMSprop or Adam of manual_mlp, or one of Keras, e.g. Adam(0.001).
    """
    kind = type(optimizer).__name__
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise TypeError(f"optimizer is a {kind}: both sides take E as it is. Give its inner_optimizer.")
    if isinstance(optimizer, keras.optimizers.Optimizer):
        if optimizer.built:
            raise ValueError(
                f"optimizer is a {kind} that has weights already, whose state neither side would start from. Give a "
                "new one."
            )
    elif type(optimizer) not in _TWINS:
        raise TypeError(
            f"optimizer is {kind}: expected SGD, RMSprop or Adam of manual_mlp, or one of Keras, e.g. Adam(0.001)."
        )
