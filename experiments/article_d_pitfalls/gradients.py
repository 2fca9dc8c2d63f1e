"""Article D's wrong gradients: of the output, of other targets, of another loss, through other weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from experiments.article_d_pitfalls.bench import RATE, Bench, against_tape, by_tape, cross_entropy, layer_by_layer
from experiments.article_d_pitfalls.pictures import delta_ratio
from experiments.frame.study import Part, Picture, Table, paragraphs
from manual_mlp import Array, Evaluation
from manual_mlp.extend import evaluate

OUTPUT = "gradient of the output, not of E"
BEFORE = "targets overwritten before the tape"
INSIDE = "targets overwritten inside the tape"
OTHER_LOSS = "the derivative of MSE under cross-entropy"
UPDATED = "δ sent through updated weights"
RATES = (1.0, 0.1, 0.01, 0.001)


def output_not_loss(article: Bench) -> Part:
    """tape.gradient(ys, w): E does not occur in it."""
    _, gradients = by_tape(article.model, lambda: article.model(article.x))
    comparison = against_tape(article, gradients, "tape.gradient(ys, w)")
    started = _from_output(article, np.ones_like(article.y))
    return Part(
        "tape.gradient(ys, w) is not dE/dW",
        paragraphs(
            """
            The post calls tape.gradient(ys, w) with ys the output of the model. That is dy/dW, summed
            over the samples: it says how the output moves, not how the error does. The targets do not
            occur in it, so nothing can be learnt from it.

            Right: compute E = binary_crossentropy(y, model(x)) inside the tape, and call
            tape.gradient(E, w).

            The wrong one is the same backpropagation, started from dE/dy = 1 instead of the derivative
            of E. All samples push the same way then, and nothing divides by N.
            """
        ),
        tables={"dE/dW beside what tape.gradient(ys, w) gives": layer_by_layer(comparison.diff)},
        comparisons={OUTPUT: comparison},
        claims={"our derivation started from dE/dy = 1 gives tape.gradient(ys, w)": _alike(started, gradients)},
    )


def _from_output(article: Bench, dE_dy: Array) -> dict[str, Array]:
    """The backward half of the derivation, from a given dE/dy."""
    problem = replace(article.hand.problem, fused=False)
    return _backward(replace(article.hand, problem=problem), "dense_2/dE_dz", {"dense_2/dE_dz": dE_dy})


def _backward(hand: Evaluation, after: str, changed: dict[str, Array]) -> dict[str, Array]:
    """Gradients by the equations that follow one node, with some of their operands changed."""
    problem = hand.problem
    start = [e.node for e in problem.equations].index(after) + 1
    nodes = evaluate(problem.equations[start:], {**problem.environment, **hand.nodes, **changed})
    return replace(hand, nodes={**hand.nodes, **nodes}).gradients


def _alike(a: dict[str, Array], b: dict[str, Array]) -> bool:
    return all(np.linalg.norm(a[n] - b[n]) <= 1e-5 * np.linalg.norm(b[n]) for n in b)


def overwritten(article: Bench) -> Part:
    """ys = model(xs), and then E of ys."""
    model, x = article.model, article.x
    ys = model(x)
    loss, before = by_tape(model, lambda: cross_entropy(ys, model(x)))
    _, inside = by_tape(model, lambda: _own_entropy(model(x)))
    cases = {"y, the targets": article.tape.gradients, "ys, made before the tape": before, "ys, made inside it": inside}
    losses = (article.tape.loss, loss, loss)
    frame = pd.DataFrame({"E computed with": list(cases), "E": losses})
    for name in before:
        column = name.replace("/kernel", " ‖dE/dW‖").replace("/bias", " ‖dE/db‖")
        frame[column] = [float(np.linalg.norm(gradients[name])) for gradients in cases.values()]
    largest = max(float(np.abs(g).max()) for g in before.values())
    return Part(
        "ys = model(xs) overwrites the targets",
        paragraphs(
            """
            xs and ys are the data. The line ys = model(xs) puts the predictions in place of the
            targets, and the error is then that of the predictions against themselves.

            With cross-entropy this E is not even 0: it is the entropy of the predictions. If the line
            stands before the tape, δ = (p − p)/N = 0, and nothing is learnt. If it stands inside, the
            tape also differentiates the targets: descending that E makes each prediction more certain
            of itself, whatever the data say.

            Right: predictions get a name of their own, y_pred = model(x).
            """
        ),
        tables={"what becomes of E and its gradient": Table(frame, ("E computed with", "E"))},
        comparisons={
            BEFORE: against_tape(article, before, "targets = model(x), before the tape"),
            INSIDE: against_tape(article, inside, "targets = model(x), inside the tape"),
        },
        claims={"with targets overwritten before the tape, the gradient is zero but for rounding": largest < 1e-6},
    )


def _own_entropy(y_pred: Any) -> Any:
    return cross_entropy(y_pred, y_pred)


def other_loss(article: Bench) -> Part:
    """dE/do said to be that of MSE, in a model compiled with binary cross-entropy."""
    wrong = article.mlp.backpropagate(article.parameters, article.x, article.y, "mean_squared_error")
    comparison = against_tape(article, wrong.gradients, "by hand, with mean_squared_error")
    p = article.hand.nodes["dense_2/z"]
    factor = wrong.nodes["dense_2/dE_du"] / article.hand.nodes["dense_2/dE_du"]
    by_its_own = bool(np.allclose(factor, 2 * p * (1 - p), rtol=1e-4))
    return Part(
        "The derivative of MSE under cross-entropy",
        paragraphs(
            """
            The post says that dE/do is the same as for the mean squared error, but the model is
            compiled with binary cross-entropy.

            For MSE, δ = 2(p − y)/N · p(1 − p). For cross-entropy p(1 − p) cancels, and δ = (p − y)/N. So every
            sample is off by its own factor 2p(1 − p), which is ½ for p = ½ and near 0 where the network is certain,
            also where it is wrong.

            Before training every p is near ½. So here only the length of the gradient is off, by about a half, and
            its direction is nearly right: a cosine near 1 proves little. Once the network is certain of some samples
            the direction is off, too, and no learning rate makes up for it.
            """
        ),
        tables={"cross-entropy's gradient beside MSE's": layer_by_layer(comparison.diff)},
        comparisons={OTHER_LOSS: comparison},
        claims={"each sample's δ is off by the factor 2p(1 − p)": by_its_own},
        pictures={
            "δ of MSE over δ of cross-entropy, sample by sample": Picture(
                ("evaluation", "mean_squared_error"), delta_ratio
            )
        },
    )


def updated_weights(article: Bench) -> Part:
    """Each layer updated before δ is sent through it, as in article A."""
    wrong = {rate: _through_updated(article, rate) for rate in RATES}
    comparison = against_tape(article, wrong[RATE], f"by hand, W of dense_2 updated first, lr {RATE}")
    right, kernel = article.hand.gradients, article.parameters["dense_2/kernel"]
    step = float(np.linalg.norm(right["dense_2/kernel"]) / np.linalg.norm(kernel))
    rows = [(rate, _distance(wrong[rate], right, "dense_1/kernel"), rate * step) for rate in RATES]
    columns = ["lr", "relative L2 of dE/dW of dense_1", "lr ‖dE/dW‖ / ‖W‖ of dense_2"]
    frame = pd.DataFrame(rows, columns=columns)
    in_step = bool(np.allclose(frame[columns[1]], frame[columns[2]], rtol=1e-2))
    return Part(
        "Layer by layer, with weights already changed",
        paragraphs(
            """
            The post updates dense_2 and then sends δ back through it. But dE/dz_prev = δ Wᵀ needs the W
            that the forward pass used. With W − lr dE/dW in its place, dense_2 is right and everything
            below it is off.

            The error shrinks with the learning rate, so training still works and nobody notices. At
            lr = 0.01 a tolerance of 1e-2 lets it through. Right: compute all gradients first, then update.
            """
        ),
        tables={"how far off dense_1 is": Table(frame, tuple(columns))},
        comparisons={UPDATED: comparison},
        claims={"the error is proportional to the learning rate": in_step},
    )


def _through_updated(article: Bench, rate: float) -> dict[str, Array]:
    kernel = article.parameters["dense_2/kernel"]
    updated = kernel - kernel.dtype.type(rate) * article.hand.gradients["dense_2/kernel"]
    return _backward(article.hand, "dense_2/dE_dbias", {"dense_2/kernel": updated})


def _distance(wrong: dict[str, Array], right: dict[str, Array], name: str) -> float:
    return float(np.linalg.norm(wrong[name] - right[name]) / np.linalg.norm(right[name]))


WRONG_GRADIENTS: tuple[Callable[[Bench], Part], ...] = (output_not_loss, overwritten, other_loss, updated_weights)
