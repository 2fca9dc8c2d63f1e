"""Both twins trained side by side: the same start, the same batches in the same order, the same masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy.typing as npt

from gradient_diff.comparison import compare
from gradient_diff.keras.training.run import Data, Parameters, Run, Trained, TrainingRequest, drift
from gradient_diff.keras.training.trainers import Curve, HandTrainer, KerasTrainer
from gradient_diff.result.diff import GradientDiff, proved_together
from keras_mlp import Mode, backpropagate, parameters_of, quiet_stderr, to_keras_optimizer, to_tensorflow
from keras_mlp.extend import floatx, kept_seeds
from manual_mlp import MLP, Array, Loss, Optimizer, Progress
from manual_mlp.extend import as_loss


@dataclass(frozen=True, eq=False)
class Look:
    """One comparison on the way.

    Attributes:
        epoch: in which it was, from 1.
        step: before which it was, from 1.
        diff: the hand derivation against the tape, both at Keras's weights, on this step's batch and masks.
        drift: ‖W_hand − W_keras‖ / ‖W_keras‖ over all parameters: how far two trainings have come apart that differ by
            nothing but rounding.
    """

    epoch: int
    step: int
    diff: GradientDiff
    drift: float


@dataclass(frozen=True, eq=False)
class TrainedTogether:
    """Both sides of one training.

    Attributes:
        hand: by the hand-written derivation and update rule.
        keras: by the tape and the real Keras optimizer.
        looks: the comparisons, in order.
        with_dropout: whether the losses are with dropped units.

    Example:
        >>> import numpy as np
        >>> side = Trained({"dense_1/kernel": np.ones((2, 1))}, (0.5, 0.25), ())
        >>> both = TrainedTogether(side, side, (), False)
        >>> both.drift, both.ok  # without a look nothing is proved
        (0.0, False)
    """

    hand: Trained
    keras: Trained
    looks: tuple[Look, ...]
    with_dropout: bool

    @property
    def ok(self) -> bool:
        """Whether every comparison found the gradients equal, and each of them was proved in one at least."""
        return proved_together([look.diff for look in self.looks])

    @property
    def drift(self) -> float:
        """How far the weights are apart at the end, as in `Look`."""
        return drift(self.hand.parameters, self.keras.parameters)


def train_together(
    mlp: MLP,
    parameters: Parameters,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    loss: str | Loss,
    *,
    optimizer: Optimizer | keras.optimizers.Optimizer,
    epochs: int,
    batch_size: int | None = None,
    seed: int = 0,
    dtype: str = "float64",
    compare_every: int | None = None,
    mode: Mode = "graph",
    validation_data: Data | None = None,
    callback: Callable[[Progress, Progress], None] | None = None,
) -> TrainedTogether:
    """Train the hand-written network and its Keras twin on the same batches, and compare their gradients on the way.

    Each side goes its own way from the same start, with its own gradients and its own optimizer. Where there is Dropout
    the real Keras layers draw, and the hand side reads the masks. The gradients are compared at Keras's weights: at
    each side's own they would differ by what rounding has made of the weights.

    Args:
        mlp: the network.
        parameters: name → array to start from; they are not changed.
        x: (N, n_0).
        y: (N, K), or class indices (N,).
        loss: a name or a `Loss`.
        optimizer: `SGD`, `RMSprop` or `Adam`, of which `to_keras_optimizer` makes the twin; or any of Keras's own, of
            which each side steps with a fresh copy.
        epochs: passes over the data, 0 or more.
        batch_size: samples a step; None for all. The last batch is as large as what is left.
        seed: of the order of the samples, which without Dropout is that of `manual_mlp.train`, and of Keras's masks.
        dtype: of both sides.
        compare_every: steps from one comparison to the next, the first before the first step; None for the first step
            of each epoch.
        mode: of Keras: "eager", "graph" or "xla".
        validation_data: (x, y), on which accuracy is counted; None for the training data.
        callback: told a `Progress` of the hand side and one of Keras's after each epoch.

    Returns:
        A `TrainedTogether`.

    Raises:
        ValueError: a setting out of range; bad data; parameters that `dtype` cannot hold exactly.
        TypeError: something that is no optimizer.
        ShapeError: shapes that do not fit.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, SGD, Dense
        >>> mlp, x = MLP(2, [Dense(2, "softmax")]), np.eye(2)
        >>> w, loss = mlp.initialize(0), "categorical_crossentropy"
        >>> both = train_together(mlp, w, x, x, loss, optimizer=SGD(0.5), epochs=2)
        >>> both.ok, len(both.looks), both.drift < 1e-14
        (True, 2, True)
    """
    if compare_every is not None and compare_every < 1:
        raise ValueError(f"compare_every={compare_every}: expected at least 1, or None for once an epoch.")
    asked = TrainingRequest(
        mlp, parameters, x, y, as_loss(loss), epochs, batch_size, seed, dtype, mode, validation_data
    )
    run = Run.of(asked)
    hand, twin = HandTrainer(run, optimizer), KerasTrainer(run, optimizer)
    looks: list[Look] = []
    for epoch in range(1, epochs + 1):
        for number, (xs, ys) in enumerate(run.batches()):
            if number == 0 if compare_every is None else hand.step % compare_every == 0:
                diff = _compared(run, xs, ys)
                looks.append(Look(epoch, hand.step + 1, diff, drift(hand.parameters, parameters_of(run.model))))
            hand.update(xs, ys, twin.draws(len(xs)))
            twin.update(xs, ys)
        told = hand.end_epoch(epoch), twin.end_epoch(epoch)
        if callback is not None:
            callback(*told)
    return TrainedTogether(hand.trained(), twin.trained(), tuple(looks), bool(mlp.masks))


def fit_keras(
    mlp: MLP,
    parameters: Parameters,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    loss: str | Loss,
    *,
    optimizer: Optimizer | keras.optimizers.Optimizer,
    epochs: int,
    batch_size: int | None = None,
    seed: int = 0,
    dtype: str = "float64",
    mode: Mode = "graph",
    validation_data: Data | None = None,
) -> Trained:
    """Train the Keras twin by its own `model.fit`, on the batches and masks of `train_together` with the same seed.

    Args:
        mlp, parameters, x, y, loss, optimizer, epochs, batch_size, seed, dtype, mode, validation_data: as there.

    Returns:
        A `Trained`; its losses are those that `fit` tells.

    Raises:
        ValueError, TypeError: as `train_together`.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, SGD, Dense
        >>> mlp, x = MLP(2, [Dense(2, "softmax")]), np.eye(2)
        >>> fit_keras(mlp, mlp.initialize(0), x, x, "categorical_crossentropy", optimizer=SGD(0.5), epochs=3).accuracy
        (1.0, 1.0, 1.0)
    """
    asked = TrainingRequest(
        mlp, parameters, x, y, as_loss(loss), epochs, batch_size, seed, dtype, mode, validation_data
    )
    run = Run.of(asked)
    own, curve, value = to_keras_optimizer(optimizer), Curve(), to_tensorflow(run.loss)

    def E(y_true: Any, y_pred: Any) -> Any:
        return value(y_true, y_pred)

    with floatx(dtype), quiet_stderr():  # the compilers chat
        run.model.compile(own, E, run_eagerly=mode == "eager", jit_compile=mode == "xla")
        for _ in range(epochs):
            order = run.order()
            told = run.model.fit(run.x[order], run.y[order], run.batch_size, shuffle=False, verbose=0)
            curve.loss.append(float(told.history["loss"][0]))
            curve.count(run, run.predicted_by_keras())
    return curve.trained(parameters_of(run.model))


def _compared(run: Run, x: Array, y: Array) -> GradientDiff:
    with kept_seeds(run.model):  # so that the step that follows draws the same masks
        tape = backpropagate(run.model, x, y, run.loss, run.mode)
    return compare(run.mlp.backpropagate(tape.problem.parameters, x, y, run.loss, tape.problem.draws), tape)
