"""Three training runs on the sine from one start: as article A has published, as derived, and that one ulp beside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.article_a_sine import article as article_a
from experiments.frame.study import Settings
from experiments.support.watched_training import Course, train_and_keep
from keras_mlp import backpropagate, to_keras
from manual_mlp import MLP, Array, Dense, Evaluation, train
from manual_mlp.extend import Arrays

if TYPE_CHECKING:
    from rich.progress import Progress

LOSS = "half_sum_squared_error"  # what the article descends
POINTS = 50  # of the loss curve, between two checks
EARLY = (1_000, 2_000)  # steps on the plateau, where runs still agree to the last digits


class SineTraining:
    """Settings, data and the three runs."""

    def __init__(self, settings: Settings, progress: Progress, steps: int, every: int) -> None:
        self.settings, self.steps, self.every = settings, steps, every
        self.mlp = sine_network()
        self.x, self.y = article_a.data(settings.dtype)
        self.start = article_a.as_parameters(*article_a.draw(settings.seed, settings.dtype))
        self.checked = range(0, steps + 1, every)
        self._record = math.gcd(every, max(1, every // POINTS))
        self.early = [step for step in EARLY if step <= steps and step % self._record == 0]
        self._kept = {*self.checked, *self.early, steps}
        self.published = self._train_as_published(progress)
        self.derived = self._train_as_derived(progress, "the gradient as derived", self.start)
        self.beside = self._train_as_derived(progress, "the same, one ulp beside", one_ulp_beside(self.start))

    @property
    def as_measured(self) -> bool:
        """Whether the article's figures hold: they were measured in float64 from RandomState(0)."""
        return self.settings.seed == 0 and self.settings.dtype == "float64"

    def by_hand(self, parameters: Arrays, loss: str = LOSS) -> Evaluation:
        """The derivation."""
        return self.mlp.backpropagate(parameters, self.x, self.y, loss)

    def by_tape(self, parameters: Arrays, loss: str = LOSS) -> Evaluation:
        """The tape, in the mode of the settings."""
        return backpropagate(self.twin(parameters), self.x, self.y, loss, self.settings.mode)

    def twin(self, parameters: Arrays) -> Any:
        """The Keras model."""
        return to_keras(self.mlp, parameters, self.settings.dtype)

    def errors(self, parameters: Arrays) -> tuple[float, float]:
        """Mean absolute error and root mean square error of the prediction."""
        difference = np.asarray(self.mlp.predict(parameters, self.x) - self.y, np.float64)
        return float(np.abs(difference).mean()), float(np.sqrt(np.square(difference).mean()))

    def one_step(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Arrays after the first step alone: as published, and as derived."""
        weights, biases = article_a.draw(self.settings.seed, self.settings.dtype)
        article_a.iterate(self.x, self.y, weights, biases)
        derived, _ = train(self.mlp, self.start, self.x, self.y, LOSS, learning_rate=article_a.LEARNING_RATE, epochs=1)
        return article_a.as_parameters(weights, biases), derived

    def _train_as_published(self, progress: Progress) -> Course:
        kept, losses, task = {0: self.start}, {}, progress.add_task("the article's loop", total=self.steps)
        weights, biases = article_a.draw(self.settings.seed, self.settings.dtype)
        for done in range(1, self.steps + 1):
            output = article_a.iterate(self.x, self.y, weights, biases)
            if done in self._kept:
                kept[done] = article_a.as_parameters(weights, biases)
            if done % self._record == 0:
                losses[done] = float(0.5 * np.square(output - self.y).sum())
                progress.advance(task, self._record)
        return Course(kept, losses)

    def _train_as_derived(self, progress: Progress, words: str, start: Arrays) -> Course:
        how = {"learning_rate": article_a.LEARNING_RATE, "record_every": self._record}
        given = (self.mlp, start, self.x, self.y, LOSS)
        return train_and_keep(given, self.steps, self._kept, progress, words, **how)  # type: ignore[arg-type]  # each its own


def sine_network() -> MLP:
    """The article's network."""
    *hidden, output = article_a.SIZES[1:]
    return MLP(article_a.SIZES[0], [*(Dense(n, "sigmoid") for n in hidden), Dense(output)])


def one_ulp_beside(parameters: Arrays) -> dict[str, Array]:
    """The same parameters, with the first weights moved to the next floating-point number."""
    first = parameters["dense_1/kernel"]
    return {**parameters, "dense_1/kernel": np.nextafter(first, first.dtype.type(np.inf))}


def common_digits(a: float, b: float, dtype: str = "float64") -> int:
    """How many leading digits of a hold for b, too; at most those that the dtype has."""
    most = int(np.finfo(dtype).precision)
    return most if a == b else min(most, max(0, math.floor(-math.log10(abs(a - b) / abs(a)))))
