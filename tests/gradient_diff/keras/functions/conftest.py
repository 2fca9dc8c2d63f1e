"""Functions with a gradient of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf


@pytest.fixture
def custom() -> Callable[..., Any]:
    """A tf.custom_gradient of both; backward takes the arguments and the upstream."""

    def made(forward: Callable[..., Any], backward: Callable[..., Any]) -> Callable[..., Any]:
        @tf.custom_gradient
        def f(*arguments: Any) -> Any:
            return forward(*arguments), lambda *upstream: backward(*arguments, *upstream)

        return f  # type: ignore[no-any-return]

    return made


@pytest.fixture
def only_float32() -> Callable[..., Any]:
    """A function that refuses float64: nothing finer than its own values can be had."""

    def made(f: Callable[..., Any]) -> Callable[..., Any]:
        def g(*arguments: Any) -> Any:
            if any(a.dtype == tf.float64 for a in arguments):
                raise TypeError("float32 only")
            return f(*arguments)

        return g

    return made
