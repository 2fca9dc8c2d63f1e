"""Random networks of every word: all activations with arguments, all losses with theirs, small enough for many."""

from __future__ import annotations

import math

import numpy as np

from experiments.benchmarks.calibration.random_nets import RandomNet
from manual_mlp import ACTIVATIONS, LOSSES, MLP, Activation, Dense, Loss
from manual_mlp.extend import Layer, draw_targets

WITH_ARGUMENTS = (
    *("leaky_relu(0.3)", "leaky_relu(0.01)", "relu(max_value=6)", "relu(negative_slope=0.1)", "relu(threshold=0.3)"),
    *("elu(0.3)", "celu(0.5)", "gelu(approximate=True)", "squareplus(0.5)", "soft_shrink(0.2)", "hard_shrink(0.2)"),
    *("threshold(0.2, 0.1)", "relu(negative_slope=0.2, max_value=3, threshold=0.1)"),
)
WORDS = (*(name for name in ACTIVATIONS if name != "step"), *WITH_ARGUMENTS)
STEEP = {"exponential", "squareplus"}  # of many of these in a row little is finite
ABOVE_0 = ("softplus", "exponential", "squareplus", "sigmoid")


def worded_net(seed: int, dtype: str = "float32") -> RandomNet:
    """Draw a network of one to five layers: widths to 64, batch to 64, weights × 0.3 to × 3, any word anywhere."""
    rng = np.random.default_rng([seed, 2])
    loss, output = _loss(rng)
    widths = [int(n) for n in np.exp(rng.uniform(0, math.log(64), int(rng.integers(2, 7))))]
    widths[-1] = max(widths[-1], 2)
    batch = int(np.exp(rng.uniform(0, math.log(64))))
    words = [str(w) for w in rng.choice(WORDS, len(widths) - 2)]
    words = [w if w not in STEEP or w not in words[:i] else "tanh" for i, w in enumerate(words)]
    layers: list[Layer] = []
    for n, word in zip(widths[1:], [*words, output], strict=True):
        layers += [Dense(n), Activation(word)] if rng.random() < 0.3 else [Dense(n, word)]
    mlp = MLP(widths[0], layers)
    factor = float(np.exp(rng.uniform(math.log(0.3), math.log(3))))
    parameters = {
        n: (factor * rng.normal(size=s) / math.sqrt(int(s[0])) if len(s) == 2 else rng.normal(size=s) / 2).astype(dtype)  # type: ignore[arg-type]  # numbers
        for n, s in mlp.parameter_shapes.items()
    }
    x, y = rng.normal(size=(batch, widths[0])), draw_targets(rng, loss, batch, widths[-1])
    data = x.astype(dtype), y if y.dtype.kind == "i" else y.astype(dtype)
    return RandomNet(seed, mlp.problem(parameters, *data, loss), f"{mlp.outline} N={batch} {loss} ×{factor:.2g}")


def _loss(rng: np.random.Generator) -> tuple[Loss, str]:
    """A loss with arguments that it takes, and an output that goes with it."""
    name = str(rng.choice(list(LOSSES)))
    record, told = LOSSES[name], {}
    if name == "huber":
        told["delta"] = float(np.exp(rng.uniform(-2, 1)))
    if record.logits is not None and not record.class_indices and rng.random() < 0.5:
        told["label_smoothing"] = float(rng.uniform(0, 0.5))
    if record.reduces and rng.random() < 0.3:
        told["reduction"] = "sum"
    if record.fused_activation is not None:
        logits = bool(rng.random() < 0.5)
        return Loss(name, logits, **told), "linear" if logits else record.fused_activation  # type: ignore[arg-type]
    if record.targets == "positive":
        return Loss(name, **told), str(rng.choice(ABOVE_0))  # type: ignore[arg-type]
    return Loss(name, **told), "softmax" if name == "kl_divergence" else str(rng.choice(WORDS))  # type: ignore[arg-type]
