"""Another E of which a hand may be the gradient: another setting, number, activation or loss than the model's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradient_diff.keras.gradients.loss_arguments import ResolvedLoss, resolve_loss
from gradient_diff.keras.gradients.objective import Objective
from gradient_diff.keras.gradients.variations import Hand, Variation, first_that_fits
from gradient_diff.result.findings import Cause
from keras_mlp.extend import layers_of
from manual_mlp.extend import Arrays

LOSSES = """
    mean_squared_error mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error huber log_cosh
    poisson kl_divergence hinge squared_hinge categorical_hinge cosine_similarity binary_crossentropy
    categorical_crossentropy sparse_categorical_crossentropy binary_focal_crossentropy categorical_focal_crossentropy
"""
SLOPES = (0.01, 0.1, 0.2, 0.3)
NAMES = """
    linear relu sigmoid tanh softmax elu selu softplus silu softsign hard_sigmoid mish exponential
"""
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    **{name: keras.activations.get(name) for name in NAMES.split()},
    "gelu with tanh": lambda u: tf.nn.gelu(u, approximate=True),
    "gelu with erf": lambda u: tf.nn.gelu(u, approximate=False),
    **{f"leaky ReLU of slope {a:g}": partial(tf.nn.leaky_relu, alpha=a) for a in SLOPES},
    "softmax over the batch": lambda u: tf.nn.softmax(u, axis=0),
    "softmax over all entries": lambda u: tf.reshape(tf.nn.softmax(tf.reshape(u, [-1])), tf.shape(u)),
    "softmax twice": lambda u: tf.nn.softmax(tf.nn.softmax(u)),
}


def another_e(hand: Hand, objective: Objective) -> Cause | None:
    """The first other E whose gradient the hand is, within rounding."""
    if objective.loss.stepped or objective.loss.own is not None:
        return None
    penalties = hand.measured.first.penalties
    groups = [partial(_switches, objective, penalties), partial(_activations, objective), partial(_losses, objective)]
    return (
        first_that_fits(hand, groups[:1])
        or _solved_penalty(hand, objective, penalties)
        or _solved_smoothing(hand, objective)
        or first_that_fits(hand, groups[1:])
    )


def _switches(e: Objective, penalties: int) -> Iterator[Variation]:
    n = e.data.batch
    if penalties:
        cure = "Add what model.losses holds: compute_loss does."
        yield Variation(
            "penalty_missing", "the loss alone, without its penalties", cure, _parts(e, 1.0, *[0.0] * penalties)
        )
    if e.data.sample_weight is not None:
        plain = replace(e, data=replace(e.data, sample_weight=None))
        yield Variation("sample_weight_missing", "unweighted samples", "Multiply each sample's δ by its weight.", plain)
        if isinstance(e.data.sample_weight, np.ndarray) and (total := float(e.data.sample_weight.sum())):
            shared = replace(e.data, sample_weight=e.data.sample_weight * (n / total))
            cure = "Keras divides by N, and not by the sum of the weights."
            yield Variation("sample_weight_mean", "a mean over the weights, 1/Σw", cure, replace(e, data=shared))
    for flipped in _other_logits(e):
        words = "outputs taken for logits" if flipped[0] else "outputs taken for probabilities"
        cure = f"The loss was given with from_logits={not flipped[0]}."
        yield Variation("from_logits", words, cure, replace(e, loss=flipped[1]))
    yield Variation(
        "stop_gradient",
        "E with nothing held back: the model holds a part back by stop_gradient, on purpose",
        "Take that part for a constant.",
        e,
        changed=_without_stop_gradient,
    )


def _parts(e: Objective, *parts: float) -> Objective:
    return replace(e, parts=parts)


def _other_logits(e: Objective) -> Iterator[tuple[bool, ResolvedLoss]]:
    """The same cross-entropy of logits for of probabilities, or the other way round."""
    found = _cross_entropy(e)
    if found is not None:
        function, logits = found
        yield not logits, _of_function(function, e, from_logits=not logits)


def _cross_entropy(e: Objective) -> tuple[Callable[..., Any], bool] | None:
    """Keras's function for the loss, and whether it takes logits; None for what is no cross-entropy."""
    function = getattr(keras.losses, e.loss.function, None) if e.loss.function else None
    if function is None or "from_logits" not in inspect.signature(function).parameters:
        return None
    return function, e.loss.from_logits


def _of_function(function: Callable[..., Any], e: Objective, **options: Any) -> ResolvedLoss:
    return resolve_loss(partial(function, **options), e.model)


@contextmanager
def _without_stop_gradient() -> Iterator[None]:
    held = tf.stop_gradient
    tf.stop_gradient = lambda x, name=None: tf.identity(x, name)
    try:
        yield
    finally:
        tf.stop_gradient = held


def _solved_penalty(hand: Hand, e: Objective, penalties: int) -> Cause | None:
    """One of the penalties another number of times than once."""
    for i in range(penalties):
        parts = [1.0] * (1 + penalties)
        parts[1 + i] = 0.0
        without = hand.gradients(Variation("", "", "", _parts(e, *parts)))
        times = None if without is None else _solved(hand, without, hand.right)
        if times is not None:
            words = f"a penalty {times:.4g} times" if abs(times) > SOLVED else "E without one of its penalties"
            which = f"It is the {_ordinal(i)} of model.losses; E has it once."
            return _told("penalty_factor" if abs(times) > SOLVED else "penalty_missing", words, which)
    return None


SOLVED = 1e-3  # a number that is solved for and is smaller is none


def _solved(hand: Hand, start: Arrays, end: Arrays) -> float | None:
    """The t of hand = start + t (end − start): the same from any of the arrays, and fitting all of them."""
    ways = {n: np.asarray(end[n], np.float64) - start[n] for n in hand.mine if n in start}
    moved = [n for n, way in ways.items() if (np.abs(way) > hand.limit[n]).any()]
    if not moved or any(hand.mine[n].shape != start[n].shape for n in ways):
        return None
    largest = max(moved, key=lambda n: float(np.square(ways[n]).sum() / np.square(hand.limit[n]).sum()))
    off = np.asarray(hand.mine[largest], np.float64) - start[largest]
    t = float(np.vdot(ways[largest], off) / np.vdot(ways[largest], ways[largest]))
    found = {n: start[n] + t * way for n, way in ways.items()}
    enough = sum(ways[n].size for n in moved) > 2  # one number fits one entry, whatever it is
    return t if enough and abs(t - 1) > SOLVED and hand.fits(found) else None


def _solved_smoothing(hand: Hand, e: Objective) -> Cause | None:
    """Labels smoothed by some α, where E has others: E is linear in the labels."""
    found = _cross_entropy(e)
    if found is None or "label_smoothing" not in inspect.signature(found[0]).parameters:
        return None
    ends = [_of_function(found[0], e, from_logits=found[1], label_smoothing=alpha) for alpha in (0.0, 1.0)]
    plain, smooth = (hand.gradients(Variation("", "", "", replace(e, loss=end))) for end in ends)
    alpha = None if plain is None or smooth is None else _solved(hand, plain, smooth)
    if alpha is None or not -SOLVED < alpha < 1:
        return None
    words = f"labels smoothed by {alpha:.4g}" if alpha > SOLVED else "labels that are not smoothed"
    return _told("label_smoothing", words, "Use the labels of the loss that was given.")


def _activations(e: Objective) -> Iterator[Variation]:
    """One layer with another activation, or with none."""
    for layer in layers_of(e.model):
        if not callable(getattr(layer, "activation", None)) or isinstance(layer, keras.Model):
            continue
        for name, function in ACTIVATIONS.items():
            words = f"{name} at {layer.name}" if name != "linear" else f"a {layer.name} without its activation"
            cure = f"The model has {_name_of(layer.activation)} there."
            yield Variation("other_activation", words, cure, e, changed=partial(_activated, layer, function))


def _name_of(activation: Any) -> str:
    return str(getattr(activation, "__name__", type(activation).__name__))


@contextmanager
def _activated(layer: Any, function: Callable[[Any], Any]) -> Iterator[None]:
    before = layer.activation
    object.__setattr__(layer, "activation", function)  # past Keras, which would track it
    try:
        yield
    finally:
        object.__setattr__(layer, "activation", before)


def _losses(e: Objective) -> Iterator[Variation]:
    n = e.data.batch
    times = ((0.5, "half of it"), (2.0, "twice"), (float(n), "N times"), (n / 2, "N/2 times"), (1 / n, "1/N of it"))
    for name in LOSSES.split():
        for logits in _readings(name):
            loss = resolve_loss(partial(getattr(keras.losses, name), **logits), e.model)
            words = name.replace("_", " ") + (" of logits" if logits.get("from_logits") else "")
            cure = f"The loss that was given is {e.loss.words}."
            yield Variation("other_loss", words, cure, replace(e, loss=loss), times=times)


def _readings(name: str) -> Iterator[dict[str, bool]]:
    takes = "from_logits" in inspect.signature(getattr(keras.losses, name)).parameters
    yield from ({"from_logits": False}, {"from_logits": True}) if takes else ({},)


def _ordinal(i: int) -> str:
    return ("first", "second", "third", "fourth")[i] if i < 4 else f"{i + 1}th"


def _told(id: str, words: str, cure: str) -> Cause:  # noqa: A002  (as the record calls it)
    title = f"your gradients are those of {words}"
    return Cause(id, "", f"{title}. {cure}", words, "E as given", 0.0, title=title)
