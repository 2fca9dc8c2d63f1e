"""Article C's 2-3-3-2 network: each stage drawn with its equation, shapes and numbers, and its slips named."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from experiments.article_c_stages.article import ArticleSlip, article_weights, gradients, turned
from experiments.article_c_stages.pictures import draw_stage, numbers
from experiments.article_c_stages.stages import stages
from experiments.frame.study import Comparison, Part, Picture, Result, Settings, Table, paragraphs
from gradient_diff import GradientDiff, Status, compare, ledger
from keras_mlp import backpropagate, to_keras
from manual_mlp import MLP, Array, Dense, Evaluation

if TYPE_CHECKING:
    from rich.progress import Progress


NETWORK = MLP(2, [Dense(3, "sigmoid"), Dense(3, "sigmoid"), Dense(2, "sigmoid")])
LOSS = "quadratic_cost"
SAMPLES = 5  # of the batch on which the slips are shown; the first alone is drawn

ONE = "One sample, every node by both sides"
AGREED = "The article's derivation, its matrices turned"
CONVENTION = "The article's derivation with matrices of shape (n_out, n_in)"
SLIPS: dict[ArticleSlip, tuple[str, str, Status, str]] = {
    "sign": (
        "The sign trap",
        "δ as target − prediction",
        Status.MISMATCH,
        """
        The article writes δ^L = y − z, with y the target in one place and the prediction in another. Whoever takes
        the one formula with the other letters gets every gradient with the opposite sign, and climbs.
        """,
    ),
    "output_derivative_dropped": (
        "h′ left out at the output",
        "δ of the output without h′",
        Status.MISMATCH,
        """
        With the quadratic cost and a sigmoid at the output, δ^L = (z^L − y)/n ⊙ h′(a^L). The article leaves h′ out
        there. That is right for another cost, the cross-entropy, whose own derivative cancels h′: the data cannot
        tell the two apart, and the diagnosis names both.
        """,
    ),
    "wrong_input": (
        "The repeated index",
        "The formula of w² once more for w¹",
        Status.SHAPE,
        """
        The article's last formula gives ∂C/∂w² once more, from z² and δ³, where the gradient of the first layer
        belongs, from z¹ and δ². Here the shapes tell: w¹ is 3 × 2, and the formula gives 3 × 3. In a network of
        equal widths nothing would.
        """,
    ),
}


def run(settings: Settings, progress: Progress) -> Result:
    """The study."""
    parameters, x, y = numbers_of(settings)
    hand, tape = both(parameters, x[:1], y[:1], settings)
    reference = both(parameters, x, y, settings)[1]
    parts = (
        drawn_part(hand),
        nodes_part(hand, tape),
        convention_part(reference),
        *(slip_part(slip, reference) for slip in get_args(ArticleSlip)),
    )
    return Result("Article C: a 2-3-3-2 network, stage by stage", parts, {"evaluation": hand, "keras": tape})


def numbers_of(settings: Settings) -> tuple[dict[str, Array], Array, Array]:
    """Weights with one digit after the point, so that the drawings can be followed, and a few samples."""
    rng = np.random.default_rng(settings.seed)
    x, y = rng.uniform(0.1, 1, (SAMPLES, 2)).round(1), np.eye(2)[np.arange(SAMPLES) % 2]
    drawn = NETWORK.initialize(rng, "normal(0.7)", "normal(0.3)")
    parameters = {name: (array.round(1) + 0.0).astype(settings.dtype) for name, array in drawn.items()}  # no −0
    return parameters, x.astype(settings.dtype), y.astype(settings.dtype)


def both(parameters: dict[str, Array], x: Array, y: Array, settings: Settings) -> tuple[Evaluation, Evaluation]:
    """By hand and by the tape."""
    model = to_keras(NETWORK, parameters, settings.dtype)
    return NETWORK.backpropagate(parameters, x, y, LOSS), backpropagate(model, x, y, LOSS, settings.mode)


def drawn_part(hand: Evaluation) -> Part:
    """Every stage as a picture, and all of them as a table."""
    found = stages(NETWORK)
    book = {line.node: line for line in ledger(NETWORK, LOSS, hand.problem.batch)}
    rows = [
        (number, stage.title, "; ".join(stage.article), book[node].symbolic, book[node].shapes, _flat(hand.nodes[node]))
        for number, stage in enumerate(found, 1)
        for node in stage.nodes
    ]
    weights = pd.DataFrame(
        [(name, _flat(array)) for name, array in hand.problem.parameters.items()], columns=["name", "numbers"]
    )
    columns = ["stage", "what", "the article", "ours", "shapes", "numbers"]
    return Part(
        "Forward and back",
        paragraphs("""
            The network has 2 inputs, two hidden layers of 3 units and 2 outputs, with the sigmoid everywhere, and the
            cost is C = 1/(2n) Σ ‖y − z‖². The article numbers the input as layer 1: its w¹ leads from there to layer
            2, and its matrices are (n_out, n_in), w_jk from unit k to unit j. Ours are (n_in, n_out), and our dense_1
            is what leads to its layer 2.

            Each picture is one stage for one sample: blue is computed forward, red backward. Inside a unit stand its
            z and, once it is known, its δ. On lit edges stand the numbers that the stage uses, or, in a stage that
            gives a gradient, that gradient.
        """),
        tables={
            "The weights": Table(weights, tuple(weights.columns)),
            "The stages": Table(
                pd.DataFrame(rows, columns=columns), ("stage", "what", "the article", "ours", "shapes")
            ),
        },
        pictures={
            f"Stage {number}: {stage.title}": Picture(("evaluation",), partial(draw_stage, number=number - 1))
            for number, stage in enumerate(found, 1)
        },
    )


def nodes_part(hand: Evaluation, tape: Evaluation) -> Part:
    """What was drawn, against the tape."""
    text = "The numbers of the drawings, node by node against the tape, which starts from the same weights."
    return Part("Every node against Keras", (text,), comparisons={ONE: Comparison(compare(hand, tape))})


def _flat(array: Array) -> str:
    return " ".join(numbers(array).split())


def convention_part(reference: Evaluation) -> Part:
    """(n_out, n_in) is no mistake, and is said to be none."""
    problem = reference.problem
    plain = gradients(*article_weights(problem.parameters), problem.x, problem.y)
    as_written, as_ours = compare(plain, reference, layout="as given"), compare(turned(plain), reference)
    causes, undone = as_written.causes, compare(plain, reference)
    said = bool(causes) and causes[0].id == "convention_transposed" and causes[0].convention
    return Part(
        "Another convention",
        paragraphs(f"""
            From here on the article's derivation runs in its own letters, in plain NumPy, on {SAMPLES} samples. Its
            gradients are (n_out, n_in), the tape's (n_in, n_out). Compared as they are, shapes differ or, where a
            layer is square, values. The diagnosis must not call that a mistake: it is the other convention, kept in
            every layer. Turned round, they are the tape's. Without `layout="as given"` they are turned before values
            are judged, and it is said.
        """),
        tables={"What is said to (n_out, n_in)": Table(_said(as_written), ("verdict", "named", "a convention"))},
        comparisons={CONVENTION: Comparison(as_written, Status.SHAPE), AGREED: Comparison(as_ours)},
        claims={
            "(n_out, n_in) in every layer is called a convention, not a mistake": said,
            "it is undone before values are judged, where nobody forbids it": undone.ok
            and "(n_out, n_in)" in undone.remark,
        },
    )


def slip_part(slip: ArticleSlip, reference: Evaluation) -> Part:
    """One of the article's slips, made on purpose and named."""
    heading, caption, expected, text = SLIPS[slip]
    problem = reference.problem
    wrong = gradients(*article_weights(problem.parameters), problem.x, problem.y, slip)
    diff = compare(turned(wrong), reference)
    return Part(
        heading,
        paragraphs(text),
        tables={f"What is said to it: {slip}": Table(_said(diff), ("verdict", "named", "a convention"))},
        comparisons={caption: Comparison(diff, expected)},
        claims={f"{slip} is named first": bool(diff.causes) and diff.causes[0].id == slip},
    )


def _said(diff: GradientDiff) -> pd.DataFrame:
    rows = [
        (diff.verdict.name, cause.id, cause.layer or "every layer", "yes" if cause.convention else "no", cause.message)
        for cause in diff.causes
    ]
    return pd.DataFrame(rows, columns=["verdict", "named", "in", "a convention", "message"])
