"""Random small networks that every mistake can be made in: square and not, saturated and not, any loss that fits."""

from __future__ import annotations

import numpy as np

from manual_mlp import LOSSES, MLP, Dense, Loss, Problem
from manual_mlp.extend import draw_data

WIDTHS = (1, 2, 3, 5, 7, 11, 13)
BATCHES = (1, 2, 3, 5, 7, 11, 13, 17, 23)
HIDDEN = ("sigmoid", "tanh", "relu", "linear")
TOP = [name for name, f in LOSSES.items() if f.squared or f.logits is not None]
SATURATED = 10.0  # times the weights, in one of six


def small_net(seed: int, dtype: str = "float64") -> Problem:
    """Draw a network of one to four layers with its data."""
    rng = np.random.default_rng(seed)
    depth = int(rng.integers(1, 5))
    widths = [int(w) for w in rng.choice(WIDTHS, depth + 1)]
    batch = int(rng.choice(BATCHES))
    if rng.random() < 0.3:  # square, and as wide as the batch: shapes prove nothing here
        widths = [int(rng.integers(2, 6))] * (depth + 1)
        batch = widths[0] if rng.random() < 0.5 else batch
    loss, output = _loss(rng)
    if loss.function.fused_activation == "softmax":
        widths[-1] = max(widths[-1], 2)
    hidden = [str(h) for h in rng.choice(HIDDEN, depth - 1, p=(0.35, 0.3, 0.25, 0.1))]
    use_bias = rng.random(depth) < 0.9
    layers = [Dense(n, f, bool(b)) for n, f, b in zip(widths[1:], [*hidden, output], use_bias, strict=True)]
    mlp = MLP(widths[0], layers)
    factor = SATURATED if rng.random() < 1 / 6 else float(np.exp(rng.uniform(np.log(0.4), np.log(2))))
    parameters = mlp.initialize(rng, "glorot_normal", "normal(0.3)")
    parameters = {n: (factor * a if a.ndim == 2 else a).astype(dtype) for n, a in parameters.items()}
    x, y = draw_data(rng, batch, mlp, loss)
    return mlp.problem(parameters, x.astype(dtype), y if y.dtype.kind == "i" else y.astype(dtype), loss)


def _loss(rng: np.random.Generator) -> tuple[Loss, str]:
    """A loss and an output that goes with it."""
    name = str(rng.choice(TOP))
    own = LOSSES[name].fused_activation
    if own is None:
        return Loss(name), str(rng.choice(["linear", "sigmoid", "tanh", "softmax"], p=[0.5, 0.25, 0.15, 0.1]))
    return (Loss(name), own) if rng.random() < 0.7 else (Loss(name, from_logits=True), "linear")
