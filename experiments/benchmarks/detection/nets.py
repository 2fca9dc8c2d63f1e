"""The networks of `detection`: square and not, one sample and several, saturated, with dropout, ending in every way."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.students.small_nets import HIDDEN, SATURATED
from manual_mlp import MLP, Dense, Dropout, Loss, Problem
from manual_mlp.extend import Layer, draw_data, draw_parameters
from manual_mlp.layers import BatchNormalization, LayerNormalization

DTYPES = ("float64", "float32")
SCALES = (1.0, 1e-3, 1e-6)
WIDTHS = (1, 2, 3, 5, 7)
OUTPUTS = (  # 13 ways to end a network; 13 has no factor in common with the number of kinds, dtypes or scales
    ("mean_squared_error", False, "sigmoid"),
    ("categorical_crossentropy", False, "softmax"),
    ("binary_crossentropy", False, "sigmoid"),
    ("half_sum_squared_error", False, "linear"),
    ("sparse_categorical_crossentropy", False, "softmax"),
    ("quadratic_cost", False, "tanh"),
    ("sum_squared_error", False, "linear"),
    ("mean_squared_error", False, "softmax"),
    ("binary_crossentropy", True, "linear"),
    ("categorical_crossentropy", True, "linear"),
    ("mean_squared_error", False, "linear"),
    ("sparse_categorical_crossentropy", True, "linear"),
    ("quadratic_cost", False, "sigmoid"),
)
PENALTIES = ("kernel_l1", "bias_l1", "bias_l2", "activity_l1", "activity_l2")
"""As Dense has them; no factor in common with the number of kinds."""
DROPPING, RATE = 1 / 3, 0.3
"""The share of networks with a Dropout above their first layer, and what it drops."""


@dataclass(frozen=True)
class Kind:
    """What a network is like."""

    square: bool  # all layers are of one width, so that no shape gives a mistake away
    one_sample: bool  # the batch is a single sample
    saturated: bool  # the weights are ten times as large


KINDS = tuple(Kind(*flags) for flags in itertools.product((False, True), repeat=3))


def draw_problem(number: int, dtype: str, scale: float) -> Problem:
    """A network of kind `number` mod 8 with its data; the same numbers for every dtype and scale."""
    rng, kind = np.random.default_rng([number, 5]), KINDS[number % len(KINDS)]
    name, from_logits, output = OUTPUTS[number % len(OUTPUTS)]
    loss = Loss(name, from_logits, scale)
    normalised = "softmax" in (output, loss.function.fused_activation)
    widths, batch = _sizes(rng, kind, least_outputs=2 if normalised else 1)
    hidden = [str(f) for f in rng.choice(HIDDEN, len(widths) - 2, p=(0.3, 0.3, 0.3, 0.1))]
    layers: list[Layer] = [Dense(n, f) for n, f in zip(widths[1:], [*hidden, output], strict=True)]
    if np.random.default_rng([number, 6]).random() < DROPPING:
        layers.insert(1, Dropout(RATE))
    mlp = MLP(widths[0], layers)
    parameters = mlp.initialize(rng, "glorot_normal", "normal(0.3)")
    factor = SATURATED if kind.saturated else 1.0
    parameters = {n: (factor * a if a.ndim == 2 else a).astype(dtype) for n, a in parameters.items()}
    x, y = draw_data(rng, batch, mlp, loss)
    masks = mlp.draws(number, batch, dtype)
    return mlp.problem(parameters, x.astype(dtype), y if y.dtype.kind == "i" else y.astype(dtype), loss, draws=masks)


def draw_normalised(number: int, dtype: str, scale: float) -> Problem:
    """A network of the same kind with a normalisation in its middle, over the batch and over the units in turn.

    Over the batch there is no network of one sample: what is normalised is zero there, and Keras's E without a use.
    """
    rng, kind = np.random.default_rng([number, 7]), KINDS[number % len(KINDS)]
    over_batch = not kind.one_sample and bool(number // len(KINDS) % 2)
    widths, batch = _sizes(rng, kind, least_outputs=2)
    units = max(widths[1], 3)
    layers = [Dense(units, "tanh"), BatchNormalization() if over_batch else LayerNormalization()]
    mlp = MLP(widths[0], [*layers, Dense(widths[-1], "softmax")])
    factor = SATURATED if kind.saturated else 1.0
    drawn = draw_parameters(rng, mlp, "normal(0.3)")
    parameters = {n: (factor * a if n.endswith("/kernel") else a).astype(dtype) for n, a in drawn.items()}
    loss = Loss("categorical_crossentropy", scale=scale)
    x, y = draw_data(rng, batch, mlp, loss)
    return mlp.problem(parameters, x.astype(dtype), y.astype(dtype), loss)


def draw_penalised(number: int, dtype: str, scale: float) -> Problem:
    """A network of the same kind with penalties that scale as all of E does: of kernels, biases, an output, in turn."""
    rng, kind = np.random.default_rng([number, 8]), KINDS[number % len(KINDS)]
    widths, batch = _sizes(rng, kind, least_outputs=1)
    which = PENALTIES[number % len(PENALTIES)]
    strength: dict[str, Any] = {which: scale * float(np.exp(rng.uniform(np.log(1e-2), np.log(0.3))))}
    own = {} if which.startswith("activity") else strength
    mlp = MLP(widths[0], [Dense(widths[1], "tanh", **strength), Dense(widths[-1], **own)])
    factor = SATURATED if kind.saturated else 1.0
    drawn = draw_parameters(rng, mlp, "normal(0.3)")
    parameters = {n: (factor * a if n.endswith("/kernel") else a).astype(dtype) for n, a in drawn.items()}
    loss = Loss("mean_squared_error", scale=scale)
    x, y = draw_data(rng, batch, mlp, loss)
    return mlp.problem(parameters, x.astype(dtype), y.astype(dtype), loss)


def _sizes(rng: np.random.Generator, kind: Kind, least_outputs: int) -> tuple[list[int], int]:
    layers = int(rng.integers(2, 4))
    if kind.square:  # and half of them as wide as the batch
        width = int(rng.integers(2, 6))
        batch = width if rng.random() < 0.5 else int(rng.integers(3, 9))
        return [width] * (layers + 1), 1 if kind.one_sample else batch
    widths = [int(n) for n in rng.choice(WIDTHS, layers + 1)]
    plain = not (kind.one_sample or kind.saturated)
    widths[-1] = max(1 if plain else widths[-1], least_outputs)  # only against one output do targets (N,) broadcast
    return widths, 1 if kind.one_sample else int(rng.integers(3, 12))
