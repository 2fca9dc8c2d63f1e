"""Cross-entropy on probabilities against logits as weights grow: where Keras clips, and how far off it is then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from experiments.beyond.saturation.costs import training_part
from experiments.beyond.saturation.pictures import KEPT, LOGITS, LOST, growth_picture, unit_picture
from experiments.beyond.saturation.training import small_network
from experiments.frame.study import Comparison, Part, Picture, Result, Settings, Table, paragraphs
from experiments.support.datasets import Dataset, dataset_of
from gradient_diff import GradientDiff, Status, compare
from keras_mlp import backpropagate, named_weights, to_keras
from manual_mlp import MLP, Array, Dense, Evaluation, Loss, evaluation_of
from manual_mlp.extend import EPSILON

# isort: split
import keras
import tensorflow as tf

if TYPE_CHECKING:
    from rich.progress import Progress


LOSS = "categorical_crossentropy"
SCALES = (1.0, 3.0, 10.0, 30.0, 100.0)
SHOWN = 30.0
BATCH = 50
REACH = 40  # of u, to both sides

CLIPPED = "The derivation of the clipped E against Keras on probabilities"
HOW_FAR = "How far off each way is"
CURVES = "dE/du of one unit by u"


def run(settings: Settings, progress: Progress) -> Result:
    """The study."""
    data = dataset_of(settings)
    cases = {s: ScaledOutput(data, s, settings) for s in progress.track(SCALES, description="saturation")}
    training = training_part(data, settings, progress)
    parts = (unit_part(), growth_part(cases), verdicts_part(cases[SHOWN]), training)
    return Result(f"Saturation: probabilities and logits ({data.name})", parts, data=data.facts)


def unit_part() -> Part:
    """One sigmoid unit, target 1: dE/du from logits, and through probabilities."""
    edge = float(np.log(EPSILON / (1 - EPSILON)))
    u = _grid(edge)
    frame = pd.DataFrame({"u": u, "σ(u) − 1": -1 / (1 + np.exp(u))})
    for dtype in ("float64", "float32"):
        frame[f"from logits, {dtype}"] = slope(_from_logit, u, dtype)
        frame[f"probabilities, {dtype}"] = slope(_from_probability, u, dtype)
    rows = [(dtype, _last_zero(frame["u"], frame[f"probabilities, {dtype}"])) for dtype in ("float64", "float32")]
    summary = pd.DataFrame(rows, columns=["dtype", "dE/du is 0 up to u ="])
    summary["p there"] = 1 / (1 + np.exp(-summary[summary.columns[1]]))
    wrong = frame["u"] < edge
    return Part(
        "One unit",
        paragraphs(f"""
            One sigmoid unit whose target is 1. E = −log σ(u), and dE/du = σ(u) − 1: the more wrong the unit is, the
            nearer to −1. Keras computes this E from the logit u, or from the probability p = σ(u) alone. Given p, it
            first clips it to [1e-7, 1 − 1e-7], for log 0 is −∞. Beyond u = log(1e-7) = {edge:.2f} E is constant then,
            and its gradient is 0: the unit that is most certain, and wrong, learns nothing.
        """),
        tables={"Where the gradient ends": Table(summary, ("dtype",)), CURVES: Table(frame, in_report=False)},
        claims={
            "from logits the gradient of a wrong certainty is −1": bool(
                (frame.loc[wrong, "from logits, float64"] < -0.999).all()
            ),
            "from probabilities it is 0, in both dtypes": bool(
                (frame.loc[wrong, ["probabilities, float64", "probabilities, float32"]] == 0).all(axis=None)
            ),
            "before the clip both are the same in float64": bool(
                np.allclose(
                    frame["probabilities, float64"][~wrong & (u < -edge)],
                    frame["σ(u) − 1"][~wrong & (u < -edge)],
                    rtol=1e-6,  # 2⁻⁵³ of p, seen from 1 − p ≥ 1e-7
                )
            ),
        },
        pictures={"dE/du of a unit whose target is 1": Picture((CURVES,), unit_picture)},
    )


def _grid(edge: float) -> Array:
    """Steps of ½, and of 0.001 around the edge, so that it is found to the digits of the text."""
    near = np.round(edge, 1) + np.linspace(-0.1, 0.1, 201)
    return np.union1d(np.linspace(-REACH, REACH, 161), near)


def slope(value: Callable[[Any, Any], Any], u: Array, dtype: str) -> Array:
    """dE/du of each unit by the tape, target 1."""
    v = tf.constant(u, dtype)
    with tf.GradientTape() as tape:
        tape.watch(v)
        error = tf.reduce_sum(value(tf.ones_like(v), v))
    return np.asarray(tape.gradient(error, v), np.float64)


def _from_logit(y: Any, u: Any) -> Any:
    return keras.ops.binary_crossentropy(y, u, from_logits=True)


def _from_probability(y: Any, u: Any) -> Any:
    """The identity keeps Keras from finding the logits that the sigmoid came from."""
    return keras.ops.binary_crossentropy(y, tf.identity(keras.ops.sigmoid(u)))


def _last_zero(u: pd.Series[float], gradient: pd.Series[float]) -> float:
    return float(u[(gradient == 0) & (u < 0)].max())


class ScaledOutput:
    """A network whose output weights are multiplied, by hand and by the tape in three ways."""

    def __init__(self, data: Dataset, scale: float, settings: Settings) -> None:
        mlp = small_network(data.inputs, "softmax")
        parameters = mlp.initialize(settings.seed, dtype=settings.dtype)
        parameters["dense_2/kernel"] *= parameters["dense_2/kernel"].dtype.type(scale)
        x, y = data.images("train", BATCH, settings.dtype), data.one_hot("train", BATCH, settings.dtype)
        self.hand = mlp.backpropagate(parameters, x, y, LOSS)
        self.references = {
            LOGITS: self._from_logits(settings),
            KEPT: backpropagate(to_keras(mlp, parameters, settings.dtype), x, y, LOSS, settings.mode).gradients,
            LOST: self._from_probabilities(settings.dtype),
        }
        self.diffs = {name: compare(self.hand, reference) for name, reference in self.references.items()}

    @property
    def clipped(self) -> Array:
        """Of each sample, whether the probability of its own class is below 1e-7: (N,)."""
        p = (self.hand.nodes["dense_2/z"] * self.hand.problem.y).sum(axis=1)
        return np.asarray(p < EPSILON)

    def off(self, name: str) -> float:
        """‖dE/dW of the tape − by hand‖ / ‖by hand‖, of the output layer."""
        exact = self.hand.gradients["dense_2/kernel"].astype(np.float64)
        return float(np.linalg.norm(self.references[name]["dense_2/kernel"] - exact) / np.linalg.norm(exact))

    def _from_logits(self, settings: Settings) -> dict[str, Array]:
        problem = self.hand.problem
        plain = MLP(problem.mlp.inputs, [Dense(16, "tanh"), Dense(10)])
        model = to_keras(plain, problem.parameters, settings.dtype)
        return backpropagate(model, problem.x, problem.y, Loss(LOSS, from_logits=True), settings.mode).gradients

    def _from_probabilities(self, dtype: str) -> dict[str, Array]:
        """As where an op stands between the softmax and the loss: Keras finds the logits no more."""
        problem = self.hand.problem
        model = to_keras(problem.mlp, problem.parameters, dtype)
        weights = {name: variable.value for name, variable in named_weights(model).items()}
        with tf.GradientTape() as tape:
            p = tf.identity(model(tf.constant(problem.x)))
            error = tf.reduce_mean(keras.ops.categorical_crossentropy(tf.constant(problem.y), p))
        found = tape.gradient(error, list(weights.values()))
        return {name: np.asarray(gradient) for name, gradient in zip(weights, found, strict=True)}

    def of_clipped(self) -> Evaluation:
        """The derivation of the E that Keras computes from probabilities: clip and all."""
        problem = self.hand.problem
        mlp = problem.mlp
        return evaluation_of(mlp.problem(problem.parameters, problem.x, problem.y, LOSS, fused=False))


def growth_part(cases: dict[float, ScaledOutput]) -> Part:
    """The table and picture of how far off each way is."""
    rows = [
        (
            scale,
            int(case.clipped.sum()),
            *(case.off(name) for name in (LOGITS, KEPT, LOST)),
            *(case.diffs[name].verdict.name for name in (LOGITS, LOST)),
        )
        for scale, case in cases.items()
    ]
    columns = ["weights times", "samples clipped", LOGITS, KEPT, LOST, f"{LOGITS}: verdict", f"{LOST}: verdict"]
    frame = pd.DataFrame(rows, columns=columns)
    grown = frame["samples clipped"] > 0
    return Part(
        "As weights grow",
        paragraphs(f"""
            A network {cases[SHOWN].hand.problem.mlp.inputs}-16-10 on {BATCH} images; the weights of its output layer
            are multiplied. The tape computes the gradient of categorical cross-entropy in three ways: from logits;
            from a softmax layer whose logits Keras still finds, as in a plain model; and from probabilities alone, as
            where a cast or any other op stands in between. (A float64 model with
            compile(loss="categorical_crossentropy") is such a case: the loss object casts to float32.)

            The columns give ‖dE/dW of the tape − by hand‖ / ‖by hand‖ of the output layer. Clipped are samples whose
            own class has p < 1e-7. TensorFlow's clip gives them no gradient at all. Probabilities alone, and the
            single unit above, are computed eagerly, whatever --mode says.
        """),
        tables={HOW_FAR: Table(frame, (columns[0], columns[1], columns[5], columns[6]))},
        claims={
            "from logits it always agrees": bool((frame[columns[5]] == "MATCH").all()),
            "from probabilities it agrees until the first sample is clipped, and not from then on": bool(
                ((frame[columns[6]] == "REFERENCE_OFF") == grown).all()
            ),
        },
        pictures={"Relative error of dE/dW as weights grow": Picture((HOW_FAR,), growth_picture)},
    )


def verdicts_part(case: ScaledOutput) -> Part:
    """REFERENCE_OFF at work, and what Keras differentiates instead."""
    own: GradientDiff = compare(case.of_clipped(), case.references[LOST])
    return Part(
        "Who is off?",
        paragraphs(f"""
            Weights times {SHOWN:g}. The witness, a complex step through the forward pass, sides with the derivation:
            the verdict is REFERENCE_OFF. Keras is not wrong about what it computes, though. The derivation of the
            clipped E agrees with it to the last digits. It is another function, with another gradient.
        """),
        comparisons={
            f"By hand against Keras: {LOGITS}": Comparison(case.diffs[LOGITS]),
            f"By hand against Keras: {LOST}": Comparison(case.diffs[LOST], Status.REFERENCE_OFF),
            CLIPPED: Comparison(own),
        },
    )
