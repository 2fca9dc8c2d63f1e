"""Article C's autoencoder n-15-n: images through 15 numbers and back; a linear one against the SVD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.article_b_images.pictures import show
from experiments.frame.study import Comparison, Part, Picture, Settings, Table, paragraphs
from experiments.support.datasets import CLASSES, Dataset
from experiments.support.drawing import panels
from experiments.support.watched_training import Task, Training, train_watched
from manual_mlp import MLP, Array, Dense

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.progress import Progress


CODE = 15
LOSS = "quadratic_cost"
SIGMOID = {"digits": (1.0, 60, 10)}
LINEAR = {"digits": (0.3, 300, 100)}
"""Of digits: learning rate, epochs, batch size. The larger images have larger sums, and so a smaller rate."""
MORE_SIGMOID, MORE_LINEAR = (0.1, 20, 10), (0.05, 10, 100)

LAST_SIGMOID = "The autoencoder's gradients after training"
LAST_LINEAR = "The linear autoencoder's gradients after training"
IMAGES = "Images and what comes back"


@dataclass(frozen=True, eq=False)
class Principal:
    """The best that any linear map through 15 numbers can do."""

    mean: Array  # (n,) of the images
    directions: Array  # (n, 15), right singular vectors of the centred images, largest first
    variances: Array  # (n,) along all of them

    @classmethod
    def of(cls, x: Array, count: int = CODE) -> Principal:
        """By the SVD of the centred images, through the eigenvectors of their n × n covariance."""
        mean = x.mean(axis=0, dtype=np.float64)
        variances, vectors = np.linalg.eigh(np.cov(x, rowvar=False, bias=True, dtype=np.float64))
        return cls(mean, vectors[:, ::-1][:, :count], np.maximum(variances[::-1], 0.0))

    @property
    def error(self) -> float:
        """C = 1/(2N) Σ ‖x − x̂‖² of the projection: half of the variance that it leaves out."""
        return float(self.variances[self.directions.shape[1] :].sum() / 2)

    def through(self, x: Array) -> Array:
        """Images projected, (N, n)."""
        return self.mean + (x - self.mean) @ self.directions @ self.directions.T

    def angles(self, decoder: Array) -> Array:
        """Principal angles between the span of a decoder's rows (15, n) and this one, in degrees, smallest first."""
        basis = np.linalg.qr(decoder.T.astype(np.float64))[0]
        cosines = np.linalg.svd(basis.T @ self.directions, compute_uv=False)
        return np.degrees(np.arccos(np.clip(cosines, 0, 1)))


@dataclass(frozen=True, eq=False)
class Autoencoders:
    """Both trained, and the SVD beside."""

    data: Dataset
    principal: Principal
    sigmoid: Training
    linear: Training


def train_autoencoders(data: Dataset, settings: Settings, progress: Progress) -> Autoencoders:
    """Train n-15-n twice: with sigmoids on the images, and linear on the centred images."""
    x = data.images(dtype=settings.dtype)
    principal = Principal.of(x)
    n = data.inputs
    sigmoid = MLP(n, [Dense(CODE, "sigmoid"), Dense(n, "sigmoid")])
    linear = MLP(n, [Dense(CODE), Dense(n)])
    centred = (x - principal.mean).astype(settings.dtype)
    runs = []
    for mlp, values, how, words in (
        (sigmoid, x, SIGMOID.get(data.name, MORE_SIGMOID), "autoencoder"),
        (linear, centred, LINEAR.get(data.name, MORE_LINEAR), "linear autoencoder"),
    ):
        rate, epochs, batch = how
        task = Task(mlp, values, values, LOSS, rate, settings.epochs or epochs, batch)
        start = mlp.initialize(settings.seed, dtype=settings.dtype)
        runs.append(train_watched(task, start, settings, progress, f"digit_network: {words}"))
    return Autoencoders(data, principal, *runs)


def autoencoder_part(found: Autoencoders, dtype: str) -> Part:
    """The images side by side."""
    return Part(
        "An autoencoder",
        paragraphs(f"""
            The network {found.data.inputs}-{CODE}-{found.data.inputs} is trained to give back its own input. All that
            it knows of an image then goes through {CODE} numbers: it compresses. Both layers have the sigmoid, the
            cost is C = 1/(2N) Σ ‖x − x̂‖².

            The picture shows one test image of each class above, and below what comes back through this autoencoder,
            through the linear one of the next section, and through {CODE} directions of the SVD.
        """),
        tables={
            "Checks of the autoencoder's gradient": found.sigmoid.checks(),
            IMAGES: Table(_images(found, dtype), in_report=False),
        },
        comparisons={LAST_SIGMOID: Comparison(found.sigmoid.last)},
        claims={"the tape agrees all through the autoencoder's training": found.sigmoid.agreed},
        pictures={"Input, and output of the autoencoder, the linear one and the SVD": Picture((IMAGES,), pictures)},
    )


def _images(found: Autoencoders, dtype: str) -> pd.DataFrame:
    labels = found.data.labels("test")
    chosen = [int(np.flatnonzero(labels == k)[0]) for k in range(CLASSES)]
    x = found.data.images("test", dtype=dtype)[chosen]
    centred = (x - found.principal.mean).astype(dtype)
    linear = found.linear.task.mlp.predict(found.linear.course.parameters, centred) + found.principal.mean
    rows = {
        "input": x,
        "autoencoder": found.sigmoid.task.mlp.predict(found.sigmoid.course.parameters, x),
        "linear": linear,
        "SVD": found.principal.through(x),
    }
    pixels = [f"pixel {k}" for k in range(found.data.inputs)]
    return pd.concat(
        [
            pd.concat([pd.DataFrame({"row": name, "image": chosen}), pd.DataFrame(a.round(3), columns=pixels)], axis=1)
            for name, a in rows.items()
        ]
    )


def linear_part(found: Autoencoders) -> Part:
    """The linear autoencoder against the SVD, along its training."""
    task, best = found.linear.task, found.principal.error
    rows = [_row(found, epoch) for epoch in found.linear.course.kept]
    frame = pd.DataFrame(rows)
    costs, angles = frame["C of the linear autoencoder"], frame["mean angle, °"]
    return Part(
        "The same idea as PCA?",
        paragraphs(f"""
            The article says that {CODE} hidden units are the same idea as PCA. For a linear autoencoder on centred
            images that can be checked: no linear map through {CODE} numbers has a smaller C than the projection onto
            the first {CODE} singular vectors (Eckart and Young), and a linear autoencoder that reaches it spans the
            same space, though not with the same vectors.

            Gradient descent comes close to that C soon, and to the space late: directions along which the images vary
            almost alike hardly matter to C. Here the variance along the {CODE}th direction is
            {found.principal.variances[CODE - 1]:.3g}, and along the next one, which is left out,
            {found.principal.variances[CODE]:.3g}. An angle of 0° is a shared direction, 90° one that is missed.

            With sigmoids it is not PCA: the autoencoder of the last section bends the space. It may go below the SVD's
            C, or stay above it for long where gradient descent is slow. On the training images it came to
            C = {_cost(found.sigmoid):.4g}.
        """),
        tables={
            "The linear autoencoder and the SVD": Table(frame, ("epoch", "C of the SVD")),
            "Checks of the linear autoencoder's gradient": found.linear.checks(),
        },
        comparisons={LAST_LINEAR: Comparison(found.linear.last)},
        claims={
            "the tape agrees all through the linear autoencoder's training": found.linear.agreed,
            "no linear autoencoder has a smaller C than the SVD": bool((costs >= best * (1 - 1e-5)).all()),
            **(
                {
                    "its C comes to within 2 % of the SVD's": bool(costs.iloc[-1] <= 1.02 * best),
                    "its space turns towards the SVD's": bool(angles.iloc[-1] < angles.iloc[0] / 2),
                }
                if task.epochs >= LINEAR.get(found.data.name, MORE_LINEAR)[1]
                else {}
            ),
        },
    )


def _row(found: Autoencoders, epoch: int) -> dict[str, float]:
    kept = found.linear.course.kept[epoch]
    angles = found.principal.angles(kept["dense_2/kernel"])
    return {
        "epoch": epoch,
        "C of the linear autoencoder": _cost(found.linear, epoch),
        "C of the SVD": found.principal.error,
        "mean angle, °": float(angles.mean()),
        "largest angle, °": float(angles.max()),
        "directions within 10°": int((angles < 10).sum()),
    }


def _cost(training: Training, epoch: int | None = None) -> float:
    """C on all training images, in pieces so that memory stays small."""
    task, weights = training.task, training.course.parameters if epoch is None else training.course.kept[epoch]
    total = 0.0
    for start in range(0, len(task.x), 1000):
        part = slice(start, start + 1000)
        difference = task.mlp.predict(weights, task.x[part]) - task.y[part]
        total += float(np.square(difference, dtype=np.float64).sum())
    return total / (2 * len(task.x))


def pictures(frame: pd.DataFrame) -> Figure:
    """One column per class: the image, and what comes back."""
    pixels = [name for name in frame.columns if name.startswith("pixel")]
    names = list(dict.fromkeys(frame["row"]))
    figure, grid = panels(8.2, 0.82 * len(names), len(names), CLASSES)
    for row, name in enumerate(names):
        places = grid[row * CLASSES : (row + 1) * CLASSES]
        for axes, image in zip(places, frame.loc[frame["row"] == name, pixels].to_numpy(), strict=True):
            show(axes, image)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        places[0].set_ylabel(name, rotation=0, ha="right", va="center", size=9)
    return figure
