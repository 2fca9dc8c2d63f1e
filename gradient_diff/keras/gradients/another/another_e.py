"""Another E of which a hand may be the gradient: another setting, number, activation or loss than the model's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradient_diff.keras.gradients.another.activations import activations
from gradient_diff.keras.gradients.another.hidden_weights import hidden_weights
from gradient_diff.keras.gradients.another.losses import as_it_is_called, cross_entropy, losses, of_function
from gradient_diff.keras.gradients.another.occurrences import one_occurrence
from gradient_diff.keras.gradients.another.solved import solved
from gradient_diff.keras.gradients.another.variations import Hand, Variation, first_that_fits
from gradient_diff.keras.gradients.loss.resolving import resolve_loss
from gradient_diff.keras.gradients.objective import Objective
from gradient_diff.result.findings import Cause
from keras_mlp.extend import layers_of


def another_e(hand: Hand, e: Objective) -> Cause | None:
    """The first other E whose gradient the hand is, within rounding."""
    if e.loss.stepped or e.loss.own is not None:  # only the model knows its E: none of it can be set otherwise
        return first_that_fits(hand, [partial(activations, e)])
    return (
        first_that_fits(hand, [partial(_switches, e)])
        or solved(hand, e)
        or first_that_fits(hand, [partial(activations, e), partial(losses, hand.measured.sizes, e)])
    )


def derivative_proper(hand: Hand, e: Objective) -> Cause | None:
    """That of an E which TensorFlow does not differentiate as it stands: its reference is the one that is off."""
    if e.loss.stepped or e.loss.own is not None:
        return first_that_fits(hand, [partial(_nothing_held_back, e)])
    return first_that_fits(hand, [partial(_labels_as_they_are, e), partial(_nothing_held_back, e)])


def _switches(e: Objective) -> Iterator[Variation]:
    yield from _without_penalties(e)
    yield from _without_weights_of_samples(e)
    yield from _other_logits(e)
    yield from _labels_as_they_are(e)
    yield from _nothing_held_back(e)
    yield from one_occurrence(e)


def _without_penalties(e: Objective) -> Iterator[Variation]:
    if count := e.penalties:
        alone = replace(e, parts=(1.0, *[0.0] * count))
        cure = "Add what model.losses holds: compute_loss does."
        yield Variation("penalty_missing", "the loss alone, without its penalties", cure, alone)


BY_ITS_WEIGHT = "Multiply each sample's δ by its weight."


def _without_weights_of_samples(e: Objective) -> Iterator[Variation]:
    if e.data.sample_weight is not None:
        plain = replace(e, data=replace(e.data, sample_weight=None))
        yield Variation("sample_weight_missing", "unweighted samples", BY_ITS_WEIGHT, plain)
    elif (hidden := hidden_weights(e)) is not None:
        plain = replace(e, loss=resolve_loss(hidden[0], e.model))
        yield Variation("sample_weight_missing", "unweighted samples", BY_ITS_WEIGHT, plain)


def _other_logits(e: Objective) -> Iterator[Variation]:
    """The same cross-entropy of logits for of probabilities, or the other way round."""
    if (found := cross_entropy(e)) is None:
        return
    function, logits = found
    words = "outputs taken for probabilities" if logits else "outputs taken for logits"
    other = replace(e, loss=of_function(function, e, from_logits=not logits))
    yield Variation("from_logits", words, f"The loss was given with from_logits={logits}.", other)
    hidden = replace(e, loss=resolve_loss(_past_no_activation(function), e.model))
    cure = "Keras takes the u below the last activation for logits, whatever that activation is."
    yield Variation("from_logits", f"{as_it_is_called(e.loss.function)} of the outputs themselves", cure, hidden)


def _past_no_activation(function: Any) -> Any:
    """A loss that does not see the logits which Keras hides in an output."""
    return lambda y, p: function(y, tf.identity(p))


def _labels_as_they_are(e: Objective) -> Iterator[Variation]:
    """−Σ y log p, whatever y and p sum to; and p − y, which takes both for 1."""
    smoothed = e.loss.options.get("label_smoothing")
    if e.loss.function != "categorical_crossentropy" or smoothed or not isinstance(e.data.y, np.ndarray):
        return
    logits, of_one = e.loss.from_logits, np.allclose(e.data.y.sum(-1), 1)
    if of_one:
        words, cure = "outputs that are not divided by their sum, δ = −y/p", "Keras divides p by Σ_k p first."
    else:
        words = "E as it stands, with labels whose sum is not 1: δ = p Σy − y"
        cure = "TensorFlow's fused operation takes Σy for 1 and gives p − y."
    yield Variation("labels_sum", words, cure, replace(e, loss=resolve_loss(partial(_plainly, logits), e.model)))
    if not of_one:
        words, cure = "labels whose sum is 1, δ = p − y", "Of these labels E has δ = p Σy − y."
        yield Variation("labels_sum", words, cure, replace(e, loss=resolve_loss(_fused, e.model)))


def _plainly(logits: bool, y: Any, p: Any) -> Any:
    y = tf.cast(y, p.dtype)
    return -tf.reduce_sum(y * (tf.nn.log_softmax(p) if logits else tf.math.log(tf.identity(p))), -1)


def _fused(y: Any, p: Any) -> Any:
    return tf.nn.softmax_cross_entropy_with_logits(tf.cast(y, p.dtype), getattr(p, "_keras_logits", p))


def _nothing_held_back(e: Objective) -> Iterator[Variation]:
    words = "E with nothing held back: the model holds a part of it back by stop_gradient, on purpose"
    cure = "Take that part for a constant."
    yield Variation("stop_gradient", words, cure, e, changed=_without_stop_gradient)
    for layer in layers_of(e.model):
        if isinstance(layer, keras.layers.SpectralNormalization):
            words, cure = (
                f"E through the σ of {layer.name}, which the layer holds back on purpose",
                "Take σ for a constant.",
            )
            yield Variation("stop_gradient", words, cure, e, changed=partial(_through_sigma, layer))
            words = f"{words}, and through its u and v"
            yield Variation("stop_gradient", words, cure, e, changed=partial(_through_all_of_sigma, layer))


@contextmanager
def _without_stop_gradient() -> Iterator[None]:
    held = tf.stop_gradient
    tf.stop_gradient = lambda x, name=None: tf.identity(x, name)
    try:
        yield
    finally:
        tf.stop_gradient = held


@contextmanager
def _through_sigma(layer: Any) -> Iterator[None]:
    """Let a SpectralNormalization divide by σ on the tape, where it assigns the kernel."""

    def call(inputs: Any, training: bool = False) -> Any:
        kernel, held = layer.kernel, layer.kernel.value
        kernel._value = layer.normalized_weights()[1] if training else held  # noqa: SLF001
        try:
            return layer.layer(inputs)
        finally:
            kernel._value = held  # noqa: SLF001

    object.__setattr__(layer, "call", call)
    try:
        yield
    finally:
        object.__delattr__(layer, "call")


@contextmanager
def _through_all_of_sigma(layer: Any) -> Iterator[None]:
    with _through_sigma(layer), _without_stop_gradient():
        yield
