"""Random small networks over the whole vocabulary: every layer, activation and loss that has equations."""

from __future__ import annotations

from typing import Any

import numpy as np

from manual_mlp import ACTIVATIONS, LOSSES, MLP, Activation, Array, Dense, Dropout, Evaluation, Loss
from manual_mlp.extend import Layer, draw_targets
from manual_mlp.layers import (
    BatchNormalization,
    Flatten,
    Identity,
    LayerNormalization,
    Permute,
    Rescaling,
    Reshape,
    RMSNormalization,
)

HIDDEN = [name for name, record in ACTIVATIONS.items() if record.backward is not None]
SCALES = (0.5, 1 / 255, 2.0)
MOST_LAYERS = 5


def network(seed: int) -> tuple[MLP, Loss]:
    """Two to seven layers on rows, on sequences or on images, and a loss that goes with the output."""
    rng = np.random.default_rng(seed)
    inputs: tuple[int, ...] = tuple(int(n) for n in rng.integers(2, 7, rng.integers(1, 3)))
    layers: list[Layer] = [Rescaling(float(rng.choice(SCALES)), 0.25)] if rng.random() < 0.2 else []
    rank = len(inputs)
    layers += [_layer(rng, rank) for _ in range(int(rng.integers(1, MOST_LAYERS + 1)))]
    if rank == 2:
        layers.append(Flatten())
    loss, output = _top(rng)
    return MLP(inputs if rank > 1 else inputs[0], [*layers, *output]), loss


def _layer(rng: np.random.Generator, rank: int) -> Layer:
    units = int(rng.integers(2, 9))
    kinds: list[Layer] = [
        Dense(units, str(rng.choice(HIDDEN)), use_bias=bool(rng.integers(2)), kernel_l2=float(rng.choice([0, 0.01]))),
        Dense(units, "linear"),
        Activation(str(rng.choice(HIDDEN))),
        BatchNormalization(epsilon=float(rng.choice([1e-3, 1e-5])), center=bool(rng.integers(2))),
        LayerNormalization(scale=bool(rng.integers(2))),
        RMSNormalization(),
        Dropout(float(rng.uniform(0.1, 0.6))),
        Identity(),
    ]
    if rank == 2:
        kinds.append(Permute((2, 1)))
    return kinds[int(rng.integers(len(kinds)))]


def _top(rng: np.random.Generator) -> tuple[Loss, list[Layer]]:
    """A loss, and the layers that end in what it takes."""
    record = LOSSES[str(rng.choice(list(LOSSES)))]
    outputs = int(rng.integers(2, 6))
    scale = float(rng.choice([1.0, 1e-3]))
    if record.logits is not None and rng.random() < 0.5:
        return Loss(record.name, from_logits=True, scale=scale), [Dense(outputs)]
    if record.logits is not None:
        return Loss(record.name, scale=scale), [Dense(outputs, str(record.fused_activation))]
    bounded = record.name in ("poisson", "kl_divergence", "mean_squared_logarithmic_error")
    shaped: list[Layer] = [Dense(2 * outputs), Reshape((2, outputs)), Flatten()]
    return Loss(record.name, scale=scale), [Dense(outputs, "sigmoid")] if bounded else shaped


def drawn(seed: int, dtype: str) -> tuple[MLP, Loss, dict[str, Array], Array, Array]:
    """A network with its weights and data in a dtype."""
    mlp, loss = network(seed)
    rng = np.random.default_rng([seed, 1])
    start = mlp.initialize(rng, "glorot_normal", "normal(0.3)")
    weights = {n: a + 0.2 * rng.normal(size=a.shape) if "moving" in n or "gamma" in n else a for n, a in start.items()}
    weights = {n: np.abs(a) if n.endswith("variance") else a for n, a in weights.items()}
    batch = int(rng.integers(2, 20))
    x = rng.normal(size=(batch, *mlp.input_shape)) * float(rng.choice([1, 3])) + float(rng.choice([0, 2]))
    y = draw_targets(rng, loss, batch, mlp.units[-1])
    cast = {n: a.astype(dtype) for n, a in weights.items()}
    return mlp, loss, cast, x.astype(dtype), y if y.dtype.kind == "i" else y.astype(dtype)


def both_sides(seed: int, dtype: str, mode: Any) -> tuple[Evaluation, Evaluation]:
    """The hand's evaluation and the tape's, on the same masks; every fourth in inference."""
    from keras_mlp import backpropagate, to_keras

    mlp, loss, weights, x, y = drawn(seed, dtype)
    training = bool(seed % 4)
    tape = backpropagate(to_keras(mlp, weights, dtype, seed=seed), x, y, loss, mode, training=training)
    return mlp.backpropagate(weights, x, y, loss, draws=tape.problem.draws, training=training), tape
