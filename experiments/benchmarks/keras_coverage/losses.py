"""Loss → smallest model, with targets such as the loss takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.benchmarks.keras_coverage.case import BATCH, Case, Make, Table, chain, integers, normal
from manual_mlp import Array

# isort: split
import keras
from keras import layers, losses

CLASSES = 3


class Quartic(losses.Loss):  # type: ignore[misc]  # Keras ships no types
    """What a user writes: (ŷ − y)⁴ per sample."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The formula."""
        return keras.ops.mean((y_pred - y_true) ** 4, axis=-1)


def _one_hot() -> Array:
    return np.eye(CLASSES, dtype=np.float32)[integers(CLASSES, seed=2)]


def _on(activation: str, y: Array, loss: Any) -> Case:
    return chain(layers.Dense(CLASSES, activation=activation), y=y, loss=loss)


def _numbers(loss: Any) -> Case:
    return _on("linear", normal(CLASSES, seed=2), loss)


def _positive(loss: Any) -> Case:
    return _on("softplus", 0.5 + np.abs(normal(CLASSES, seed=2)), loss)


def _signs(loss: Any) -> Case:
    return _on("linear", np.sign(normal(CLASSES, seed=2)), loss)


def _bits(loss: Any) -> Case:
    return _on("sigmoid", integers(2, CLASSES, seed=2).astype(np.float32), loss)


def _probabilities(loss: Any) -> Case:
    return _on("softmax", _one_hot(), loss)


def _spread(loss: Any) -> Case:
    y = np.abs(normal(CLASSES, seed=2)) + 0.1
    return _on("softmax", y / y.sum(1, keepdims=True), loss)


def _indices(loss: Any) -> Case:
    return _on("softmax", integers(CLASSES, seed=2), loss)


def _circle(loss: Any) -> Case:
    return chain(layers.Dense(CLASSES), layers.UnitNormalization(), y=np.arange(BATCH) % 2, loss=loss)


def _texts(loss: Any) -> Case:
    return chain(layers.Dense(4), shape=(6, 2), y=1 + integers(3, 2, seed=2), loss=loss)


FAMILIES: dict[str, tuple[Any, str]] = {
    "BinaryCrossentropy": (_bits, "binary_crossentropy"),
    "BinaryFocalCrossentropy": (_bits, "binary_focal_crossentropy"),
    "CTC": (_texts, "ctc"),
    "CategoricalCrossentropy": (_probabilities, "categorical_crossentropy"),
    "CategoricalFocalCrossentropy": (_probabilities, "categorical_focal_crossentropy"),
    "CategoricalGeneralizedCrossEntropy": (_indices, "categorical_generalized_cross_entropy"),
    "CategoricalHinge": (_probabilities, "categorical_hinge"),
    "Circle": (_circle, "circle"),
    "CosineSimilarity": (_numbers, "cosine_similarity"),
    "Dice": (_bits, "dice"),
    "Hinge": (_signs, "hinge"),
    "Huber": (_numbers, "huber"),
    "KLDivergence": (_spread, "kl_divergence"),
    "LogCosh": (_numbers, "log_cosh"),
    "MeanAbsoluteError": (_numbers, "mean_absolute_error"),
    "MeanAbsolutePercentageError": (_numbers, "mean_absolute_percentage_error"),
    "MeanSquaredError": (_numbers, "mean_squared_error"),
    "MeanSquaredLogarithmicError": (_positive, "mean_squared_logarithmic_error"),
    "Poisson": (_positive, "poisson"),
    "SparseCategoricalCrossentropy": (_indices, "sparse_categorical_crossentropy"),
    "SquaredHinge": (_signs, "squared_hinge"),
    "Tversky": (_bits, "tversky"),
}
"""Class → the data that suit it, and the function of the same loss."""


def _as_class(name: str) -> Make:
    return lambda: FAMILIES[name][0](getattr(losses, name)())


def _as_function(name: str) -> Make:
    data, function = FAMILIES[name]
    return lambda: data(getattr(losses, function))


def _generalised(y: Any, p: Any) -> Any:
    return losses.categorical_generalized_cross_entropy(y, p, 0.5)


LOSSES: Table = {
    **{name: _as_class(name) for name in FAMILIES},
    **{function: _as_function(name) for name, (_, function) in FAMILIES.items()},
    "categorical_generalized_cross_entropy": lambda: _indices(_generalised),
    "Loss": lambda: _numbers(Quartic()),
}

STYLES: dict[tuple[str, str], Any] = {
    ("BinaryCrossentropy", "logits and smoothing"): lambda: _on(
        "linear",
        integers(2, CLASSES, seed=2).astype(np.float32),
        losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
    ),
    ("CategoricalCrossentropy", "logits and smoothing"): lambda: _on(
        "linear", _one_hot(), losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    ),
    ("MeanSquaredError", "as a sum"): lambda: _numbers(losses.MeanSquaredError(reduction="sum")),
    ("SparseCategoricalCrossentropy", "logits, one class ignored"): lambda: _on(
        "linear",
        integers(CLASSES, seed=2),
        losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2),
    ),
}
"""Further ways to use some of them: (loss, style) → model."""
