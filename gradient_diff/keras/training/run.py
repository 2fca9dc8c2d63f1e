"""What both sides of a training share: what was asked, checked, and how their results are measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from keras_mlp import Mode, parameters_of, to_keras
from keras_mlp.extend import check_mode, set_seeds
from manual_mlp import MLP, Array, Loss
from manual_mlp.extend import generator, read_array

Parameters: TypeAlias = Mapping[str, Array]
Data: TypeAlias = tuple[Array, Array]

PREDICTED_AT_ONCE = 1024  # samples


@dataclass(frozen=True, eq=False)
class Trained:
    """What came of training one side.

    Attributes:
        parameters: name → array, at the end.
        loss: of each epoch, the mean of E over its samples, each batch before its own update and under its own masks.
        accuracy: of each epoch, at its end and without dropout; empty where y holds no classes.

    Example:
        >>> Trained({"dense_1/kernel": np.ones((2, 1))}, (0.5, 0.25), (0.5, 1.0)).loss[-1]
        0.25
    """

    parameters: dict[str, Array]
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class TrainingRequest:
    """What a training is asked, as it was given."""

    mlp: MLP
    parameters: Parameters
    x: npt.ArrayLike
    y: npt.ArrayLike
    loss: Loss
    epochs: int
    batch_size: int | None
    seed: int
    dtype: str
    mode: Mode
    validation_data: Data | None


@dataclass(frozen=True, eq=False)
class Run:
    """What the ways to train share: checked data, the model at its start, and the order of the samples."""

    mlp: MLP
    parameters: Parameters
    x: Array
    y: Array
    loss: Loss
    model: keras.Sequential
    batch_size: int
    mode: Mode
    counted: Data
    rng: np.random.Generator | np.random.RandomState

    @classmethod
    def of(cls, asked: TrainingRequest) -> Run:
        check_mode(asked.mode)
        if asked.epochs < 0:
            raise ValueError(f"epochs={asked.epochs}: expected 0 or more.")
        if asked.batch_size is not None and asked.batch_size < 1:
            raise ValueError(f"batch_size={asked.batch_size}: expected at least 1, or None for the full batch.")
        mlp, loss, rng = asked.mlp, asked.loss, generator(asked.seed)
        model = to_keras(mlp, asked.parameters, asked.dtype)
        start = parameters_of(model)
        x, y = _checked(mlp, start, asked.x, asked.y, loss)
        counted = (x, y) if asked.validation_data is None else _checked(mlp, start, *asked.validation_data, loss)
        set_seeds(model, [np.array([int(rng.uniform(0, 2**31)), 0], np.uint32) for _ in mlp.masks])
        size = len(x) if asked.batch_size is None else min(asked.batch_size, len(x))
        return cls(mlp, start, x, y, loss, model, size, asked.mode, counted, rng)

    def order(self) -> Array:
        """Of the next epoch; one batch needs none."""
        n = len(self.x)
        return np.arange(n) if self.batch_size == n else np.asarray(self.rng.permutation(n))

    def batches(self) -> Iterator[Data]:
        order = self.order()
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            yield self.x[chosen], self.y[chosen]

    def predicted_by_keras(self) -> Array:
        x = self.counted[0]
        parts = (tf.constant(x[i : i + PREDICTED_AT_ONCE]) for i in range(0, len(x), PREDICTED_AT_ONCE))
        return np.concatenate([self.model(part, training=False).numpy() for part in parts])


def _checked(mlp: MLP, parameters: Parameters, x: npt.ArrayLike, y: npt.ArrayLike, loss: Loss) -> Data:
    x, y = read_array("x", x), read_array("y", y)
    masks = mlp.draws(0, max(1, len(x) if x.ndim else 1)) if mlp.masks else None
    problem = mlp.problem(parameters, x, y, loss, draws=masks, training=False)
    return problem.x, problem.y


def drift(hand: Parameters, reference: Parameters) -> float:
    """‖W_hand − W_reference‖ / ‖W_reference‖ over all parameters."""
    apart = math.hypot(*(float(np.linalg.norm(hand[n].astype(np.float64) - reference[n])) for n in reference))
    size = math.hypot(*(float(np.linalg.norm(array.astype(np.float64))) for array in reference.values()))
    return apart / size if size else math.inf if apart else 0.0


def correct(output: Array, y: Array, loss: Loss) -> Array | None:
    """Which samples are given their class, (N,) of bool; None where y holds no classes.

    `output` is (N, K), probabilities or logits; `y` class indices (N,), rows of zeros with a single one (N, K), or
    zeros and ones (N, 1). The loss says whether a single output is a logit.
    """
    if loss.function.class_indices:
        return np.asarray(output.argmax(axis=1) == y)
    if not np.isin(y, (0, 1)).all():
        return None
    if y.shape[1] == 1:
        return np.asarray((output[:, 0] > (0 if loss.from_logits else 0.5)) == y[:, 0])
    return np.asarray(output.argmax(axis=1) == y.argmax(axis=1)) if (y.sum(axis=1) == 1).all() else None
