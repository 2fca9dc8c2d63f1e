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


def to_keras_optimizer(optimizer: Optimizer) -> keras.optimizers.Optimizer:
    """The Keras optimizer that takes the same steps.

    Args:
        optimizer: `SGD`, `RMSprop` or `Adam` of manual_mlp.

    Returns:
        A fresh one, with no state yet.

    Raises:
        TypeError: it is none of the house's.

    Example:
        >>> from manual_mlp import Adam
        >>> round(to_keras_optimizer(Adam(beta_1=0.8)).beta_1, 3)
        0.8
    """
    check_optimizer(optimizer)
    start_devices()
    # Keras takes no number but Python's float.
    return _TWINS[type(optimizer)](
        **{
            name: bool(value) if isinstance(value, (bool, np.bool_)) else float(value)
            for name, value in asdict(optimizer).items()
        }
    )


def check_optimizer(optimizer: object) -> None:
    """Raise a TypeError unless it is one that has a twin.

    Example:
        >>> check_optimizer(keras.optimizers.Adam())
        Traceback (most recent call last):
            ...
        TypeError: optimizer is keras.optimizers.Adam: expected SGD, RMSprop or Adam of manual_mlp, e.g. Adam(0.001).
    """
    if type(optimizer) not in _TWINS:
        home = "keras.optimizers." if isinstance(optimizer, keras.optimizers.Optimizer) else ""
        raise TypeError(
            f"optimizer is {home}{type(optimizer).__name__}: expected SGD, RMSprop or Adam of manual_mlp, "
            "e.g. Adam(0.001)."
        )
