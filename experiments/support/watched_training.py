"""Training by hand while the tape watches: at some epochs both twins compute the gradients of one batch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.frame.study import Settings, Table
from gradient_diff import GradientDiff, compare
from keras_mlp import backpropagate, to_keras
from manual_mlp import MLP, Array, Evaluation, train
from manual_mlp import Progress as Epoch

if TYPE_CHECKING:
    from rich.progress import Progress

Parameters = Mapping[str, Array]

CHECKS = 5  # times that the tape looks at a training, the start not counted


@dataclass(frozen=True)
class Task:
    """What is trained, and how.

    Attributes:
        mlp: the network.
        x, y: the training data.
        loss: its name.
        learning_rate, epochs, batch_size: of gradient descent; None for full batches.
        looked_at: so many of the first samples are the batch whose gradients are compared.

    Example: see `trained`.
    """

    mlp: MLP
    x: Array
    y: Array
    loss: str
    learning_rate: float
    epochs: int
    batch_size: int | None = None
    looked_at: int = 100

    def both(self, parameters: Parameters, settings: Settings) -> tuple[Evaluation, Evaluation]:
        """By hand and by the tape, on the batch that is looked at."""
        x, y = self.x[: self.looked_at], self.y[: self.looked_at]
        model = to_keras(self.mlp, parameters, settings.dtype)
        hand = self.mlp.backpropagate(parameters, x, y, self.loss)
        return hand, backpropagate(model, x, y, self.loss, settings.mode)


@dataclass(eq=False)
class Training:
    """What came of it: epoch → E, parameters and both evaluations at the epochs that were looked at.

    `seconds` are those of the training alone, without the looks.

    Example: see `trained`.
    """

    task: Task
    parameters: dict[str, Array] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)
    kept: dict[int, dict[str, Array]] = field(default_factory=dict)
    pairs: dict[int, tuple[Evaluation, Evaluation]] = field(default_factory=dict)
    diffs: dict[int, GradientDiff] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def agreed(self) -> bool:
        """Whether the two sides matched whenever they were compared."""
        return all(diff.ok for diff in self.diffs.values())

    @property
    def first(self) -> GradientDiff:
        """The comparison at the start."""
        return self.diffs[min(self.diffs)]

    @property
    def last(self) -> GradientDiff:
        """The comparison at the end."""
        return self.diffs[max(self.diffs)]

    def curve(self) -> Table:
        """E over the epochs, for a picture."""
        frame = pd.DataFrame(list(self.losses.items()), columns=["epoch", "E"])
        return Table(frame, ("epoch",), in_report=False)

    def checks(self) -> Table:
        """One row per comparison."""
        rows = [_check(epoch, *self.pairs[epoch], diff) for epoch, diff in self.diffs.items()]
        return Table(pd.DataFrame(rows), ("epoch", "verdict"))


def trained(task: Task, start: Parameters, settings: Settings, progress: Progress, words: str) -> Training:
    """Train by hand from given parameters, and compare the gradients at the start, a few times, and at the end.

    Args:
        task: what is trained.
        start: name → array.
        settings: dtype, mode and seed.
        progress: gets a bar.
        words: beside it.

    Returns:
        The `Training`.

    Example:
        >>> import numpy as np
        >>> from rich.progress import Progress
        >>> from manual_mlp import Dense
        >>> task = Task(MLP(2, [Dense(1)]), np.eye(2), np.ones((2, 1)), "mse", 0.1, epochs=4)
        >>> result = trained(task, task.mlp.initialize(0), Settings(), Progress(disable=True), "a demo")
        >>> result.agreed, sorted(result.diffs)
        (True, [0, 1, 2, 3, 4])
    """
    result, bar = Training(task), progress.add_task(words, total=task.epochs)
    looks = look_epochs(task.epochs)
    _look(result, 0, start, settings)
    begun = time.perf_counter()

    def watch(epoch: Epoch) -> None:
        nonlocal begun
        result.seconds += time.perf_counter() - begun
        result.losses[epoch.epoch] = epoch.loss
        if epoch.epoch in looks:
            _look(result, epoch.epoch, epoch.parameters, settings)
        progress.advance(bar)
        begun = time.perf_counter()

    how = {"learning_rate": task.learning_rate, "epochs": task.epochs, "batch_size": task.batch_size}
    result.parameters, _ = train(
        task.mlp,
        start,
        task.x,
        task.y,
        task.loss,
        **how,  # type: ignore[arg-type]  # each of its own type
        seed=settings.seed,
        callback=watch,
    )
    return result


def look_epochs(epochs: int) -> list[int]:
    """Evenly spread, the last one among them.

    Example:
        >>> look_epochs(60), look_epochs(3)
        ([12, 24, 36, 48, 60], [1, 2, 3])
    """
    return sorted({max(1, round(epochs * k / CHECKS)) for k in range(1, CHECKS + 1)})


def _look(result: Training, epoch: int, parameters: Parameters, settings: Settings) -> None:
    own = {name: np.array(array) for name, array in parameters.items()}
    result.kept[epoch] = own
    result.pairs[epoch] = result.task.both(own, settings)
    result.diffs[epoch] = compare(*result.pairs[epoch])


def _check(epoch: int, hand: Evaluation, tape: Evaluation, diff: GradientDiff) -> dict[str, object]:
    errors = [row.metrics.relative_l2 for name in hand.gradients if (row := diff[name]).metrics]
    return {
        "epoch": epoch,
        "verdict": diff.verdict.name,
        "E of the batch, by hand": hand.loss,
        "by the tape": tape.loss,
        "largest relative L2 of a gradient": max(errors, default=float("nan")),
        "largest difference of any node, in σ": max(row.distance or 0.0 for row in diff.rows),
    }
