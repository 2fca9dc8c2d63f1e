"""Does training cure it? The same deep networks trained by hand, their gradients before, halfway and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from experiments.beyond.vanishing.nets import BATCH, LOSS, WIDTH, by_tape, deep_network, norms
from experiments.beyond.vanishing.pictures import by_training
from experiments.frame.study import Comparison, Part, Picture, Settings, Table, paragraphs
from experiments.support.datasets import Dataset
from experiments.support.watched_training import train_and_keep
from manual_mlp import SGD, Adam, Array, Evaluation, Optimizer

if TYPE_CHECKING:
    from rich.progress import Progress


EPOCHS = {"digits": 40}
FEWER = 1  # of the larger datasets: 40 times as many steps an epoch
MORE = 5  # times as many with --full
USUAL, TINY = Adam(1e-3), Adam(1e-3, epsilon=1e-30)
PLAIN = "sigmoid, gradient descent"
ADAM, SMALL_EPSILON = "sigmoid, Adam", f"sigmoid, Adam with ε = {TINY.epsilon:g}"
TANH, RELU = "tanh, Adam", "relu, Adam"
RUNS: dict[str, tuple[str, str, Optimizer]] = {
    PLAIN: ("sigmoid", "glorot_uniform", SGD(0.1)),
    ADAM: ("sigmoid", "glorot_uniform", USUAL),
    SMALL_EPSILON: ("sigmoid", "glorot_uniform", TINY),
    TANH: ("tanh", "glorot_uniform", USUAL),
    RELU: ("relu", "he_normal", USUAL),
}
"""Name → activation, initial weights, optimizer. Relu and tanh get the weights that keep δ alive at the start."""

ALONG = "Gradients and kernels along the training"
SAME = 1e-9  # probabilities that differ by less do not depend on the image
FARTHER = 1000


@dataclass(frozen=True, eq=False)
class DeepTraining:
    """What came of one training."""

    looks: dict[int, Evaluation]  # epoch → the gradients of the fixed batch; 0 is before training
    predicted: Array  # (N, 10), the probabilities of all training images at the end
    loss: float  # E of them
    accuracy: float  # on the test images, at the end

    def moved(self, epoch: int) -> list[float]:
        """‖W − W₀‖ / ‖W₀‖ of each kernel, from the lowest up."""
        start, now = (self.looks[e].problem.parameters for e in (0, epoch))
        kernels = [name for name in start if name.endswith("/kernel")]
        return [float(np.linalg.norm(now[k] - start[k]) / np.linalg.norm(start[k])) for k in kernels]

    @property
    def last(self) -> int:
        """Epochs of the training."""
        return max(self.looks)

    @property
    def spread(self) -> float:
        """The largest difference of the probability of a class between two images."""
        return float(np.ptp(self.predicted, axis=0).max())


def epochs_of(settings: Settings, name: str) -> int:
    """How long is trained."""
    return settings.epochs or EPOCHS.get(name, FEWER) * (MORE if settings.full else 1)


def train_deep(data: Dataset, depth: int, name: str, settings: Settings, progress: Progress) -> DeepTraining:
    """One of the `RUNS`, over all training images in mini-batches."""
    activation, initial, optimizer = RUNS[name]
    mlp, epochs = deep_network(data.inputs, depth, activation), epochs_of(settings, data.name)
    x, y = data.images(), data.one_hot()
    how: dict[str, Any] = {"optimizer": optimizer, "batch_size": BATCH, "seed": settings.seed}
    given = (mlp, mlp.initialize(settings.seed, initial), x, y, LOSS)
    kept = train_and_keep(given, epochs, (epochs // 2, epochs), progress, f"vanishing: {name}", **how).kept
    looks = {epoch: mlp.backpropagate(weights, x[:BATCH], y[:BATCH], LOSS) for epoch, weights in kept.items()}
    predicted = mlp.predict(kept[epochs], x, 1000)
    right = mlp.predict(kept[epochs], data.images("test"), 1000).argmax(axis=1) == data.labels("test")
    loss = -np.log(predicted[np.arange(len(x)), data.labels()]).mean()
    return DeepTraining(looks, predicted, float(loss), float(right.mean()))


def entropy(labels: Array) -> float:
    """H = −Σ p log p of the class frequencies: the smallest E of an answer that is the same for all images."""
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(-(shares * np.log(shares)).sum())


def training_part(data: Dataset, depth: int, settings: Settings, progress: Progress) -> Part:
    """All trainings, and what they do to the gradient."""
    courses = {name: train_deep(data, depth, name, settings, progress) for name in RUNS}
    bound = entropy(data.labels())
    rows, layers = pd.DataFrame(_row(n, c) for n, c in courses.items()), _layers(courses)
    return Part(
        "Does training cure it?",
        _text(courses, data, depth, bound),
        tables={
            "Before and after training": Table(rows, ("network", "‖dE/dW₁‖ before")),
            ALONG: Table(layers, ("network", "epoch", "layer"), in_report=False),
        },
        comparisons={
            f"After training: {name}": Comparison(by_tape(course.looks[course.last], settings))
            for name, course in courses.items()
        },
        claims=claims(courses, bound),
        pictures={"‖dE/dW‖ by layer along the training, and how far each kernel moved": Picture((ALONG,), by_training)},
    )


def _row(name: str, course: DeepTraining) -> dict[str, object]:
    before, after = (norms(course.looks[epoch])[0] for epoch in (0, course.last))
    return {
        "network": name,
        "‖dE/dW₁‖ before": before,
        "‖dE/dW₁‖ after": after,
        "W₁ moved by": course.moved(course.last)[0],
        "spread of the answers": course.spread,
        "E after": course.loss,
        "accuracy after": course.accuracy,
    }


def _layers(courses: dict[str, DeepTraining]) -> pd.DataFrame:
    return pd.DataFrame(
        {"network": name, "epoch": epoch, "layer": layer, "‖dE/dW‖": norm, "moved": moved}
        for name, course in courses.items()
        for epoch, look in course.looks.items()
        for layer, (norm, moved) in enumerate(zip(norms(look), course.moved(epoch), strict=True), 1)
    )


def _text(courses: dict[str, DeepTraining], data: Dataset, depth: int, bound: float) -> tuple[str, ...]:
    plain, usual, tiny, tanh, relu = courses.values()
    epochs = f"{tanh.last} epoch{'s' * (tanh.last > 1)}"
    return paragraphs(f"""
        {depth} hidden layers of {WIDTH} units, trained by hand on all {len(data.y_train):,} training images for
        {epochs} in batches of {BATCH}: gradient descent with η = 0.1, Adam with η = 10⁻³. dE/dW is that of the same
        {BATCH} images before and after, W₁ the lowest kernel, and it has moved by ‖W − W₀‖ / ‖W₀‖. The spread of
        the answers is the largest difference of a class's probability between two training images.

        An answer that is the same for all images cannot bring E below the entropy of the class frequencies, here
        {bound:.4f} (log 10 = 2.3026 for ten classes of the same size). The sigmoid network gives such an answer before
        training, and gradient descent does not change that: the top can learn the frequencies, W₁ moves by
        {plain.moved(plain.last)[0]:.0e} of itself, and nothing of the image comes through.

        Adam divides a gradient by the root of its mean square, so that its size should not matter. But Keras adds
        ε = 10⁻⁷ to that root, so that a gradient far below ε is divided by ε and no more: W₁ moves by
        {usual.moved(usual.last)[0]:.0e}. With ε = {TINY.epsilon:g} it moves by {tiny.moved(tiny.last)[0]:.2g}, up to
        about η a step in each entry, wherever the faded gradient points. E is then {tiny.loss:.2f}; with tanh it is
        {tanh.loss:.2f}, with ReLU and He's weights {relu.loss:.2f}. So a smaller ε makes the lowest layers move; it
        does not make the network learn as it does where the gradient arrives.
    """)


def claims(courses: dict[str, DeepTraining], bound: float) -> dict[str, bool]:
    """What holds of the trainings, however long they were."""
    blind = [courses[PLAIN], courses[ADAM]]
    lowest = {name: course.moved(course.last)[0] for name, course in courses.items()}
    found = {
        f"the sigmoid network gives all images the same answer within {SAME:g}, by gradient descent and by Adam": all(
            course.spread <= SAME for course in blind
        ),
        # log p is off by at most SAME / p where p is off by SAME
        "so its E is not below the entropy of the class frequencies": all(
            course.loss >= bound - SAME / course.predicted.min() for course in blind
        ),
        "tanh brings E below it": courses[TANH].loss < bound,
        f"by Adam, W₁ moves more than {FARTHER} times as far with tanh as with the sigmoid": (
            lowest[TANH] > FARTHER * lowest[ADAM]
        ),
        f"with ε = {TINY.epsilon:g} the sigmoid's W₁ moves more than {FARTHER} times as far as with Keras's ε": (
            lowest[SMALL_EPSILON] > FARTHER * lowest[ADAM]
        ),
        "even then its E stays above that with tanh": courses[SMALL_EPSILON].loss > courses[TANH].loss,
    }
    if courses[RELU].last > 1:  # after one epoch some networks with ReLU have hardly begun
        found["ReLU brings E below it, too"] = courses[RELU].loss < bound
    return found
