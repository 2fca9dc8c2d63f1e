"""Another forward pass of which a hand may be the gradient: other data, or other weights, than the model's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from gradient_diff.keras.gradients.another.variations import Hand, Variation, first_that_fits
from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.objective import Objective
from gradient_diff.keras.gradients.runs import Case
from gradient_diff.result.findings import Cause
from keras_mlp.extend import layer_weights
from manual_mlp import Array
from manual_mlp.extend import Arrays

RATES = (1.0, 0.5, 0.1, 0.05, 0.01, 0.005, 0.001, 1e-4)  # of a step that may already have been taken


def another_forward(hand: Hand, objective: Objective) -> Cause | None:
    """The first other data or weights at which the hand is the gradient, within rounding."""
    groups = (_without_bias, _other_data, _other_order, partial(_other_weights, hand))
    return first_that_fits(hand, [partial(group, objective) for group in groups])


def exchanged(hand: Hand, objective: Objective, after: Arrays) -> Cause | None:
    """A step uphill from `after` is a step downhill to it: the two sets of weights were given in each other's place."""
    start = zip(layer_weights(objective.model), _weights(objective), strict=True)
    found = hand.gradients(objective, Case(objective.data, [after.get(n, a) for n, a in start]))
    if found is None or not hand.fits(found, -1.0):
        return None
    cure = "Pass the weights before the step as before= and those after it as after=."
    message = f"before and after are exchanged: read the other way round, every gradient matches. {cure}"
    equations = "W_before = W_after − lr dE/dW", "W_after = W_before − lr dE/dW"
    title = "before and after are exchanged"
    return Cause("sign", "", message, *equations, float("nan"), title=title, cure=cure)


def _without_bias(e: Objective) -> Iterator[Variation]:
    names = list(layer_weights(e.model))
    start = _weights(e)
    for i, name in enumerate(names):
        if name.endswith("bias") and np.any(start[i]):
            weights = [0 * a if k == i else a for k, a in enumerate(start)]
            words = f"a network whose {name.rpartition('/')[0]} has no bias"
            yield Variation("bias_left_out", words, "Add b to u = x W + b.", e, Case(e.data, weights))


def _weights(e: Objective) -> list[Array]:
    return [w.numpy() for w in layer_weights(e.model).values()]


def _other_data(e: Objective) -> Iterator[Variation]:
    """x scaled in one of the usual ways."""
    if not isinstance(e.data.x, np.ndarray) or e.data.x.dtype.kind not in "fiu":
        return
    x = np.asarray(e.data.x, np.float64)
    with np.errstate(all="ignore"):
        scaled = {
            "x/255": x / 255,
            "255 x": 255 * x,
            "x standardised by column": (x - x.mean(0)) / x.std(0),
            "x standardised as a whole": (x - x.mean()) / x.std(),
            "x brought to 0 … 1 by column": (x - x.min(0)) / (x.max(0) - x.min(0)),
            "x brought to 0 … 1 as a whole": (x - x.min()) / (x.max() - x.min()),
            "x without its mean": x - x.mean(0),
        }
    for words, other in scaled.items():
        if np.isfinite(other).all():
            yield _on(
                e, "other_input", words, "Give both sides the same x.", Data(other, e.data.y, e.data.sample_weight)
            )


def _on(e: Objective, id: str, words: str, cure: str, data: Data) -> Variation:  # noqa: A002  (as the record calls it)
    return Variation(id, words, cure, e, Case(data))


def _other_order(e: Objective) -> Iterator[Variation]:
    """The rows of x beside those of other samples' y."""
    n = e.data.batch
    if not e.data.can_be_ordered or not isinstance(e.data.x, np.ndarray):
        return
    orders = {"turned round": np.arange(n)[::-1], "moved on by one": np.roll(np.arange(n), 1)}
    for words, order in {**orders, "moved back by one": np.roll(np.arange(n), -1)}.items():
        data = Data(e.data.x[order], e.data.y, e.data.sample_weight)
        yield _on(e, "other_order", f"x whose rows are {words}, y's being as they were", "Shuffle both alike.", data)


def _other_weights(hand: Hand, e: Objective) -> Iterator[Variation]:
    """The weights after a step, or rounded."""
    start, names = _weights(e), list(layer_weights(e.model))
    for rate in RATES:
        after = [a - rate * hand.right[n] if n in hand.right else a for n, a in zip(names, start, strict=True)]
        words = f"the weights after a step of learning rate {rate:g}"
        yield Variation("other_weights", words, "Take every gradient before any update.", e, Case(e.data, after))
    for dtype in ("float32", "float16"):
        rounded = [a.astype(dtype).astype(a.dtype) for a in start]
        words = f"weights rounded to {dtype}"
        yield Variation("other_weights", words, "Give both sides the same weights.", e, Case(e.data, rounded))
