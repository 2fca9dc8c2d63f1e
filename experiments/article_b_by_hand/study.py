"""Article B's worked 2-3-2-2 example: every printed digit, every node against Keras, and softmax with its cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.article_b_by_hand.pictures import network_with_numbers
from experiments.article_b_by_hand.softmax_parts import PRINTED, numbers, overflow, use
from experiments.frame.study import Comparison, Part, Picture, Result, Settings, Table, paragraphs
from experiments.support.error_text import error_text
from gradient_diff import compare
from keras_mlp import backpropagate, to_keras
from manual_mlp import MLP, Array, Dense, Evaluation, softmax

if TYPE_CHECKING:
    from rich.progress import Progress


PARAMETERS = {
    "dense_1/kernel": np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]),
    "dense_1/bias": np.array([0.1, 0.2, 0.3]),
    "dense_2/kernel": np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]),
    "dense_2/bias": np.array([0.1, 0.2]),
    "dense_3/kernel": np.array([[0.1, 0.3], [0.2, 0.4]]),
    "dense_3/bias": np.array([0.1, 0.2]),
}
X = np.array([1.0, 0.5])  # 1-D, as the article has it
Y = np.array([[0.0, 1.0]])  # ours, the article has none: a target for a regression, and class 1 as one-hot

PRINTED_NODES = {
    "u of layer 1": ("dense_1/u", "[0.3 0.7 1.1]"),
    "z of layer 1": ("dense_1/z", "[0.57444252 0.66818777 0.75026011]"),
    "z of layer 2": ("dense_2/z", "[0.62624937 0.7710107 ]"),
    "y": ("dense_3/z", "[0.31682708 0.69627909]"),
}
DIGITS = "every digit that the article prints is reproduced"
IDENTITY = "identity output, half_sum_squared_error"
KERAS_MSE = "identity output, mean_squared_error"
SOFTMAX = "softmax output, categorical_crossentropy"


def run(settings: Settings, progress: Progress) -> Result:
    """The study."""
    identity, by_keras = evaluations("linear", "half_sum_squared_error", settings)
    parts = (
        digits_part(),
        single_sample_part(),
        gradients_part(identity, by_keras, settings),
        overflow(),
        use(settings.seed),
    )
    saved = {"evaluation": identity, "keras": by_keras}
    return Result("Article B: a 2-3-2-2 network, worked through", parts, saved)


def three_layer_network(output: str) -> MLP:
    """The article's network."""
    return MLP(2, [Dense(3, "sigmoid"), Dense(2, "sigmoid"), Dense(2, output)])


def evaluations(output: str, loss: str, settings: Settings) -> tuple[Evaluation, Evaluation]:
    """By hand and by the tape, from the same parameters."""
    mlp = three_layer_network(output)
    parameters = {name: array.astype(settings.dtype) for name, array in PARAMETERS.items()}
    hand = mlp.backpropagate(parameters, X[None, :], Y, loss)
    model = to_keras(mlp, parameters, settings.dtype)
    return hand, backpropagate(model, hand.problem.x, hand.problem.y, loss, settings.mode)


def printed(array: Array) -> str:
    """An array as NumPy prints it: eight digits after the point, trailing zeros left out."""
    return np.array2string(array, precision=8, floatmode="maxprec", suppress_small=False)


def digits_part() -> Part:
    """Each array that the article prints, beside ours."""
    nodes = three_layer_network("linear").forward(PARAMETERS, X[None, :])
    rows = [(name, text, printed(nodes[node][0])) for name, (node, text) in PRINTED_NODES.items()]
    rows += [(f"softmax of {u}", text, printed(softmax(np.array(numbers(u))))) for u, text in PRINTED.items()]
    frame = pd.DataFrame(rows, columns=["quantity", "article", "ours"])
    frame["equal"] = np.where(frame["article"] == frame["ours"], "yes", "no")
    return Part(
        "The forward pass, digit by digit",
        paragraphs(
            """
            The network has 2 inputs, hidden layers of 3 and 2 units with the sigmoid, and 2 outputs
            with the identity. Each layer computes u = z_prev W + b and z = f(u).

            Here everything is float64, as in the article. Two arrays count as equal if NumPy prints
            them alike.
            """
        ),
        tables={"printed numbers": Table(frame, ("quantity", "article", "ours", "equal"))},
        claims={DIGITS: bool((frame["article"] == frame["ours"]).all())},
    )


def single_sample_part() -> Part:
    """What each side says to the article's 1-D x."""
    mlp = three_layer_network("linear")
    ours = error_text(lambda: mlp.forward(PARAMETERS, X))
    theirs = error_text(lambda: to_keras(mlp, PARAMETERS)(X))
    frame = pd.DataFrame({"call": ["mlp.forward(parameters, x)", "model(x) in Keras"], "what it says": [ours, theirs]})
    return Part(
        "One sample is a batch of one",
        paragraphs(
            """
            The article's x is 1-D, [1, 0.5]. NumPy's dot product takes it, and the same code then works
            for a batch, too. But the gradient does not: dE/dW = z_prevᵀ δ needs two matrices, and the
            transpose of a 1-D array is itself. So x is (N, n_0) here, and a single sample is x[None,
            :], of shape (1, 2).
            """
        ),
        tables={"x of shape (2,)": Table(frame)},
        claims={"our error for a 1-D x names the cure, x[None, :]": "x[None, :]" in ours},
    )


def gradients_part(hand: Evaluation, tape: Evaluation, settings: Settings) -> Part:
    """Both outputs, node by node against Keras."""
    pairs = {
        IDENTITY: (hand, tape),
        KERAS_MSE: evaluations("linear", "mean_squared_error", settings),
        SOFTMAX: evaluations("softmax", "categorical_crossentropy", settings),
    }
    rows = [(caption, h.problem.loss.formula, h.loss, t.loss) for caption, (h, t) in pairs.items()]
    losses = pd.DataFrame(rows, columns=["case", "formula", "E by hand", "E by Keras"])
    same = pairs[KERAS_MSE][0].gradients
    return Part(
        "Every node against Keras",
        paragraphs(
            """
            The article stops at the forward pass. To go back, we take the target [0, 1]: it suits a
            regression, and as one-hot it is class 1.

            For a regression the output is the identity, and its δ is y_pred − y. For classes it is
            softmax with cross-entropy. Keras computes these two in one step, and so do we: δ =
            softmax(u) − y. There is no dE/dz of the last layer then.

            With one sample and two outputs 1/(N·K) is ½, so here mean_squared_error is
            half_sum_squared_error. With any other N·K it is not.
            """
        ),
        tables={"losses": Table(losses, tuple(losses.columns))},
        comparisons={caption: Comparison(compare(h, t)) for caption, (h, t) in pairs.items()},
        claims={
            "here, and by chance, mean_squared_error and half_sum_squared_error have the same gradient": all(
                np.array_equal(gradient, same[name]) for name, gradient in hand.gradients.items()
            )
        },
        pictures={"the network with its numbers (identity output)": Picture(("evaluation",), network_with_numbers)},
    )
