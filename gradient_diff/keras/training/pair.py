"""What it takes to train one side: the run that both share, and either side's way of making a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from keras_mlp import Mode, named_weights, parameters_of, quiet_stderr, to_keras, to_keras_optimizer, to_tensorflow
from keras_mlp.extend import DrawsReader, LossTensor, check_mode, check_optimizer, set_seeds, total_loss
from manual_mlp import MLP, Array, Loss, Optimizer, Progress
from manual_mlp.extend import generator

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

    Example: see `train_together`.
    """

    parameters: dict[str, Array]
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]


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
    def of(
        cls,
        mlp: MLP,
        parameters: Parameters,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        loss: Loss,
        epochs: int,
        batch_size: int | None,
        seed: int,
        dtype: str,
        mode: Mode,
        validation_data: Data | None,
    ) -> Run:
        check_mode(mode)
        if epochs < 0:
            raise ValueError(f"epochs={epochs}: expected 0 or more.")
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size={batch_size}: expected at least 1, or None for the full batch.")
        model, rng = to_keras(mlp, parameters, dtype), generator(seed)
        start = parameters_of(model)
        x, y = _checked(mlp, start, x, y, loss)
        counted = (x, y) if validation_data is None else _checked(mlp, start, *validation_data, loss)
        set_seeds(model, [np.array([int(rng.uniform(0, 2**31)), 0], np.uint32) for _ in mlp.masks])
        size = len(x) if batch_size is None else min(batch_size, len(x))
        return cls(mlp, start, x, y, loss, model, size, mode, counted, rng)

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
    x = np.asarray(x)
    masks = mlp.draws(0, max(1, len(x) if x.ndim else 1)) if mlp.masks else None
    problem = mlp.problem(parameters, x, np.asarray(y), loss, draws=masks)
    return problem.x, problem.y


def drift(hand: Parameters, reference: Parameters) -> float:
    """‖W_hand − W_reference‖ / ‖W_reference‖ over all parameters.

    Example:
        >>> drift({"w": np.array([3.0, 4.5])}, {"w": np.array([3.0, 4.0])})
        0.1
    """
    apart = math.hypot(*(float(np.linalg.norm(hand[n].astype(np.float64) - reference[n])) for n in reference))
    size = math.hypot(*(float(np.linalg.norm(array.astype(np.float64))) for array in reference.values()))
    return apart / size if size else math.inf if apart else 0.0


def correct(output: Array, y: Array, loss: Loss) -> Array | None:
    """Which samples are given their class; None where y holds no classes.

    Args:
        output: (N, K), probabilities or logits.
        y: class indices (N,), rows of zeros with a single one (N, K), or zeros and ones (N, 1).
        loss: says whether a single output is a logit.

    Returns:
        (N,) of bool.

    Example:
        >>> correct(np.array([[0.2, 0.8], [0.9, 0.1]]), np.array([1, 1]), Loss("sparse_categorical_crossentropy"))
        array([ True, False])
    """
    if loss.function.class_indices:
        return np.asarray(output.argmax(axis=1) == y)
    if not np.isin(y, (0, 1)).all():
        return None
    if y.shape[1] == 1:
        return np.asarray((output[:, 0] > (0 if loss.from_logits else 0.5)) == y[:, 0])
    return np.asarray(output.argmax(axis=1) == y.argmax(axis=1)) if (y.sum(axis=1) == 1).all() else None


@contextmanager
def floatx(dtype: str) -> Iterator[None]:
    """Within it, Keras's own functions compute in a dtype.

    `fit` rounds data to floatx(), and `compile` makes its loss in it; a float64 model with a regularizer cannot even be
    fitted while that is float32.

    Example:
        >>> with floatx("float64"):
        ...     keras.config.floatx()
        'float64'
        >>> keras.config.floatx()
        'float32'
    """
    before = keras.config.floatx()
    keras.config.set_floatx(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before)


class Curve:
    """Loss and accuracy, epoch by epoch."""

    def __init__(self) -> None:
        self.loss: list[float] = []
        self.accuracy: list[float] = []
        self._total, self._seen = 0.0, 0

    def add(self, loss: float, batch: int) -> None:
        """One step's E."""
        self._total, self._seen = self._total + loss * batch, self._seen + batch

    def end_epoch(self) -> None:
        self.loss.append(self._total / self._seen)
        self._total, self._seen = 0.0, 0

    def count(self, run: Run, output: Array) -> None:
        """The share of right classes, where there are any."""
        right = correct(output, run.counted[1], run.loss)
        if right is not None:
            self.accuracy.append(float(right.mean()))

    def trained(self, parameters: Parameters) -> Trained:
        return Trained(dict(parameters), tuple(self.loss), tuple(self.accuracy))


class HandSide:
    """The hand side: `MLP.backpropagate` and the house's update rule."""

    def __init__(self, run: Run, optimizer: Optimizer) -> None:
        check_optimizer(optimizer)
        self._run, self._optimizer, self._curve, self.step = run, optimizer, Curve(), 0
        self.parameters = dict(run.parameters)
        self._state = optimizer.initial_state(self.parameters)

    def update(self, x: Array, y: Array, draws: Parameters) -> None:
        self.step += 1
        found = self._run.mlp.backpropagate(self.parameters, x, y, self._run.loss, draws)
        self._curve.add(found.loss, len(x))
        self.parameters, self._state = self._optimizer.updated(self.parameters, found.gradients, self._state, self.step)

    def end_epoch(self, epoch: int) -> Progress:
        self._curve.end_epoch()
        output = self._run.mlp.predict(self.parameters, self._run.counted[0], PREDICTED_AT_ONCE)
        self._curve.count(self._run, output)
        return Progress(epoch, self._curve.loss[-1], self.parameters)

    def trained(self) -> Trained:
        return self._curve.trained(self.parameters)


class KerasSide:
    """Keras's side: the tape over the real layers, and the real optimizer."""

    def __init__(self, run: Run, optimizer: Optimizer) -> None:
        self._run, self._curve = run, Curve()
        self._draws = DrawsReader(run.model, run.mlp, run.mode)
        own = to_keras_optimizer(optimizer)
        own.build(run.model.trainable_variables)
        step = _training_step(run.model, to_tensorflow(run.loss), own)
        self._step = step if run.mode == "eager" else tf.function(step, jit_compile=run.mode == "xla")

    def draws(self, batch: int) -> dict[str, Array]:
        """The masks of the next `update` with so many samples."""
        return self._draws.read(batch)

    def update(self, x: Array, y: Array) -> None:
        with nullcontext() if self._run.mode == "eager" else quiet_stderr():  # the compilers chat
            loss = self._step(tf.constant(x), tf.constant(y))
        self._curve.add(float(loss), len(x))

    def end_epoch(self, epoch: int) -> Progress:
        self._curve.end_epoch()
        self._curve.count(self._run, self._run.predicted_by_keras())
        return Progress(epoch, self._curve.loss[-1], parameters_of(self._run.model))

    def trained(self) -> Trained:
        return self._curve.trained(parameters_of(self._run.model))


def _training_step(model: keras.Model, loss: LossTensor, optimizer: keras.optimizers.Optimizer) -> Callable[..., Any]:
    weights = list(named_weights(model).values())

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            value = total_loss(model, loss, x, y, training=True)
        optimizer.apply(tape.gradient(value, [w.value for w in weights]), weights)
        return value

    return step
