"""Either side's way of making a step, and the curve of loss and accuracy that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import keras
import tensorflow as tf

from gradient_diff.keras.training.run import PREDICTED_AT_ONCE, Parameters, Run, Trained, correct
from keras_mlp import named_weights, parameters_of, quiet_stderr, to_keras_optimizer, to_tensorflow
from keras_mlp.extend import DrawsReader, LossTensor, check_optimizer, total_loss
from manual_mlp import Array, Optimizer, Progress


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


class _HouseRule:
    """The house's own update rule, from values to values."""

    def __init__(self, optimizer: Optimizer, trained: Parameters) -> None:
        self._optimizer, self._state, self._step = optimizer, optimizer.initial_state(trained), 0

    def __call__(self, trained: Parameters, gradients: Parameters) -> Parameters:
        self._step += 1
        stepped, self._state = self._optimizer.updated(trained, gradients, self._state, self._step)
        return stepped


class _KerasRule:
    """A copy of a Keras optimizer, over variables of the hand side's own: its rule is taken, and not derived anew."""

    def __init__(self, optimizer: keras.optimizers.Optimizer, trained: Parameters) -> None:
        self._own = to_keras_optimizer(optimizer)
        self._variables = {
            n: keras.Variable(a, dtype=a.dtype.name, name=n.replace("/", "_")) for n, a in trained.items()
        }
        self._own.build(list(self._variables.values()))

    def __call__(self, trained: Parameters, gradients: Parameters) -> Parameters:
        self._own.apply([tf.constant(gradients[n]) for n in self._variables], list(self._variables.values()))
        return {n: variable.numpy() for n, variable in self._variables.items()}


class HandTrainer:
    """The hand side: `MLP.backpropagate`, and the house's update rule or a copy of Keras's."""

    def __init__(self, run: Run, optimizer: Optimizer | keras.optimizers.Optimizer) -> None:
        check_optimizer(optimizer)
        self._run, self._curve, self.step = run, Curve(), 0
        self.parameters = dict(run.parameters)
        trained = {n: a for n, a in self.parameters.items() if n not in run.mlp.untrained}
        own = isinstance(optimizer, Optimizer)
        self._rule = _HouseRule(optimizer, trained) if own else _KerasRule(optimizer, trained)

    def update(self, x: Array, y: Array, draws: Parameters) -> None:
        self.step += 1
        found = self._run.mlp.backpropagate(self.parameters, x, y, self._run.loss, draws)
        self._curve.add(found.loss, len(x))
        trained = {n: self.parameters[n] for n in found.gradients}
        self.parameters = {**self.parameters, **self._rule(trained, found.gradients), **found.updates}

    def end_epoch(self, epoch: int) -> Progress:
        self._curve.end_epoch()
        output = self._run.mlp.predict(self.parameters, self._run.counted[0], PREDICTED_AT_ONCE)
        self._curve.count(self._run, output)
        return Progress(epoch, self._curve.loss[-1], self.parameters)

    def trained(self) -> Trained:
        return self._curve.trained(self.parameters)


class KerasTrainer:
    """Keras's side: the tape over the real layers, and the real optimizer."""

    def __init__(self, run: Run, optimizer: Optimizer | keras.optimizers.Optimizer) -> None:
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
