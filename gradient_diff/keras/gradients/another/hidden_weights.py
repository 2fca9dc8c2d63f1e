"""Weights of samples within a function that is the loss: it gives w_n times what a loss of Keras gives of sample n."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradient_diff.keras.gradients.another.losses import LOSSES, has_classes
from gradient_diff.keras.gradients.objective import Objective
from manual_mlp import Array

SAME = 1e-4  # relative: weights from two different outputs, in float32


def hidden_weights(e: Objective) -> tuple[Callable[..., Any], Array] | None:
    """The loss that is weighed and the w of each sample, the same for whatever outputs; None where there are none."""
    given, shape = e.loss.each, _shape(e)
    if given is None or shape is None or e.data.sample_weight is not None:
        return None
    for name in LOSSES.split():
        loss = getattr(keras.losses, name)
        if name.startswith("sparse") and not has_classes(e):
            continue
        first, second = (_ratio(given, loss, e.data.y, _outputs(shape, seed)) for seed in (0, 1))
        if first is None or second is None or not np.allclose(first, second, rtol=SAME, atol=0):
            continue
        if (first >= 0).all() and np.ptp(first) > SAME * first.max():
            return loss, first
    return None


def _shape(e: Objective) -> tuple[int, int] | None:
    """(N, K) of the outputs of a model that has one."""
    outputs = list(getattr(e.model, "outputs", None) or ())
    width = outputs[0].shape[-1] if len(outputs) == 1 and len(outputs[0].shape) == 2 else None
    return (e.data.batch, width) if width and isinstance(e.data.y, np.ndarray) else None


def _outputs(shape: tuple[int, int], seed: int) -> Any:
    """Probabilities, which every loss takes."""
    found = np.random.default_rng(seed).uniform(0.1, 0.9, shape)
    return tf.constant(found / found.sum(1, keepdims=True) if shape[1] > 1 else found, tf.float32)


def _ratio(given: Callable[..., Any], loss: Callable[..., Any], y: Array, p: Any) -> Array | None:
    try:
        values = [np.asarray(function(tf.constant(y), p), np.float64) for function in (given, loss)]
    except Exception:  # noqa: BLE001  # what takes no such targets is not what was weighed
        return None
    if any(v.shape != (len(y),) for v in values) or not (values[1] != 0).all():
        return None
    found: Array = values[0] / values[1]
    return found if np.isfinite(found).all() else None
