"""Random small networks over the whole vocabulary: every layer, activation and loss that has equations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from manual_mlp import ACTIVATIONS, LOSSES, MLP, Activation, Array, Dense, Dropout, Evaluation, Loss
from manual_mlp.extend import Layer, draw_targets
from manual_mlp.layers import (
    ActivityRegularization,
    BatchNormalization,
    Flatten,
    Identity,
    LayerNormalization,
    Normalization,
    Permute,
    Rescaling,
    Reshape,
    RMSNormalization,
)

WITH_ARGUMENTS = (
    *("leaky_relu(0.3)", "leaky_relu(0.01)", "relu(max_value=6)", "relu(negative_slope=0.1)", "relu(threshold=0.3)"),
    *("elu(0.3)", "celu(0.5)", "gelu(approximate=True)", "squareplus(0.5)", "soft_shrink(0.2)", "hard_shrink(0.2)"),
    *("threshold(0.2, 0.1)", "relu(negative_slope=0.2, max_value=3, threshold=0.1)"),
)
WORDS = (*(name for name in ACTIVATIONS if name != "step"), *WITH_ARGUMENTS)
STEEP = {"exponential", "squareplus"}  # of many of these in a row little is finite
ABOVE_0 = ("softplus", "exponential", "squareplus", "sigmoid")
SCALES = (0.5, 1 / 255, 2.0)
MOST_LAYERS = 5
PENALTIES = ("kernel_l1", "kernel_l2", "bias_l1", "bias_l2", "activity_l1", "activity_l2")
LAMBDAS = (-7.0, -1.0)  # of log λ
OFF = {"relu", "relu6", "hard_sigmoid", "hard_silu", "sparse_sigmoid", "sparse_plus", "soft_shrink", "hard_shrink"}
"""What is exactly 0 over a whole range."""
ZEROS = 0.1  # of a net in three: so many weights are 0, where |W| has its kink


def network(seed: int) -> tuple[MLP, Loss]:
    """Two to seven layers on rows, on sequences or on images, and a loss that goes with the output."""
    rng = np.random.default_rng(seed)
    inputs: tuple[int, ...] = tuple(int(n) for n in rng.integers(2, 7, rng.integers(1, 3)))
    layers: list[Layer] = [Rescaling(float(rng.choice(SCALES)), 0.25)] if rng.random() < 0.2 else []
    if rng.random() < 0.2:
        mean, variance = rng.normal(size=inputs[-1]).tolist(), rng.uniform(0.2, 4, inputs[-1]).tolist()
        one = bool(rng.integers(2))
        layers.append(Normalization(mean[0], variance[0]) if one else Normalization(mean, variance))
    rank = len(inputs)
    steep = list(STEEP)
    for _ in range(int(rng.integers(1, MOST_LAYERS + 1))):
        word = str(rng.choice(WORDS))
        layers.append(_layer(rng, rank, word if word not in STEEP or steep else "tanh"))
        steep = [] if word in STEEP else steep
    if rank == 2:
        layers.append(Flatten())
    loss, output = _top(rng)
    layers += output
    if any(map(_gives_zeros, layers)):  # TensorFlow's own slope of celu at 0 is 2, and not 1
        layers = [_without_celu(layer) for layer in layers]
    return MLP(inputs if rank > 1 else inputs[0], layers), loss


def _gives_zeros(layer: Layer) -> bool:
    return isinstance(layer, Dropout) or str(layer.head).split("(")[0] in OFF


def _without_celu(layer: Layer) -> Layer:
    return replace(layer, activation="elu") if str(layer.head).startswith("celu") else layer  # type: ignore[type-var]  # it has one


def _layer(rng: np.random.Generator, rank: int, word: str) -> Layer:
    units = int(rng.integers(2, 9))
    kinds: list[Layer] = [
        _penalised(rng, units, word),
        _penalised(rng, units, "linear"),
        Activation(word),
        BatchNormalization(epsilon=float(rng.choice([1e-3, 1e-5])), center=bool(rng.integers(2))),
        LayerNormalization(scale=bool(rng.integers(2))),
        RMSNormalization(),
        Dropout(float(rng.uniform(0.1, 0.6))),
        Identity(),
        ActivityRegularization(float(rng.choice([0, 0.1])), float(rng.choice([0, 0.02]))),
    ]
    if rank == 2:
        kinds.append(Permute((2, 1)))
    return kinds[int(rng.integers(len(kinds)))]


def _penalised(rng: np.random.Generator, units: int, word: str) -> Dense:
    """A layer with some penalties, each in one of three."""
    use_bias = bool(rng.integers(2))
    drawn = {name: float(np.exp(rng.uniform(*LAMBDAS))) if rng.random() < 1 / 3 else 0.0 for name in PENALTIES}
    told: dict[str, Any] = {n: value for n, value in drawn.items() if use_bias or not n.startswith("bias")}
    return Dense(units, word, use_bias, **told)


def _top(rng: np.random.Generator) -> tuple[Loss, list[Layer]]:
    """A loss, and the layers that end in what it takes."""
    loss, output = _loss(rng)
    units = int(rng.integers(2, 6))
    if output == "linear" and rng.random() < 0.5:
        return loss, [_penalised(rng, 2 * units, "linear"), Reshape((2, units)), Flatten()]
    return loss, [_penalised(rng, units, output)]


def _loss(rng: np.random.Generator) -> tuple[Loss, str]:
    """A loss with arguments that it takes, and an output that goes with it."""
    name = str(rng.choice(list(LOSSES)))
    record, told = LOSSES[name], dict[str, Any]()
    if name == "huber":
        told["delta"] = float(np.exp(rng.uniform(-2, 1)))
    if record.logits is not None and not record.class_indices and rng.random() < 0.5:
        told["label_smoothing"] = float(rng.uniform(0, 0.5))
    if record.reduces and rng.random() < 0.3:
        told["reduction"] = "sum"
    if record.fused_activation is not None:
        logits = bool(rng.random() < 0.5)
        return Loss(name, logits, **told), "linear" if logits else record.fused_activation
    if name == "cosine_similarity":  # TensorFlow's gradient of a row of zeros is no number
        return Loss(name, **told), "linear"
    if record.targets == "positive":
        return Loss(name, **told), str(rng.choice(ABOVE_0))
    return Loss(name, **told), "softmax" if name == "kl_divergence" else str(rng.choice(WORDS))


def drawn(seed: int, dtype: str) -> tuple[MLP, Loss, dict[str, Array], Array, Array]:
    """A network with its weights and data in a dtype."""
    mlp, loss = network(seed)
    rng = np.random.default_rng([seed, 1])
    start = mlp.initialize(rng, "glorot_normal", "normal(0.3)")
    weights = {n: a + 0.2 * rng.normal(size=a.shape) if "moving" in n or "gamma" in n else a for n, a in start.items()}
    weights = {n: np.abs(a) if n.endswith("variance") else a for n, a in weights.items()}
    if seed % 3 == 0:
        weights = {
            n: a * (rng.random(a.shape) > ZEROS) if n.endswith(("kernel", "bias")) else a for n, a in weights.items()
        }
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
