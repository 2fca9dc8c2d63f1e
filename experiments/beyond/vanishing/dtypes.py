"""Which dtype loses a fading gradient, and what VACUOUS says of the layers that have lost it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.beyond.vanishing.nets import BATCH, LOSS, deep_network, norms
from experiments.beyond.vanishing.pictures import by_dtype
from experiments.frame.study import Comparison, Mode, Part, Picture, Settings, Table, paragraphs
from experiments.support.datasets import Dataset
from gradient_diff import GradientDiff, Status, compare, rounding_noise
from keras_mlp import backpropagate, to_keras
from manual_mlp import Array, Evaluation, gradient_node
from manual_mlp.extend import SMALLEST, UNITS, layer_of

LOSING = 32  # hidden layers with the sigmoid and small weights, so that even float32 runs out of small numbers
BOTTOM = 4  # layers of it
DTYPES = ("float32", "float16", "bfloat16")
WITHIN = 2.0**-100  # ‖dE/dW‖ above it: few entries, if any, run below the smallest normal number of bfloat16
LIMITS = (
    "dtype",
    "unit roundoff",
    "smallest normal number",
    "layers that are MATCH",
    "the lowest of them",
    "layers of 0",
)

RIGHT, FLIPPED = "The lowest layers in float32", "The same with the sign turned round"
FINE = "The same with the sign turned round, in float64"

NORMS = "Norm of dE/dW by layer and dtype"


@dataclass(frozen=True, eq=False)
class Lost:
    """One deep network by the tape in a coarse dtype, and by hand in float64 from the same rounded numbers."""

    dtype: str
    hand: Evaluation
    tape: Evaluation
    diff: GradientDiff

    @property
    def statuses(self) -> list[Status]:
        """Of dE/dW, from the lowest layer up."""
        return [self.diff[gradient_node(name)].status for name in self.tape.gradients if name.endswith("/kernel")]


def losing(data: Dataset, dtype: str, settings: Settings) -> Lost:
    """The sigmoid, small weights, and so many layers that the gradient runs below what a dtype holds."""
    mlp = deep_network(data.inputs, LOSING, "sigmoid")
    drawn = mlp.initialize(settings.seed, "normal(0.05)")
    coarse = {name: array.astype(dtype) for name, array in drawn.items()}
    x, y = data.images("train", BATCH).astype(dtype), data.one_hot("train", BATCH).astype(dtype)
    tape = backpropagate(to_keras(mlp, coarse, dtype), x, y, LOSS, settings.mode)
    fine = {name: array.astype(np.float64) for name, array in coarse.items()}
    hand = mlp.backpropagate(fine, x.astype(np.float64), y.astype(np.float64), LOSS)
    return Lost(dtype, hand, tape, compare(hand, tape.gradients))


def dtypes_part(lost: dict[str, Lost]) -> Part:
    """‖dE/dW‖ in each dtype, how far it is off, and the status of each layer."""
    frame = pd.DataFrame({"layer": range(1, LOSING + 2), "float64": norms(lost["float32"].hand)})
    for dtype, found in lost.items():
        frame[dtype] = norms(found.tape)
        frame[f"{dtype}: relative L2"] = _relative(found)
        frame[f"{dtype}: status"] = [status.name for status in found.statuses]
    rows = [(d, UNITS[d], SMALLEST[d], *_limits(found)) for d, found in lost.items()]
    summary = pd.DataFrame(rows, columns=LIMITS).astype({"the lowest of them": "Int64"})
    kept = dict(zip(summary["dtype"], summary["layers that are MATCH"], strict=True))
    return Part(
        "Which dtype loses it",
        paragraphs(f"""
            {LOSING} hidden layers with the sigmoid and weights from N(0, 0.05²). Weights and images are rounded to
            each dtype once; then the tape computes in it, and the derivation in float64 from the same numbers.

            float16 has few bits for the exponent: below 6e-5 it loses digits, below 6e-8 it is 0. bfloat16 has the
            range of float32 and 8 bits of mantissa: it goes down as far. Its error is at most
            {100 * _worst_within(lost["bfloat16"]):.2g} % of the gradient here (where ‖dE/dW‖ > {WITHIN:.0e}), but what
            its rounding may do over so many layers is about as large as the gradient. So between MATCH layers of
            bfloat16 others are VACUOUS, and with some weights all of them are. float32 loses the gradient only where
            it leaves the range. In float32 and bfloat16 TensorFlow flushes what is below the smallest normal number
            to 0; in float16 such numbers stay, with fewer digits.

            VACUOUS says of a row that both sides are zero, or that the gradient is lost in the noise of this dtype.
            It is not MATCH: there agreement would prove nothing. The verdict is still MATCH as long as other rows
            show something. The option --dtype is not used in this study.
        """),
        tables={
            "Where each dtype ends": Table(summary, LIMITS[:3]),
            NORMS: Table(frame, ("layer", "float64")),
        },
        comparisons={f"The tape in {dtype}": Comparison(found.diff, _expected(found)) for dtype, found in lost.items()},
        claims={
            "every dtype loses the lowest layer": all(s.statuses[0] is Status.VACUOUS for s in lost.values()),
            "float32 keeps more layers than float16": kept["float32"] > kept["float16"],
        },
        pictures={"Relative error of dE/dW by layer; hollow where it is VACUOUS": Picture((NORMS,), by_dtype)},
    )


def _relative(found: Lost) -> list[float]:
    """Of the exact gradient; 1 where nothing is left."""
    names = [name for name in found.tape.gradients if name.endswith("/kernel")]
    pairs = [(found.tape.gradients[name].astype(np.float64), found.hand.gradients[name]) for name in names]
    return [float(np.linalg.norm(coarse - exact) / np.linalg.norm(exact)) for coarse, exact in pairs]


def _worst_within(found: Lost) -> float:
    """The largest relative error of the layers that the range of bfloat16 holds."""
    pairs = zip(_relative(found), norms(found.hand), strict=True)
    return max(error for error, norm in pairs if norm > WITHIN)


def _limits(found: Lost) -> tuple[int, int | None, int]:
    kept = [layer for layer, status in enumerate(found.statuses, 1) if status is Status.MATCH]
    return len(kept), min(kept, default=None), sum(norm == 0 for norm in norms(found.tape))


def _expected(found: Lost) -> Status:
    """MATCH; of bfloat16 VACUOUS will do, too: there the noise is about as large as the gradient."""
    either = found.dtype == "bfloat16" and found.diff.verdict is Status.VACUOUS
    return Status.VACUOUS if either else Status.MATCH


def vacuous_part(found: Lost, mode: Mode) -> Part:
    """The lowest layers alone: right and wrong look alike, and VACUOUS says so."""
    problem = found.hand.problem
    fine = backpropagate(to_keras(problem.mlp, problem.parameters), problem.x, problem.y, LOSS, mode)
    right, reference = lowest(found.hand), lowest(found.tape)
    flipped = {node: -gradient for node, gradient in right.items()}
    noise = rounding_noise(found.tape.problem)
    return Part(
        "VACUOUS at work",
        paragraphs(f"""
            Only the lowest {BOTTOM} layers of that network, in float32. A check with a tolerance finds 0 equal to 0
            and is content: with the right gradient, and just as much with one of the opposite sign. Both are VACUOUS
            here, and exit codes say 2: nothing was proved. In float64 the same layers have a gradient to speak of,
            and the turned sign is found.
        """),
        comparisons={
            RIGHT: Comparison(compare(right, reference, noise=noise), Status.VACUOUS),
            FLIPPED: Comparison(compare(flipped, reference, noise=noise), Status.VACUOUS),
            FINE: Comparison(compare(flipped, lowest(fine), noise=rounding_noise(problem)), Status.DIFFERENT),
        },
        claims={
            "with atol=1e-8 a wrong sign would pass": all(
                bool(np.allclose(flipped[node], reference[node], atol=1e-8)) for node in right
            )
        },
    )


def lowest(evaluation: Evaluation) -> dict[str, Array]:
    """The gradients of the lowest few layers, by node."""
    layers = {layer.name for layer in evaluation.problem.mlp.layers[:BOTTOM]}
    found = evaluation.gradients.items()
    return {gradient_node(name): gradient for name, gradient in found if layer_of(name) in layers}
