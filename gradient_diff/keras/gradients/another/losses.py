"""The other losses of Keras, of each of which a hand may be the gradient."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np

from gradient_diff.keras.gradients.another.variations import Variation
from gradient_diff.keras.gradients.loss.resolved import ResolvedLoss
from gradient_diff.keras.gradients.loss.resolving import resolve_loss
from gradient_diff.keras.gradients.objective import Objective

LOSSES = """
    mean_squared_error mean_absolute_error binary_crossentropy categorical_crossentropy sparse_categorical_crossentropy
    mean_absolute_percentage_error mean_squared_logarithmic_error huber log_cosh poisson kl_divergence hinge
    squared_hinge categorical_hinge cosine_similarity binary_focal_crossentropy categorical_focal_crossentropy
"""
WHY_ALIKE = {
    "huber": "huber: all |e| ≤ 1",
    "kl_divergence": "kl divergence: it differs by a constant of the labels",
}


def losses(sizes: tuple[int, int] | None, e: Objective) -> Iterator[Variation]:
    """Each in every reading, itself or a factor of it that has a reason."""
    times = tuple(_factors(e.data.batch, sizes[1] if sizes else 1))
    cure = f"The loss that was given is {e.loss.words}."
    for name in LOSSES.split():
        for options in _readings(name, e):
            loss = of_function(getattr(keras.losses, name), e, **options)
            words = as_it_is_called(name) + (" of logits" if options.get("from_logits") else "")
            alike = WHY_ALIKE.get(name, "")
            yield Variation("other_loss", words, cure, replace(e, loss=loss), times=times, alike=alike)


def _factors(n: int, k: int) -> Iterator[tuple[float, str]]:
    yield from ((0.5, "half of it"), (2.0, "twice"))
    named = {"K": k, "K/2": k / 2, "N": n, "N/2": n / 2, "N·K": n * k, "N·K/2": n * k / 2}
    yield from ((float(value), f"{name} times") for name, value in named.items() if value != 1)
    yield from ((1 / value, f"1/{name} of it") for name, value in (("K", k), ("N", n)) if value != 1)


def _readings(name: str, e: Objective) -> Iterator[dict[str, bool]]:
    if name.startswith("sparse") and not has_classes(e):
        return
    takes = "from_logits" in inspect.signature(getattr(keras.losses, name)).parameters
    yield from ({"from_logits": False}, {"from_logits": True}) if takes else ({},)


def has_classes(e: Objective) -> bool:
    """Whether the targets may be numbers of classes: else TensorFlow complains on stderr."""
    y, outputs = e.data.y, list(getattr(e.model, "outputs", None) or ())
    if not isinstance(y, np.ndarray) or len(outputs) != 1 or y.size == 0:
        return False
    count = outputs[0].shape[-1] or 0
    return bool(np.all(y == np.round(y)) and y.min() >= 0 and y.max() < count)


def cross_entropy(e: Objective) -> tuple[Callable[..., Any], bool] | None:
    """Keras's function for the loss as it was told, and whether it takes logits; None for what is no cross-entropy."""
    function = getattr(keras.losses, e.loss.function, None) if e.loss.function else None
    if function is None or "from_logits" not in inspect.signature(function).parameters:
        return None
    return partial(function, **e.loss.options), e.loss.from_logits


def of_function(function: Callable[..., Any], e: Objective, **options: Any) -> ResolvedLoss:
    """A loss of Keras with these options, averaged over the samples."""
    return resolve_loss(partial(function, **options), e.model)


def as_it_is_called(name: str) -> str:
    """mean_squared_error is the mean squared error."""
    return name.replace("_", " ")
