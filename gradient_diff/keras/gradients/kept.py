"""What layers keep from pass to pass: the seeds, states and moving averages, and where they stood one pass before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from gradient_diff.keras.gradients.loss.resolved import KerasError
from gradient_diff.keras.gradients.request import Request
from gradient_diff.keras.gradients.runs import Runs
from keras_mlp.extend import copied, layer_weights, layers_of
from manual_mlp import Array

Held = tuple[tuple[Any, Array], ...]
"""Variables of what is kept, and what they held."""


def seeds_before(request: Request) -> Held:
    """Where the seeds stood before the last pass, if there was one: each pass moves them on alike."""
    try:
        moved = moved_seeds(request)
    except KerasError:  # a model may run in one of training and inference only
        return ()
    before = tuple((v, start - (end - start)) for v, start, end in moved)
    return before if all((start >= 0).all() for _, start in before) else ()


def moved_seeds(request: Request) -> list[tuple[Any, Array, Array]]:
    """The seeds that a pass moves on, from where to where."""
    seeds = [v for v in request.model.variables if "seed" in v.name]
    return [(v, start, end) for v, start, end in _by_a_pass(request, seeds) if not np.array_equal(start, end)]


def weights_by_a_pass(request: Request) -> dict[str, Array]:
    """The weights that a pass changes by itself, as it leaves them: SpectralNormalization divides its kernel."""
    weights = {n: w for n, w in layer_weights(request.model).items() if n in request.trainable}
    moved = zip(weights, _by_a_pass(request, list(weights.values())), strict=True)
    return {n: end for n, (_, start, end) in moved if not np.array_equal(start, end)}


def _by_a_pass(request: Request, variables: Sequence[Any]) -> list[tuple[Any, Array, Array]]:
    """Variables, what they hold, and what they hold after a pass."""
    with copied(request.model) as copies:
        runs = Runs(request.objective, ())
        runs.evaluated(copies, {}, *runs.tensors())
        after = [copies[id(v)].numpy() for v in variables]
    return [(v, v.numpy(), a) for v, a in zip(variables, after, strict=True)]


def moved_states(request: Request) -> Held:
    """The states of recurrent layers that stand elsewhere than at their start, and that start."""
    states = [s for layer in layers_of(request.model) if getattr(layer, "stateful", False) for s in _states(layer)]
    return tuple((s, np.zeros_like(s.numpy())) for s in states if np.any(s.numpy()))


def _states(layer: Any) -> list[Any]:
    found = getattr(layer, "states", None) or ()
    return [s for s in keras.tree.flatten(found) if isinstance(s, keras.Variable)]


def averages_before(request: Request) -> Iterator[Held]:
    """Moving averages before a pass in training on the same data, and before any; nothing where none has moved them.

    A pass makes m a + (1 − m) b of an average a, whatever a is: one more of them tells (1 − m) b.
    """
    layers = [z for z in layers_of(request.model) if isinstance(z, keras.layers.BatchNormalization) and z.built]
    kept = [(v, z.momentum, start) for z in layers for v, start in _starts(z)]
    if all(np.array_equal(v.numpy(), start) for v, _, start in kept):
        return
    try:
        moved = _by_a_pass(replace(request, training=True), [v for v, *_ in kept])
    except KerasError:  # as above
        moved = []
    if moved and all(momentum for _, momentum, _ in kept):
        before = [start - (end - start) / kept[i][1] for i, (_, start, end) in enumerate(moved)]
        yield tuple((v, a.astype(v.dtype)) for (v, *_), a in zip(kept, before, strict=True))
    yield tuple((v, start) for v, _, start in kept)


def _starts(layer: Any) -> Iterator[tuple[Any, Array]]:
    """Each average of a layer, and what it begins with."""
    for variable, begin in (
        (layer.moving_mean, layer.moving_mean_initializer),
        (layer.moving_variance, layer.moving_variance_initializer),
    ):
        yield variable, np.asarray(begin(variable.shape, dtype=variable.dtype))
