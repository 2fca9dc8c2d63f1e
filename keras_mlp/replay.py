"""What a model draws, recorded from its own seeds and given again to a run that would draw other numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.tensorflow import random as _random  # Keras's layers draw by no other way

_DRAWING = ("normal", "uniform", "truncated_normal", "gamma", "binomial", "beta", "categorical")


@contextmanager
def recorded_draws() -> Iterator[list[Any]]:
    """Within it, all that layers draw is put down in order: the numbers, and of a dropout its mask."""
    drawn: list[Any] = []

    def recorder(function: Callable[..., Any]) -> Callable[..., Any]:
        def draw(*arguments: Any, **options: Any) -> Any:
            drawn.append(function(*arguments, **options))
            return drawn[-1]

        return draw

    def mask_of(ones: Any, *settings: Any) -> Any:
        drawn.append(drop(ones, *settings))
        return drawn[-1]

    drop = _random.dropout
    with _drawing_by(recorder, mask_of):
        yield drawn


@contextmanager
def replayed_draws(drawn: Sequence[Any], exact: bool = False) -> Iterator[None]:
    """Within it, layers get these in the place of what they would draw, cast to the dtype that they ask for.

    With `exact` what a dropout keeps is divided by 1 − rate in that dtype, and not in the one it was drawn in.
    """
    left = iter(drawn)

    def following() -> Any:
        try:
            return tf.convert_to_tensor(next(left))
        except StopIteration:
            raise NotImplementedError("more is drawn than was recorded") from None

    def player(function: Callable[..., Any]) -> Callable[..., Any]:
        def draw(*arguments: Any, **options: Any) -> Any:
            found = following()
            return tf.cast(found, options.get("dtype") or keras.config.floatx()) if found.dtype.is_floating else found

        return draw

    def mask_of(ones: Any, rate: float, *_: Any) -> Any:
        mask = tf.cast(following(), ones.dtype)
        return tf.where(mask != 0, tf.constant(1 / (1 - rate), ones.dtype), 0) if exact else mask

    with _drawing_by(player, mask_of):
        yield


@contextmanager
def _drawing_by(
    other: Callable[[Callable[..., Any]], Callable[..., Any]], mask_of: Callable[..., Any]
) -> Iterator[None]:
    def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
        if rate in (0.0, 1.0):
            return drop(inputs, rate, noise_shape, seed)
        return inputs * mask_of(tf.ones_like(inputs), rate, noise_shape, seed)

    drop = _random.dropout
    with ExitStack() as stack:
        for name, function in {**{n: other(getattr(_random, n)) for n in _DRAWING}, "dropout": dropout}.items():
            stack.callback(setattr, _random, name, getattr(_random, name))
            setattr(_random, name, function)
        yield
