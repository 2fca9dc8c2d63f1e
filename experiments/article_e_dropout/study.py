"""Article E: dropout, Adam and cross-entropy on logits; both twins on the same masks, and what the split is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from experiments.article_e_dropout.pictures import accuracy_curves, dropped_images, loss_curves
from experiments.frame.study import Comparison, Mode, Part, Picture, Result, Settings, Table, paragraphs
from experiments.support.datasets import CLASSES, Dataset, dataset_of
from gradient_diff.keras import TrainedTogether, fit_keras, train_together
from manual_mlp import MLP, Activation, Adam, Array, Dense, Dropout, Loss, train
from manual_mlp.extend import Arrays

if TYPE_CHECKING:
    from rich.progress import Progress


UNITS = 28
RATE = 0.3
BEST = 0.5  # the rate at which the article reports its best figure
RATES = (0.0, RATE, BEST)
REPORTED = 0.938
STEP = Adam(1e-2)
BATCH = 50
EPOCHS = 10
SEEDS = 5
LOSS = Loss("categorical_crossentropy", from_logits=True)
EXPECTED = 0.93  # mean of the seeds on the library's own split
OWN_ROWS, OWN_TEST = "x_test[:5000], the library's", "x_test[8001:9001], the library's"

CURVES, MASKS = "Loss and accuracy", "One image's first layer under three masks"
FIRST, LAST = "The first gradient, before training", "The gradient of the last epoch"


@dataclass(frozen=True, eq=False)
class Images:
    """Some rows of a file of images: x (N, n_0) in [0, 1], classes (N,)."""

    name: str
    x: Array
    labels: Array

    @property
    def one_hot(self) -> Array:
        """(N, 10)."""
        return np.eye(CLASSES, dtype=self.x.dtype)[self.labels]


def run(settings: Settings, progress: Progress) -> Result:
    """The study."""
    data = dataset_of(settings)
    mlp, epochs = dropout_network(data.inputs), settings.epochs or EPOCHS
    training, *others = trained_on(data, settings.dtype)
    both, fitted = _both(mlp, training, judged_on(data, settings.dtype)[0], epochs, settings, progress)
    rows = _accuracies(data, [training, *others], epochs, settings, progress)
    parts = (
        together_part(mlp, both, fitted, epochs, _trained_in(settings)),
        masks_part(mlp, training, settings),
        *splits_parts(rows, data, epochs),
        rates_part(rows, training.name),
    )
    weights = {"weights": dict(both.hand.parameters)}
    return Result(f"Article E: dropout ({data.name})", parts, {}, weights, data.facts)


def dropout_network(inputs: int, rate: float = RATE) -> MLP:
    """The article's layers: Linear → Sigmoid → Dropout → Linear → Sigmoid → Linear."""
    drop = [Dropout(rate)] if rate else []
    return MLP(
        inputs, [Dense(UNITS), Activation("sigmoid"), *drop, Dense(UNITS), Activation("sigmoid"), Dense(CLASSES)]
    )


def trained_on(data: Dataset, dtype: str) -> list[Images]:
    """What is trained on: of MNIST the rows that anyone would take, then those of the article's library."""
    if data.name == "digits":
        return [Images("the training images", data.images(dtype=dtype), data.labels())]
    return [
        Images("x_train[:5000]", data.images("train", 5000, dtype), data.labels("train", 5000)),
        Images(OWN_ROWS, data.images("test", 5000, dtype), data.labels("test", 5000)),
    ]


def judged_on(data: Dataset, dtype: str) -> list[Images]:
    """What accuracy is counted on; rows 8002 to 9001 of the test file, counted from 1, are the library's."""
    x, labels = data.images("test", dtype=dtype), data.labels("test")
    if data.name == "digits":
        return [Images("the test images", x, labels)]
    more, classes = data.images("train", 6000, dtype)[5000:], data.labels("train", 6000)[5000:]
    return [
        Images("x_test[:1000]", x[:1000], labels[:1000]),
        Images(OWN_TEST, x[8001:9001], labels[8001:9001]),
        Images("x_train[5000:6000]", more, classes),
    ]


def _both(
    mlp: MLP, training: Images, test: Images, epochs: int, settings: Settings, progress: Progress
) -> tuple[TrainedTogether, Any]:
    """Both twins on the same batches and masks; and Keras once more by its own fit."""
    bar = progress.add_task("mnist_dropout: both twins", total=epochs + 1)
    how = {
        "optimizer": STEP,
        "epochs": epochs,
        "batch_size": BATCH,
        "seed": settings.seed,
        "dtype": settings.dtype,
        "validation_data": (test.x, test.one_hot),
    }
    start = mlp.initialize(settings.seed, dtype=settings.dtype)
    data = (mlp, start, training.x, training.one_hot, LOSS)
    mode = _trained_in(settings)
    both = train_together(*data, **how, mode=mode, callback=lambda *_: progress.advance(bar))  # type: ignore[arg-type]
    fitted = fit_keras(*data, **how, mode=mode)  # type: ignore[arg-type]
    progress.advance(bar)
    return both, fitted


def _trained_in(settings: Settings) -> Mode:
    """The mode of the training: a graph in place of eager, as `fit` does by itself."""
    return "graph" if settings.mode == "eager" else settings.mode


def _curves(both: TrainedTogether, fitted: Any, epochs: int) -> pd.DataFrame:
    sides = {"by hand": both.hand, "Keras, step by step": both.keras, "Keras, model.fit": fitted}
    curves = {f"{kind}, {name}": getattr(side, kind) for kind in ("loss", "accuracy") for name, side in sides.items()}
    return pd.DataFrame({"epoch": range(1, epochs + 1), **curves})


def _looks(both: TrainedTogether) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "epoch": look.epoch,
            "step": look.step,
            "verdict": look.diff.verdict.name,
            "largest difference of any node, in σ": max(row.distance or 0.0 for row in look.diff.rows),
            "drift of the weights": look.drift,
        }
        for look in both.looks
    )


def together_part(mlp: MLP, both: TrainedTogether, fitted: Any, epochs: int, mode: Mode) -> Part:
    """Loss, accuracy and gradients of both twins over the epochs."""
    return Part(
        "Both twins, mask by mask",
        paragraphs(f"""
            The network is {mlp.outline}: its last layer gives logits, and softmax stands in the loss. Both twins start
            from the same weights and are trained by Adam (10⁻²) on the same batches of {BATCH} in the same order. The
            masks are shared: the real Keras Dropout draws them, and the NumPy side reads what the layer does to ones
            under the same state of its seed.

            Each side goes its own way, with its own gradients and its own Adam. At the start of each epoch the
            gradients are compared at Keras's weights. The drift is ‖W_hand − W_Keras‖ / ‖W_Keras‖: what rounding makes
            of two trainings that are equal on paper. Keras's own model.fit, on the same batches and masks, is the
            third curve.

            The loss is with dropped units, the accuracy without. Both Keras trainings ran in the mode {mode}; of the
            option --mode only xla changes that, since fit itself would take a graph.
        """),
        tables={
            "The gradients along the way": Table(_looks(both), ("epoch", "step", "verdict")),
            CURVES: Table(_curves(both, fitted, epochs), ("epoch",)),
        },
        comparisons={FIRST: Comparison(both.looks[0].diff), LAST: Comparison(both.looks[-1].diff)},
        claims={"the tape agrees with the derivation in every epoch": both.ok},
        pictures={
            "The loss of both twins": Picture((CURVES,), loss_curves),
            "The accuracy of both twins": Picture((CURVES,), accuracy_curves),
        },
    )


def masks_part(mlp: MLP, training: Images, settings: Settings) -> Part:
    """What a mask does: the activations of one image before and after."""
    x = training.x[:1]
    draws = mlp.draws(settings.seed, 2000, settings.dtype)
    mask = draws["dropout_1/mask"]
    z = mlp.forward(mlp.initialize(settings.seed, dtype=settings.dtype), x)["activation_1/z"]
    frame = pd.DataFrame({"unit": range(UNITS), "z": z[0], "mean of z ⊙ m over 2,000 masks": (z * mask).mean(axis=0)})
    for draw in range(3):
        frame[f"mask {draw + 1}"] = mask[draw]
    # each entry of m has mean 1 and variance p/(1 − p); over n masks and all units 5 standard errors are generous
    off = abs(float(mask.mean()) - 1)
    limit = 5 * np.sqrt(RATE / (1 - RATE) / mask.size)
    return Part(
        "What a mask does",
        paragraphs(f"""
            A mask m is 0 with probability {RATE:g} and 1/(1 − {RATE:g}) otherwise, so that its mean is 1. Forward
            z = z_prev ⊙ m, backward dE/dz_prev = dE/dz ⊙ m, with the same mask: the two mistakes
            dropout_mask_missing and dropout_scale_missing are to forget one or the other half of that.
        """),
        tables={MASKS: Table(frame, ("unit",), in_report=False)},
        claims={"over 2,000 masks the mean of m is 1 within 5 standard errors": bool(off <= limit)},
        pictures={"The first layer's 28 activations of one image under three masks": Picture((MASKS,), dropped_images)},
    )


def _accuracies(
    data: Dataset, chosen: list[Images], epochs: int, settings: Settings, progress: Progress
) -> pd.DataFrame:
    """Accuracy by training rows, rate, seed and test rows, all by hand in float32."""
    cases = [
        (images, rate, seed)
        for images in chosen
        for rate in (RATES if images is chosen[0] else (RATE, BEST))
        for seed in range(settings.seed, settings.seed + SEEDS)
    ]
    return pd.DataFrame(
        row
        for images, rate, seed in progress.track(cases, description="mnist_dropout: seeds")
        for row in _train(data, images, rate, seed, epochs)
    )


def _train(data: Dataset, images: Images, rate: float, seed: int, epochs: int) -> list[dict[str, object]]:
    mlp = dropout_network(data.inputs, rate)
    x, y = images.x.astype("float32"), images.one_hot.astype("float32")
    start = mlp.initialize(seed, dtype="float32")
    w, _ = train(mlp, start, x, y, LOSS, optimizer=STEP, epochs=epochs, batch_size=BATCH, seed=seed)
    common = {"trained on": images.name, "rate": rate, "seed": seed}
    return [
        {**common, "tested on": test.name, "accuracy": _accuracy(mlp, w, test)}
        for test in judged_on(data, "float32")
        if not (images.name == OWN_ROWS and test.name == "x_test[:1000]")  # it has seen these
    ]


def _accuracy(mlp: MLP, parameters: Arrays, test: Images) -> float:
    return float((mlp.predict(parameters, test.x).argmax(axis=1) == test.labels).mean())


def splits_parts(rows: pd.DataFrame, data: Dataset, epochs: int) -> tuple[Part, ...]:
    """Accuracy over the seeds by what was trained and tested on."""
    groups = rows[rows["rate"] == RATE].groupby(["trained on", "tested on"], sort=False)
    table = groups["accuracy"].agg(["mean", "min", "max"]).reset_index()
    spread = np.sqrt(0.9 * 0.1 / len(judged_on(data, "float32")[0].labels))
    text = f"""
        {SEEDS} seeds each, dropout {RATE:g}, trained by hand in float32. One standard error of an accuracy of 90 % on
        so many images is {100 * spread:.1f} %.
    """
    if data.name != "mnist":
        text += """

        On MNIST (with --dataset mnist, or --full where its file is at hand) the report also holds the article's own
        split against the usual one.
        """
        return (Part("Five seeds", paragraphs(text), tables={"Accuracy over the seeds": Table(table)}),)
    mean = table.set_index(["trained on", "tested on"])["mean"]
    theirs, usual = mean[OWN_ROWS, OWN_TEST], mean["x_train[:5000]", "x_test[:1000]"]
    same_net = mean["x_train[:5000]", OWN_TEST]
    text += f"""

        The article's library takes both of its parts from MNIST's test file: rows 1 to 5000 to train on, rows 8002 to
        9001 to test on. There the mean is {100 * theirs:.1f} %. On the split that anyone would take, the first 5,000
        training images and the first 1,000 test images, it is {100 * usual:.1f} %.

        The networks that were trained on x_train[:5000] tell why: on the library's test rows, which they have not seen
        either, they reach {100 * same_net:.1f} %. Those rows are {100 * (same_net - usual):.1f} points easier than
        x_test[:1000]. The library's training rows teach no more: with them the same rows come out
        {_points(theirs - same_net)} points.
    """
    claims = {}
    if epochs == EPOCHS:
        claims[f"on the library's own split the mean of {SEEDS} seeds is at least {100 * EXPECTED:.0f} %"] = bool(
            theirs >= EXPECTED
        )
    return (Part("Which rows", paragraphs(text), tables={"Accuracy over the seeds": Table(table)}, claims=claims),)


def _points(share: float) -> str:
    """A difference of shares with its sign, in points."""
    return f"{100 * share:+.1f}".replace("-", "−")


def rates_part(rows: pd.DataFrame, trained_on: str) -> Part:
    """Accuracy over the seeds by rate."""
    tested_on = rows["tested on"].iloc[0]
    tables = {"Accuracy by dropout rate": Table(_by_rate(rows, trained_on, tested_on), ("rate",))}
    if OWN_ROWS in set(rows["trained on"]):
        library = _by_rate(rows, OWN_ROWS, OWN_TEST)
        library["the article's figure"] = library["rate"].map({BEST: REPORTED})
        tables["Accuracy by dropout rate on the library's own split"] = Table(library, ("rate",))
    return Part(
        "How much to drop",
        paragraphs(f"""
            The same on {tested_on}, without dropout, with the article's {RATE:g}, and with the {BEST:g} at which its
            library reports its best figure: {100 * REPORTED:.1f} %, which is of MNIST, on the library's own split.
        """),
        tables=tables,
    )


def _by_rate(rows: pd.DataFrame, trained_on: str, tested_on: str) -> pd.DataFrame:
    own = rows[(rows["trained on"] == trained_on) & (rows["tested on"] == tested_on)]
    return own.groupby("rate")["accuracy"].agg(["mean", "min", "max"]).reset_index()
