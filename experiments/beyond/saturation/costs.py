"""What the clip costs: training from logits beside training from probabilities alone, and the gradients at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.beyond.saturation.pictures import LOGITS, LOST, training_picture
from experiments.beyond.saturation.training import (
    BATCH,
    FACTOR,
    STEP,
    WAYS,
    EpochEnd,
    KerasTraining,
    Start,
    from_probabilities,
    outside,
    small_network,
    train_by_keras,
)
from experiments.frame.study import Comparison, Part, Picture, Settings, Table, paragraphs
from experiments.support.datasets import Dataset
from gradient_diff import Status, compare
from keras_mlp import backpropagate, named_weights, to_keras
from manual_mlp import Array, Loss, evaluation_of

# isort: split
import keras
import tensorflow as tf

if TYPE_CHECKING:
    from rich.progress import Progress


LOSS = "categorical_crossentropy"
EPOCHS, FULL = 10, 50
COMPARED = 1000  # images whose gradients are compared at the end
TABLE = "Training both ways"


def training_part(data: Dataset, settings: Settings, progress: Progress) -> Part:
    """Both trainings, epoch by epoch, and their gradients at the end."""
    start, epochs = Start.of(data, settings), settings.epochs or (FULL if settings.full else EPOCHS)
    bar = progress.add_task("saturation: training both ways", total=len(WAYS) * epochs)
    courses = {way: train_by_keras(way, start, epochs, settings, lambda: progress.advance(bar)) for way in WAYS}
    return Part(
        "What it costs in training",
        _text(start, courses, epochs),
        tables={TABLE: Table(_frame(courses), ("epoch", "trained"))},
        comparisons=_comparisons(start, courses, settings),
        claims=_claims(courses),
        pictures={"E, accuracy, and images that are certain and wrong": Picture((TABLE,), training_picture)},
    )


def _text(start: Start, courses: dict[str, KerasTraining], epochs: int) -> tuple[str, ...]:
    logits, lost = (courses[way].looks[-1] for way in (LOGITS, LOST))
    own = start.y.argmax(axis=1)
    return paragraphs(f"""
        The output weights of the same network are multiplied by {FACTOR:g}, so that it starts certain, and mostly
        wrong. Keras trains it on {len(own):,} images in batches of {BATCH}, by Adam({STEP.learning_rate:g}), for
        {epochs} epoch{"s" * (epochs > 1)}: once from logits and once from probabilities alone, from the same weights
        and in the same order. Row 0 is the start. E is from logits in both, of the training images: clipped it would
        not tell. Certain and wrong is an image whose own class has p < 1e-7.

        From probabilities such an image has no gradient: dE/du is exactly 0. (So it is above 1 − 1e-7, where next to
        nothing is lost.) It can be unlearned only by what other images do to the weights that all share; and once all
        images of a class are lost, no image asks for that class any more.

        At the end {100 * lost.lost.mean():.1f} % of the images are certain and wrong, from logits
        {100 * logits.lost.mean():.1f} %. {_given_up(lost, own)} of the ten classes have no training image left that is
        classified right, from logits {_given_up(logits, own)}. Accuracy is {100 * lost.accuracy:.1f} %, from logits
        {100 * logits.accuracy:.1f} %.

        The gradients at the end, of up to {COMPARED:,} images, are compared as above: by hand against Keras. Images so
        near an edge of the clip that rounding decides whether they have a gradient are left out.
    """)


def _given_up(last: EpochEnd, own: Array) -> int:
    """Classes none of whose images is classified right."""
    return len(set(own) - set(own[last.right]))


def _frame(courses: dict[str, KerasTraining]) -> pd.DataFrame:
    """A row for each epoch and way: side by side the columns would be wider than the page."""
    rows = [
        (epoch, way, seen.loss, seen.accuracy, seen.lost.mean(), seen.idle.mean())
        for epoch, looks in enumerate(zip(*(course.looks for course in courses.values()), strict=True))
        for way, seen in zip(courses, looks, strict=True)
    ]
    return pd.DataFrame(rows, columns=["epoch", "trained", "E", "accuracy", "certain and wrong", "no gradient"])


def _claims(courses: dict[str, KerasTraining]) -> dict[str, bool]:
    logits, lost = (courses[way].looks for way in (LOGITS, LOST))
    pairs = list(zip(logits[1:], lost[1:], strict=True))
    return {
        "from logits every image that is classified wrongly has a gradient": not any(
            (seen.idle & ~seen.right).any() for seen in logits
        ),
        "from probabilities an image has none just where its p is below 1e-7 or above 1 − 1e-7": all(
            np.array_equal(seen.idle, seen.outside) for seen in lost
        ),
        "after every epoch fewer images are certain and wrong from logits, and E is smaller": all(
            a.lost.sum() < b.lost.sum() and a.loss < b.loss for a, b in pairs
        ),
    }


def _comparisons(start: Start, courses: dict[str, KerasTraining], settings: Settings) -> dict[str, Comparison]:
    """At the end of each training, over some of its images."""
    plain, loss = small_network(start.x.shape[1]), Loss(LOSS, from_logits=True)
    first, second = (courses[way].parameters for way in (LOGITS, LOST))
    x, y = start.x[:COMPARED], start.y[:COMPARED]
    tape = backpropagate(to_keras(plain, first, settings.dtype), x, y, loss, settings.mode)
    found = {"Trained from logits": Comparison(compare(plain.backpropagate(first, x, y, loss), tape))}
    last, chosen = courses[LOST].looks[-1], settled(start, courses[LOST])
    x, y = start.x[chosen], start.y[chosen]
    clipped = _clipped_gradients(to_keras(plain, second, settings.dtype), x, y)
    if last.lost[chosen].any():
        diff = compare(plain.backpropagate(second, x, y, loss), clipped)
        found["Trained from probabilities"] = Comparison(diff, Status.REFERENCE_OFF)
    own = evaluation_of(small_network(start.x.shape[1], "softmax").problem(second, x, y, LOSS, fused=False))
    expected = Status.VACUOUS if last.idle[chosen].all() else Status.MATCH  # two zeros prove nothing
    found["Trained from probabilities, the clipped E"] = Comparison(compare(own, clipped), expected)
    return found


def settled(start: Start, course: KerasTraining) -> Array:
    """Images to compare: those of which both sides, and a derivation in float64, say alike whether p is clipped.

    In float32 the upper edge of the clip is less than two steps of p below 1: which side of it an image is on is
    rounding, and so is whether it has a gradient.
    """
    mlp, fine = (
        small_network(start.x.shape[1], "softmax"),
        {n: w.astype("float64") for n, w in course.parameters.items()},
    )
    x, y = start.x[:COMPARED], start.y[:COMPARED]
    theirs = course.looks[-1].outside[:COMPARED]
    ours = (
        outside((mlp.predict(weights, x.astype(weights["dense_1/kernel"].dtype)) * y).sum(axis=1))
        for weights in (course.parameters, fine)
    )
    return np.flatnonzero(np.logical_and.reduce([own == theirs for own in ours]))


def _clipped_gradients(model: keras.Sequential, x: Array, y: Array) -> dict[str, Array]:
    weights = {name: variable.value for name, variable in named_weights(model).items()}
    with tf.GradientTape() as tape:
        error = tf.reduce_mean(from_probabilities(tf.constant(y), model(tf.constant(x))))
    found = tape.gradient(error, list(weights.values()))
    return {name: np.asarray(gradient) for name, gradient in zip(weights, found, strict=True)}
