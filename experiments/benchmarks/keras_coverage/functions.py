"""Activation, regulariser and optimizer → smallest model, each on a Dense layer."""

from __future__ import annotations

from typing import Any

from experiments.benchmarks.keras_coverage.case import Case, Make, Table, chain, integers

# isort: split
import keras
from keras import layers, optimizers, regularizers


class Cubed(regularizers.Regularizer):  # type: ignore[misc]  # Keras ships no types
    """What a user writes: λ Σ |W|³."""

    def __call__(self, kernel: Any) -> Any:
        """The formula."""
        return 0.1 * keras.ops.sum(keras.ops.abs(kernel) ** 3)


class Descent(optimizers.Optimizer):  # type: ignore[misc]  # Keras ships no types
    """What a user writes: W − lr dE/dW."""

    def __init__(self) -> None:
        super().__init__(learning_rate=0.1)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """The formula."""
        self.assign_sub(variable, gradient * keras.ops.cast(learning_rate, variable.dtype))


def _activated(name: str) -> Make:
    return lambda: chain(layers.Dense(4, activation=getattr(keras.activations, name)))


def _edged() -> Case:
    return chain(layers.Dense(4, activation=lambda u: keras.activations.threshold(u, 0.1, 0.0)))


def _penalised(name: str, *arguments: Any) -> Make:
    return lambda: chain(layers.Dense(3, kernel_regularizer=getattr(regularizers, name)(*arguments)))


def _stepped(name: str, **arguments: Any) -> Make:
    return lambda: chain(layers.Dense(3, activation="tanh"), optimizer=getattr(optimizers, name)(**arguments))


def _several_optimizers() -> Case:
    of = optimizers.OptimizerMap(optimizers.SGD(), {".*/bias": optimizers.Adam()})
    return chain(layers.Dense(3, activation="tanh"), optimizer=optimizers.MultiOptimizer(of))


def _scaled() -> Case:
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(), initial_scale=8.0)
    return chain(layers.Dense(3, activation="tanh"), optimizer=optimizer)


ACTIVATIONS: Table = {
    **{
        name: _activated(name)
        for name in (
            *("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh"),
            *("leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu"),
            *("soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax"),
            *("squareplus", "tanh", "tanh_shrink"),
        )
    },
    "threshold": _edged,
}

REGULARIZERS: Table = {
    "L1": _penalised("L1", 0.1),
    "L1L2": _penalised("L1L2", 0.1, 0.2),
    "L2": _penalised("L2", 0.1),
    "OrthogonalRegularizer": _penalised("OrthogonalRegularizer", 0.1),
    "Regularizer": lambda: chain(layers.Dense(3, kernel_regularizer=Cubed())),
}

OPTIMIZERS: Table = {
    **{
        name: _stepped(name)
        for name in (
            *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Muon", "Nadam"),
            *("RMSprop", "SGD", "ScheduleFreeAdamW"),
        )
    },
    "LossScaleOptimizer": _scaled,
    "MultiOptimizer": _several_optimizers,
    "Optimizer": lambda: chain(layers.Dense(3, activation="tanh"), optimizer=Descent()),
    "OptimizerMap": _several_optimizers,
}

ACTIVATION_STYLES: dict[tuple[str, str], Any] = {
    ("gelu", "exact and approximate"): lambda: chain(
        layers.Dense(3, activation=lambda u: keras.activations.gelu(u, approximate=True)),
        layers.Dense(3, activation=lambda u: keras.activations.gelu(u, approximate=False)),
    ),
    ("softmax", "below a cross-entropy"): lambda: chain(
        layers.Dense(4, activation="softmax"), loss="sparse_categorical_crossentropy", y=integers(4, 1, seed=2)
    ),
    ("sigmoid", "below a cross-entropy"): lambda: chain(
        layers.Dense(1, activation="sigmoid"), loss="binary_crossentropy", y=integers(2, 1, seed=2)
    ),
}

REGULARIZER_STYLES: dict[tuple[str, str], Any] = {
    ("L2", "on all that a layer has"): lambda: chain(
        layers.Dense(3, kernel_regularizer="l2", bias_regularizer="l2", activity_regularizer="l2", activation="tanh"),
        layers.Dense(2),
    ),
    ("L1L2", "of an activity"): lambda: chain(layers.Dense(3, activity_regularizer=regularizers.L1L2(0.1, 0.2))),
}
