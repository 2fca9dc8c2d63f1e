"""Random correct networks for calibration: everything that the rounding model must cover, drawn log-uniformly."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import ml_dtypes  # noqa: F401  # NumPy knows bfloat16 from then on, also in a process that has not yet met Keras
import numpy as np

from manual_mlp import LOSSES, MLP, Activation, Dense, Dropout, Loss, Problem
from manual_mlp.extend import Layer, draw_targets

HIDDEN = ("relu", "tanh", "sigmoid", "linear", "softmax")
TOP = [name for name, f in LOSSES.items() if f.squared or f.logits is not None]  # a seed gives what it always gave
INPUTS = ("normal", "positive", "sparse", "sorted", "times ten")


@dataclass(frozen=True, eq=False)
class RandomNet:
    """One drawn network with its data."""

    seed: int  # it was drawn from
    problem: Problem  # network, parameters, data, loss
    words: str  # what it is, in one line


def random_net(seed: int, dtype: str = "float32", most_products: float = 2e8, varied: bool = False) -> RandomNet:
    """Draw a network.

    Width 1 to 1024 (in one of twenty up to 4096), depth 1 to 12, batch 1 to 1024, weights × 0.1 to × 10, loss scale
    1e-6 to 1e6, every activation and loss, five kinds of input. A varied one has dropout of rate 0.05 to 0.9 between
    its layers and on its inputs, activations as layers of their own, and decays.
    """
    rng = np.random.default_rng(seed)
    widths, batch = _sizes(rng, most_products)
    loss, output = _loss(rng)
    if loss.function.fused_activation == "softmax":
        widths[-1] = max(widths[-1], 2)
    kinds = [*_hidden(rng, len(widths) - 2), output]
    mlp = MLP(widths[0], [Dense(n, a) for n, a in zip(widths[1:], kinds, strict=True)])
    factor, bias = _log_uniform(rng, 0.1, 10), float(rng.choice([0, 0.1, 0.5, 2]))
    parameters = {
        name: (rng.normal(size=shape) * (factor / math.sqrt(int(shape[0])) if len(shape) == 2 else bias)).astype(dtype)  # type: ignore[arg-type]  # numbers
        for name, shape in mlp.parameter_shapes.items()
    }
    kind = str(rng.choice(INPUTS))
    x, y = _inputs(rng, kind, batch, widths[0]), draw_targets(rng, loss, batch, widths[-1])
    words = f"{'-'.join(map(str, widths))} N={batch} {kinds[0]}…{output}"
    more = np.random.default_rng([seed, 1])  # a stream of its own: the plain networks stay what they were
    if varied:
        mlp = _varied(more, mlp, loss)
        words = f"{mlp.outline} N={batch}"
    data = x.astype(dtype), y if y.dtype.kind == "i" else y.astype(dtype)
    problem = mlp.problem(parameters, *data, loss, draws=mlp.draws(more, batch, dtype))
    return RandomNet(seed, problem, f"{words} {loss.name} ×{factor:.2g} {kind}")


def _varied(rng: np.random.Generator, mlp: MLP, loss: Loss) -> MLP:
    """Some activations on their own, some dropouts, some decays; probabilities are not dropped."""
    layers: list[Layer] = [_dropout(rng)] if rng.random() < 0.3 else []
    for layer in mlp.layers:
        assert isinstance(layer, Dense)
        decay = loss.scale * _log_uniform(rng, 1e-5, 1) if rng.random() < 0.4 else 0.0
        dense, apart = replace(layer, kernel_l2=decay), rng.random() < 0.4
        layers += [replace(dense, activation="linear"), Activation(layer.activation)] if apart else [dense]
        last = layer.name == mlp.layers[-1].name
        if rng.random() < 0.4 and not (last and loss.function.logits is not None and not loss.from_logits):
            layers.append(_dropout(rng))
    return MLP(mlp.inputs, layers)


def _dropout(rng: np.random.Generator) -> Dropout:
    return Dropout(float(rng.uniform(0.05, 0.9)))


def _sizes(rng: np.random.Generator, most_products: float) -> tuple[list[int], int]:
    while True:
        top = 4096 if rng.random() < 0.05 else 1024
        widths = [round(_log_uniform(rng, 1, top)) for _ in range(int(rng.integers(2, 14)))]
        batch = round(_log_uniform(rng, 1, 1024))
        if batch * sum(a * b for a, b in itertools.pairwise(widths)) <= most_products:
            return widths, batch


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(math.log(low), math.log(high))))


def _hidden(rng: np.random.Generator, count: int) -> list[str]:
    if rng.random() < 0.5:
        return [str(rng.choice(HIDDEN[:4]))] * count
    return [str(a) for a in rng.choice(HIDDEN, size=count, p=[0.225] * 4 + [0.1])]


def _loss(rng: np.random.Generator) -> tuple[Loss, str]:
    """A loss and an output activation that goes with it: fused, from logits, or from probabilities."""
    name, scale = str(rng.choice(TOP)), _log_uniform(rng, 1e-6, 1e6)
    fused = LOSSES[name].fused_activation
    if fused is None:
        return Loss(name, scale=scale), "linear" if rng.random() < 0.6 else str(rng.choice(HIDDEN))
    other = "sigmoid" if fused == "softmax" else "softmax"
    output, logits = [(fused, False), ("linear", True), (other, False)][int(rng.integers(3))]
    return Loss(name, logits, scale), output


def _inputs(rng: np.random.Generator, kind: str, batch: int, n: int) -> np.ndarray:
    x = rng.normal(size=(batch, n))
    if kind == "positive":
        return np.abs(x)
    if kind == "sparse":
        return np.where(rng.random(x.shape) < 0.7, 0.0, rng.random(x.shape))
    if kind == "sorted":
        return np.sort(x, axis=0)
    return 10 * x if kind == "times ten" else x
