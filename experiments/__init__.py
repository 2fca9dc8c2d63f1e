"""Runnable studies: the five articles, what they leave open, and what the tables of docs/measured are measured by.

This file imports nothing heavy: the command line lists the studies without loading them.
"""

from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
"""Where `python -m experiments…` finds this package, and not one of the user's."""


@dataclass(frozen=True)
class Entry:
    """One line of the list of studies."""

    module: str  # below `experiments`, with a function run(settings, progress) → Result
    line: str  # what it is about
    takes: tuple[str, ...] = ()  # which of the options that are not for everyone it takes
    in_all: bool = True  # whether `run all` runs it; otherwise it runs only when it is named


STUDIES: dict[str, Entry] = {
    "three_layer_network": Entry(
        "article_b_by_hand.study", "article B's worked 2-3-2-2 example, digit by digit and node by node"
    ),
    "tape_pitfalls": Entry(
        "article_d_pitfalls.study", "article D's mistakes with GradientTape, each beside its correction"
    ),
    "sine_regression": Entry(
        "article_a_sine.study", "article A's 1-5-5-5-1 network on sin(x), 50,000 steps checked by the tape"
    ),
    "who_is_wrong": Entry(
        "beyond.who_is_wrong",
        "one case of each status: wrong derivations, references that are off, what proves nothing",
    ),
    "mistake_gallery": Entry(
        "benchmarks.naming.gallery", "every known mistake, committed on purpose, and what it is named: a table"
    ),
    "mnist_batches": Entry(
        "article_b_images.study",
        "article B's image network: weights in a file, accuracy in batches, and what batches save",
        ("dataset", "data", "epochs", "weights"),
    ),
    "logic_gates": Entry(
        "article_c_gates.study",
        "article C's perceptrons: gates, a half adder, and XOR learned by both twins",
        ("epochs",),
    ),
    "stage_by_stage": Entry(
        "article_c_stages.study", "article C's 2-3-3-2 network drawn stage by stage, and its three slips named"
    ),
    "digit_network": Entry(
        "article_c_digits.study",
        "article C's 15 hidden units: digits learned, images compressed, numerical gradients timed",
        ("dataset", "data", "epochs"),
    ),
    "mnist_dropout": Entry(
        "article_e_dropout.study",
        "article E's dropout network: both twins on the same masks, and what its split is worth",
        ("dataset", "data", "epochs"),
    ),
    "vanishing_gradients": Entry(
        "beyond.vanishing.study",
        "where the gradient fades with depth, and which dtype loses it first",
        ("dataset", "data", "epochs"),
    ),
    "saturation": Entry(
        "beyond.saturation.study",
        "cross-entropy on probabilities and on logits as weights grow, and where Keras clips",
        ("dataset", "data", "epochs"),
    ),
    "noise_calibration": Entry(
        "benchmarks.calibration.study",
        "is the predicted rounding right? thousands of random correct networks against it",
        ("jobs",),
        in_all=False,
    ),
    "mistake_rates": Entry(
        "benchmarks.naming.rates",
        "how often a mistake is named rightly: independent wrong derivations on random nets",
        in_all=False,
    ),
    "lines": Entry(
        "benchmarks.lines.study",
        "does the verdict lead to the line? mistakes planted in many styles of code, and the fixes that are offered",
        takes=("jobs",),
        in_all=False,
    ),
    "speed": Entry(
        "benchmarks.speed.study", "how fast the manual engine is against TensorFlow, ratios in one run", in_all=False
    ),
    "detection": Entry(
        "benchmarks.detection.study",
        "who sees a wrong gradient and who accuses a right one, we and the peers on the same cases",
        in_all=False,
    ),
    "keras_coverage": Entry(
        "benchmarks.keras_coverage.study",
        "what of Keras can be checked: every name that it exports, on the smallest model that uses it",
        in_all=False,
    ),
}
"""Name → study, in the order of `run all`; a name is what the command line and `results/` call it."""

__all__ = ["STUDIES", "Entry"]
