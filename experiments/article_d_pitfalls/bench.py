"""Article D's network with its data, evaluated by hand and by the tape, and how a mistake is held against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

import keras_mlp  # before Keras and TensorFlow themselves, since it starts them quietly
from manual_mlp import Array

# isort: split
import keras
import tensorflow as tf

from experiments.frame.study import Comparison, Settings, Table
from gradient_diff import GradientDiff, Status, compare
from manual_mlp import MLP, Dense, Evaluation, Loss
from manual_mlp.extend import Arrays

SHOWN = Status.MISMATCH  # what a comparison with a wrong gradient must come to
LOSS = "binary_crossentropy"
RATE = 0.1  # learning rate; the post names none


@dataclass(frozen=True, eq=False)
class Bench:
    """The article's network with its data."""

    hand: Evaluation  # the right gradient by hand
    tape: Evaluation  # the same by the tape
    model: keras.Sequential  # it was taken from

    @property
    def mlp(self) -> MLP:
        """10-10-1."""
        return self.hand.problem.mlp

    @property
    def parameters(self) -> Arrays:
        """Name → array."""
        return self.hand.problem.parameters

    @property
    def x(self) -> Array:
        """(100, 10)."""
        return self.hand.problem.x

    @property
    def y(self) -> Array:
        """(100, 1), zeros and ones."""
        return self.hand.problem.y

    def fresh_model(self) -> keras.Sequential:
        """Another model with the same weights."""
        return keras_mlp.to_keras(self.mlp, self.parameters, self.x.dtype.name)


def bench(settings: Settings) -> Bench:
    """10 inputs, Dense(10), Dense(1, sigmoid), binary cross-entropy; x and rounded y uniform."""
    rng = np.random.default_rng(settings.seed)
    x, y = rng.uniform(size=(100, 10)), np.round(rng.uniform(size=(100, 1)))
    mlp = MLP(10, [Dense(10), Dense(1, "sigmoid")])
    parameters = mlp.initialize(rng, dtype=settings.dtype)
    hand = mlp.backpropagate(parameters, x, y, LOSS)
    model = keras_mlp.to_keras(mlp, parameters, settings.dtype)
    tape = keras_mlp.backpropagate(model, hand.problem.x, hand.problem.y, LOSS, settings.mode)
    return Bench(hand, tape, model)


def by_tape(model: keras.Sequential, value: Callable[[], Any]) -> tuple[float, dict[str, Array]]:
    """A value and its gradient by the model's weights, in the plain way of the post."""
    weights = keras_mlp.named_weights(model)
    with tf.GradientTape() as tape:
        result = value()
    gradients = tape.gradient(result, [weight.value for weight in weights.values()])
    return float(tf.reduce_sum(result)), {n: g.numpy() for n, g in zip(weights, gradients, strict=True)}


def cross_entropy(y_true: Any, y_pred: Any) -> Any:
    """E as Keras's function computes it: a loss object would cast it to float32."""
    return keras_mlp.to_tensorflow(Loss(LOSS))(tf.convert_to_tensor(y_true), y_pred)


def against_tape(article: Bench, gradients: Arrays, origin: str) -> Comparison:
    """A wrong gradient against the tape's right one, expected to be found out."""
    diff = compare(dict(gradients), article.tape)
    # no ledger: the shapes of all these mistakes fit, and the right gradient shows them already
    return Comparison(replace(diff, hand_origin=origin, with_ledger=False), SHOWN)


def layer_by_layer(diff: GradientDiff) -> Table:
    """Norms of the right and of the wrong gradient."""
    columns = ["layer", "gradient", "norm, right", "norm, wrong", "relative L2", "cosine"]
    rows = [
        (r.layer, r.formula.split(" = ")[0], m.norm_reference, m.norm_hand, m.relative_l2, m.cosine)
        for r in diff.rows
        if (m := r.metrics)
    ]
    return Table(pd.DataFrame(rows, columns=columns), tuple(columns))
