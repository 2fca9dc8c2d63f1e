"""Training by hand while the tape watches: at some epochs both twins compute the gradients of one batch."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from experiments.frame.study import Settings, Table
from gradient_diff import GradientDiff, compare
from gradient_diff.extend import proved_together
from keras_mlp import backpropagate, to_keras
from manual_mlp import MLP, Array, Evaluation, train
from manual_mlp import Progress as Epoch
from manual_mlp.extend import Arrays

if TYPE_CHECKING:
    from rich.progress import Progress

CHECKS = 5  # times that the tape looks at a training, the start not counted


@dataclass(frozen=True, eq=False)
class Course:
    """Where a training went: epoch → parameters, 0 the start and the end among them; epoch → E; the seconds it took."""

    kept: dict[int, dict[str, Array]]
    losses: dict[int, float]
    seconds: float = 0.0

    @property
    def parameters(self) -> dict[str, Array]:
        """Those at the end."""
        return self.kept[max(self.kept)]


def train_and_keep(
    data: tuple[MLP, Arrays, Array, Array, str],
    epochs: int,
    keep: Collection[int],
    progress: Progress,
    words: str,
    record_every: int = 1,
    **how: Any,
) -> Course:
    """Train by hand, and keep the parameters after some epochs; whoever looks at them does so afterwards."""
    bar, start = progress.add_task(words, total=epochs), data[1]
    kept, losses = {0: _copied(start)}, {}

    def watch(epoch: Epoch) -> None:
        losses[epoch.epoch] = epoch.loss
        if epoch.epoch in keep:
            kept[epoch.epoch] = _copied(epoch.parameters)
        progress.advance(bar, record_every)

    begun = time.perf_counter()
    kept[epochs] = train(*data, **how, epochs=epochs, record_every=record_every, callback=watch)[0]
    return Course(kept, losses, time.perf_counter() - begun)


def _copied(parameters: Arrays) -> dict[str, Array]:
    return {name: array.copy() for name, array in parameters.items()}


@dataclass(frozen=True, eq=False)
class Task:
    """What is trained by gradient descent, in full batches or smaller ones, and on how many samples it is looked at."""

    mlp: MLP
    x: Array
    y: Array
    loss: str
    learning_rate: float
    epochs: int
    batch_size: int | None = None
    looked_at: int = 100

    def both(self, parameters: Arrays, settings: Settings) -> tuple[Evaluation, Evaluation]:
        """By hand and by the tape, on the batch that is looked at."""
        x, y = self.x[: self.looked_at], self.y[: self.looked_at]
        model = to_keras(self.mlp, parameters, settings.dtype)
        hand = self.mlp.backpropagate(parameters, x, y, self.loss)
        return hand, backpropagate(model, x, y, self.loss, settings.mode)


@dataclass(frozen=True, eq=False)
class Training:
    """A task's course; epoch → both evaluations at the parameters that were kept, and their comparison."""

    task: Task
    course: Course
    pairs: dict[int, tuple[Evaluation, Evaluation]]
    diffs: dict[int, GradientDiff]

    @property
    def agreed(self) -> bool:
        """Whether the two sides matched whenever they were compared."""
        return proved_together(self.diffs.values())

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
        frame = pd.DataFrame(list(self.course.losses.items()), columns=["epoch", "E"])
        return Table(frame, ("epoch",), in_report=False)

    def checks(self) -> Table:
        """One row per comparison."""
        rows = [_check(epoch, *self.pairs[epoch], diff) for epoch, diff in self.diffs.items()]
        return Table(pd.DataFrame(rows), ("epoch", "verdict"))


def train_watched(task: Task, start: Arrays, settings: Settings, progress: Progress, words: str) -> Training:
    """Train by hand, and compare the gradients at the start, a few times on the way, and at the end."""
    course = train_and_keep(
        (task.mlp, start, task.x, task.y, task.loss),
        task.epochs,
        look_epochs(task.epochs),
        progress,
        words,
        learning_rate=task.learning_rate,
        batch_size=task.batch_size,
        seed=settings.seed,
    )
    pairs = {epoch: task.both(kept, settings) for epoch, kept in course.kept.items()}
    return Training(task, course, pairs, {epoch: compare(*pair) for epoch, pair in pairs.items()})


def look_epochs(epochs: int) -> list[int]:
    """Evenly spread, the last one among them."""
    return sorted({max(1, round(epochs * k / CHECKS)) for k in range(1, CHECKS + 1)})


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
