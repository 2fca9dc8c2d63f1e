"""Article C's 15 hidden units: digits learned in mini-batches and online, images compressed, gradients timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from experiments.article_c_digits.autoencoders import autoencoder_part, linear_part, train_autoencoders
from experiments.article_c_digits.numerical_costs import costs_part
from experiments.frame.study import Comparison, Part, Picture, Result, Settings, Table, paragraphs
from experiments.support.datasets import Dataset, dataset_of
from experiments.support.drawing import BLUE, GREEN, RED, panels
from experiments.support.watched_training import Task, Training, train_watched
from manual_mlp import MLP, Array, Dense

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.progress import Progress


LOSS = "quadratic_cost"
EPOCHS = {"digits": 30}
FEWER = 10  # of the larger datasets
RUNS = {
    "mini-batches of 10, η = 3": (10, 3.0),
    "online, η = 3": (1, 3.0),
    "online, η = 0.3": (1, 0.3),
}
"""Name → batch size, learning rate. An online step at η/10 moves as far as a tenth of a mini-batch of 10."""

COSTS = "C over the epochs"
ACCURACY = "Accuracy on the test images along the way"


def run(settings: Settings, progress: Progress) -> Result:
    """The study."""
    data = dataset_of(settings)
    runs = {name: _train(data, name, settings, progress) for name in RUNS}
    autoencoders = train_autoencoders(data, settings, progress)
    parts = (
        digits_part(runs, data, settings.dtype),
        autoencoder_part(autoencoders, settings.dtype),
        linear_part(autoencoders),
        costs_part(data.images("train", 100), data.one_hot("train", 100), settings.seed, progress),
    )
    saved = {
        "digits": next(iter(runs.values())).course.parameters,
        "autoencoder": autoencoders.sigmoid.course.parameters,
    }
    return Result(f"Article C: fifteen hidden units ({data.name})", parts, {}, saved, data.facts)


def digit_network(inputs: int) -> MLP:
    """The article's network, for images of any size."""
    return MLP(inputs, [Dense(15, "sigmoid"), Dense(10, "sigmoid")])


def _train(data: Dataset, name: str, settings: Settings, progress: Progress) -> Training:
    batch, rate = RUNS[name]
    mlp = digit_network(data.inputs)
    x, y = data.images(dtype=settings.dtype), data.one_hot(dtype=settings.dtype)
    task = Task(mlp, x, y, LOSS, rate, settings.epochs or EPOCHS.get(data.name, FEWER), batch)
    start = mlp.initialize(settings.seed, "normal(0.3)", dtype=settings.dtype)
    return train_watched(task, start, settings, progress, f"digit_network: {name}")


def digits_part(runs: dict[str, Training], data: Dataset, dtype: str) -> Part:
    """Stochastic gradient descent, in mini-batches and sample by sample."""
    images, labels = data.images("test", dtype=dtype), data.labels("test")
    frame = pd.DataFrame({"epoch": list(next(iter(runs.values())).course.kept)})
    for name, training in runs.items():
        frame[name] = [_accuracy(training, kept, images, labels) for kept in training.course.kept.values()]
    steps = pd.DataFrame([_steps(name, training, data) for name, training in runs.items()])
    return Part(
        "Mini-batches and online",
        paragraphs(f"""
            The network {data.inputs}-15-10 has the sigmoid in both layers and the cost C = 1/(2N) Σ ‖y − z‖². It is
            trained on the {len(data.y_train):,} images of {data.name} by stochastic gradient descent,
            w ← w − η/m Σ δ aᵀ over mini-batches of m in random order. Online is m = 1: an update after every image.

            An epoch of online descent makes ten times as many updates as one in mini-batches of 10. With the same η it
            moves ten times as far; with η/10 as far, but each step sees one image only. Every update costs the same
            overhead, so an epoch in mini-batches is over sooner.
        """),
        tables={
            ACCURACY: Table(frame, ("epoch",)),
            COSTS: Table(_curves(runs), ("epoch",), in_report=False),
            "Updates": Table(steps, ("training", "m", "η", "epochs", "updates", "verdicts")),
            "Checks of the gradient, mini-batches of 10": next(iter(runs.values())).checks(),
        },
        comparisons={f"The last gradient, {name}": Comparison(training.last) for name, training in runs.items()},
        claims={"the tape agrees with all three trainings whenever it looks": all(t.agreed for t in runs.values())},
        pictures={
            "C over the epochs, and the share of test images taken for another class": Picture(
                (COSTS, ACCURACY), picture
            )
        },
    )


def _curves(runs: dict[str, Training]) -> pd.DataFrame:
    frame = pd.DataFrame({"epoch": list(next(iter(runs.values())).course.losses)})
    for name, training in runs.items():
        frame[name] = list(training.course.losses.values())
    return frame


def _accuracy(training: Training, parameters: dict[str, Array], images: Array, labels: Array) -> float:
    classes = training.task.mlp.predict(parameters, images, 1000).argmax(axis=1)
    return float((classes == labels).mean())


def _steps(name: str, training: Training, data: Dataset) -> dict[str, object]:
    task = training.task
    size = task.batch_size or len(task.x)
    return {
        "training": name,
        "m": size,
        "η": task.learning_rate,
        "epochs": task.epochs,
        "updates": task.epochs * -(-len(data.y_train) // size),
        "ms an epoch": training.course.seconds / task.epochs * 1e3,
        "C over the last epoch": list(training.course.losses.values())[-1],
        "verdicts": ", ".join(dict.fromkeys(diff.verdict.name for diff in training.diffs.values())),
    }


def picture(costs: pd.DataFrame, accuracy: pd.DataFrame) -> Figure:
    """The three curves of C, and of the errors."""
    figure, (left, right) = panels(8.6, 3.4, columns=2)
    for name, colour, marker in zip(costs.columns[1:], (BLUE, RED, GREEN), "os^", strict=True):
        left.semilogy(costs["epoch"], costs[name], color=colour, linewidth=1.3)
        right.semilogy(accuracy["epoch"], 1 - accuracy[name], color=colour, marker=marker, markersize=4, label=name)
    left.set(xlabel="epoch", ylabel="C, mean over the epoch")
    right.set(xlabel="epoch", ylabel="share of wrong test images")
    right.legend(frameon=False)
    return figure
