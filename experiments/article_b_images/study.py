"""Article B's image network: weights saved and loaded, accuracy counted in batches by both twins, and why batches."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.article_b_images.batch_costs import batches_part
from experiments.article_b_images.given_weights import weights_from
from experiments.article_b_images.pictures import training_curves, wrong_images
from experiments.frame.study import Comparison, Part, Picture, Result, Settings, Table, paragraphs
from experiments.support.datasets import DataError, Dataset, dataset_of
from experiments.support.watched_training import Task, Training, train_watched
from gradient_diff import compare
from keras_mlp import backpropagate, to_keras
from manual_mlp import MLP, Array, Dense, Loss, load_parameters, save_parameters
from manual_mlp.extend import Arrays

if TYPE_CHECKING:
    from rich.progress import Progress

BATCH = 100
RATE = 1.0
EPOCHS = {"digits": 60}  # of the others
MANY = 20
SHOWN = 24  # wrong images

FIRST = "The gradients of one batch before training"
LAST = "The gradients of one batch after training"
GIVEN = "The gradients of one batch with the given weights"
CURVE, ALONG = "E over the epochs", "Accuracy along the way"
OTHERS = "Images taken for another class"
LOGITS = "Softmax in the network against softmax in the loss"


def run(settings: Settings, progress: Progress) -> Result:
    """The study."""
    if settings.weights is not None and settings.epochs is not None:
        text = f"--epochs {settings.epochs} beside --weights {settings.weights}: nothing is trained with given weights"
        raise DataError(f"{text}. Leave one of them out.")
    data = dataset_of(settings)
    mlp = image_network(data.inputs)
    if settings.weights is None:
        training = _train(mlp, data, settings, progress)
        parameters, first = training.course.parameters, _training_part(training, mlp, data)
    else:
        parameters = weights_from(settings.weights, mlp, settings.dtype)
        first = _given_part(mlp, parameters, data, settings)
    parts = (
        first,
        accuracy_part(mlp, parameters, data, settings),
        softmax_part(mlp, parameters, data, settings),
        batches_part(mlp, parameters, data, settings, progress),
    )
    return Result(f"Article B: images in batches ({data.name})", parts, {}, {"weights": parameters}, data.facts)


def image_network(inputs: int, output: str = "softmax") -> MLP:
    """The article's network, for images of any size."""
    return MLP(inputs, [Dense(50, "sigmoid"), Dense(100, "sigmoid"), Dense(10, output)])


def _train(mlp: MLP, data: Dataset, settings: Settings, progress: Progress) -> Training:
    x, y = data.images(dtype=settings.dtype), data.one_hot(dtype=settings.dtype)
    epochs = settings.epochs or EPOCHS.get(data.name, MANY)
    task = Task(mlp, x, y, "categorical_crossentropy", RATE, epochs, BATCH)
    start = mlp.initialize(settings.seed, dtype=settings.dtype)
    return train_watched(task, start, settings, progress, f"mnist_batches: {data.name}")


def _widths(mlp: MLP) -> str:
    return "-".join(map(str, (mlp.inputs, *mlp.units)))


def _training_part(training: Training, mlp: MLP, data: Dataset) -> Part:
    right = [(epoch, _right_by_hand(mlp, kept, data)) for epoch, kept in training.course.kept.items()]
    accuracy = pd.DataFrame(right, columns=["epoch", "right"])
    accuracy["accuracy"] = accuracy["right"] / len(data.y_test)
    return Part(
        "The training",
        paragraphs(f"""
            The network is {_widths(mlp)}: two hidden layers with the sigmoid, softmax at the output. The article
            takes its weights from a file; here they are trained, on the {len(data.y_train):,} training images of
            {data.name}, by gradient descent in batches of {BATCH} with categorical cross-entropy and learning rate
            {RATE:g}. (The option --weights FILE.npz takes a file instead.)

            The NumPy side trains, and the tape looks on: at the start and a few times on the way a Keras model gets
            the same weights, bit for bit, and both sides compute all gradients of the first {BATCH} images. Up to 16
            σ rounding explains a difference.
        """),
        tables={
            "Checks of the gradient along the way": training.checks(),
            ALONG: Table(accuracy, ("epoch",)),
            CURVE: training.curve(),
        },
        comparisons={FIRST: Comparison(training.first), LAST: Comparison(training.last)},
        claims={"the tape agrees whenever it looks": training.agreed},
        pictures={"E and accuracy over the epochs": Picture((CURVE, ALONG), training_curves)},
    )


def _given_part(mlp: MLP, parameters: Arrays, data: Dataset, settings: Settings) -> Part:
    task = Task(mlp, *_batch(data, settings.dtype), "categorical_crossentropy", RATE, 0)
    diff = compare(*task.both(parameters, settings))
    shown = settings.weights.name if settings.weights else ""
    text = f"""
        The network is {_widths(mlp)}: two hidden layers with the sigmoid, softmax at the output. Nothing is trained:
        its weights are those of {shown}, read without pickle and checked against the network's names and shapes.

        Both sides compute the gradients of the first {BATCH} training images of {data.name} with them.
    """
    return Part("The given weights", paragraphs(text), comparisons={GIVEN: Comparison(diff)})


def _batch(data: Dataset, dtype: str) -> tuple[Array, Array]:
    return data.images("train", BATCH, dtype), data.one_hot("train", BATCH, dtype)


def accuracy_part(mlp: MLP, parameters: Arrays, data: Dataset, settings: Settings) -> Part:
    """The weights, saved and loaded, and how many of the test images both twins classify rightly with them."""
    loaded = _save_and_load(parameters)
    same = all(np.array_equal(loaded[name], array) for name, array in parameters.items())
    images, labels = data.images("test", dtype=settings.dtype), data.labels("test")
    classes = {"by hand": classes_by_hand(mlp, loaded, images), "Keras": classes_by_keras(mlp, loaded, images)}
    right = {name: int((found == labels).sum()) for name, found in classes.items()}
    rows = [(name, count, len(labels), count / len(labels)) for name, count in right.items()]
    frame = pd.DataFrame(rows, columns=["side", "right", "of", "accuracy"])
    return Part(
        "Accuracy, counted in batches",
        paragraphs(f"""
            The weights are saved as .npz (`weights.npz` in this folder), loaded again, and given to both sides. Each
            goes through the {len(labels):,} test images in batches of {BATCH} and counts where the largest output is
            the right class. The article loads a pickle, which can run any code; an .npz of plain arrays cannot.
        """),
        tables={
            "Accuracy": Table(frame, ("side", "of")),
            OTHERS: Table(_wrong(images, labels, classes["by hand"]), in_report=False),
        },
        claims={
            "what was saved is loaded bit for bit": same,
            "both sides find the same class for every image": bool((classes["by hand"] == classes["Keras"]).all()),
        },
        pictures={"Some images that the network takes for another class": Picture((OTHERS,), wrong_images)},
    )


def _save_and_load(parameters: Arrays) -> dict[str, Array]:
    with tempfile.TemporaryDirectory() as folder:
        return load_parameters(save_parameters(Path(folder) / "weights", parameters))


def classes_by_hand(mlp: MLP, parameters: Arrays, x: Array) -> Array:
    """The class of each image, by `predict` in batches of 100."""
    return mlp.predict(parameters, x, BATCH).argmax(axis=1)


def classes_by_keras(mlp: MLP, parameters: Arrays, x: Array) -> Array:
    """The same, by the Keras model."""
    model = to_keras(mlp, parameters, x.dtype.name)
    outputs = [np.asarray(model(x[start : start + BATCH])) for start in range(0, len(x), BATCH)]
    return np.concatenate(outputs).argmax(axis=1)


def _right_by_hand(mlp: MLP, parameters: Arrays, data: Dataset) -> int:
    dtype = next(iter(parameters.values())).dtype.name
    return int((classes_by_hand(mlp, parameters, data.images("test", dtype=dtype)) == data.labels("test")).sum())


def _wrong(images: Array, labels: Array, classes: Array) -> pd.DataFrame:
    """The first few of them with their pixels, for the picture."""
    chosen = np.flatnonzero(labels != classes)[:SHOWN]
    frame = pd.DataFrame({"image": chosen, "class": labels[chosen], "taken for": classes[chosen]})
    pixels = pd.DataFrame(images[chosen].round(3), columns=[f"pixel {k}" for k in range(images.shape[1])])
    return pd.concat([frame, pixels], axis=1)


def softmax_part(mlp: MLP, parameters: Arrays, data: Dataset, settings: Settings) -> Part:
    """Softmax is needed in training; to tell classes it is not."""
    plain = image_network(data.inputs, "linear")
    images = data.images("test", dtype=settings.dtype)
    rows = [
        (side, len(images), int((classes(mlp, parameters, images) != classes(plain, parameters, images)).sum()))
        for side, classes in (("by hand", classes_by_hand), ("Keras", classes_by_keras))
    ]
    x, y = _batch(data, settings.dtype)
    hand = mlp.backpropagate(parameters, x, y, "categorical_crossentropy")
    loss = Loss("categorical_crossentropy", from_logits=True)
    tape = backpropagate(to_keras(plain, parameters, settings.dtype), x, y, loss, settings.mode)
    return Part(
        "Softmax in training, none in inference",
        paragraphs("""
            Softmax is monotone: the largest u is also the largest probability. So to tell a class, argmax of u is
            enough, and softmax is left out in inference. In training it is needed: cross-entropy is about
            probabilities.

            There it may stand in the network or in the loss. The comparison holds our network with softmax at its
            output against a Keras network without it, whose loss starts from the logits: the same gradients.
        """),
        tables={
            "Classes with and without softmax": Table(
                pd.DataFrame(rows, columns=["side", "images", "another class without softmax"]),
                ("side", "images", "another class without softmax"),
            )
        },
        comparisons={LOGITS: Comparison(compare(hand, tape.gradients))},
        claims={"argmax without softmax finds the same classes": all(row[2] == 0 for row in rows)},
    )
