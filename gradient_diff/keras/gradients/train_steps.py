"""A model's own train_step: the gradients that it hands to its optimizer are what fit trains by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras


def handed_over(model: keras.Model, *data: Any) -> dict[int, Any]:
    """Run a model's own train_step on one batch: id of a variable → the gradient that its optimizer is given."""
    optimizer = getattr(model, "optimizer", None)
    taker = _Taker(optimizer, model.trainable_variables)
    object.__setattr__(model, "optimizer", taker)  # past Keras, which would track it
    try:
        model.train_step(data)
    finally:
        object.__setattr__(model, "optimizer", optimizer)
    if not taker.gradients:
        raise ValueError("its own train_step gives model.optimizer no gradients: pass loss=, the E that it trains")
    return taker.gradients


class _Taker:
    """Stands where the optimizer does and keeps what it is given; everything else is the optimizer's own."""

    def __init__(self, optimizer: Any, variables: Sequence[Any]) -> None:
        self._optimizer, self._variables = optimizer, variables
        self.gradients: dict[int, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._optimizer, name)

    def scale_loss(self, loss: Any) -> Any:
        """A scale is taken out again before the step: it is no part of E."""
        return loss

    def apply(self, gradients: Iterable[Any], variables: Iterable[Any] | None = None) -> None:
        self.apply_gradients(zip(gradients, variables or self._variables, strict=True))

    def apply_gradients(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        for gradient, variable in pairs:
            if id(variable) in self.gradients:
                raise ValueError("its own train_step takes several steps at once: pass loss=, the E that it trains")
            if gradient is not None:
                self.gradients[id(variable)] = gradient
