"""Inputs and targets drawn for a network, where any will do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.loss import Loss, as_loss
from manual_mlp.network.description import Description
from manual_mlp.network.network import MLP


def draw_targets(rng: np.random.Generator, loss: str | Loss, batch: int, outputs: int) -> Array:
    """Targets of the kind that a loss takes: class indices, one-hot rows, zeros and ones, or normal numbers.

    Args:
        rng: moves on by one draw.
        loss: a name or a `Loss`.
        batch: N.
        outputs: K.

    Returns:
        (N,) of class indices, else (N, K).

    Raises:
        ValueError: there is no such loss.

    Example:
        >>> draw_targets(np.random.default_rng(0), "categorical_crossentropy", 4, 3).sum(axis=1).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    function = as_loss(loss).function
    if function.class_indices:
        return rng.integers(0, outputs, batch)
    if function.fused_activation == "softmax":
        return np.eye(outputs)[rng.integers(0, outputs, batch)]
    if function.fused_activation == "sigmoid":
        return (rng.random((batch, outputs)) < 0.5).astype(float)
    return _DRAWN[function.targets](rng, batch, outputs)


_DRAWN: dict[str, Callable[[np.random.Generator, int, int], Array]] = {
    "any": lambda rng, n, k: rng.normal(size=(n, k)),
    "signs": lambda rng, n, k: rng.choice([-1.0, 1.0], (n, k)),
    "positive": lambda rng, n, k: rng.gamma(2.0, size=(n, k)),
    "distributions": lambda rng, n, k: np.eye(k)[rng.integers(0, k, n)],
}


def draw_parameters(rng: np.random.Generator, mlp: Description, bias: str) -> dict[str, Array]:
    """Kernels by Glorot's normal, biases by an initializer, and what starts at a constant, such as γ, moved off it.

    Args:
        rng: moves on.
        mlp: the network.
        bias: an initializer of the biases.

    Returns:
        name → array; what starts at a constant c is c + 0.1 to c + 0.9, so that no weight is 0 or 1 by chance.

    Example:
        >>> from manual_mlp import MLP, Dense
        >>> draw_parameters(np.random.default_rng(0), MLP(2, [Dense(3)]), "zeros")["dense_1/bias"]
        array([0., 0., 0.])
    """
    start = mlp.initialize(rng, "glorot_normal", bias)
    fixed = {f"{layer.name}/{short}" for layer in mlp.layers for short in layer.starts}
    return {n: a + rng.uniform(0.1, 0.9, a.shape) if n in fixed else a for n, a in start.items()}


def draw_data(rng: np.random.Generator, batch: int, mlp: MLP, loss: str | Loss) -> tuple[Array, Array]:
    """Normal inputs, and targets of the loss's kind.

    Args:
        rng: moves on by x, by labels, and by the targets where these are no labels.
        batch: N.
        mlp: whose widths they have.
        loss: a name or a `Loss`.

    Returns:
        x (N, n_0), and y as of `draw_targets`.

    Raises:
        ValueError: there is no such loss.

    Example:
        >>> from manual_mlp import Dense
        >>> x, y = draw_data(np.random.default_rng(0), 4, MLP(2, [Dense(3, "softmax")]), "categorical_crossentropy")
        >>> x.shape, y.shape
        ((4, 2), (4, 3))
    """
    x = rng.normal(size=(batch, *mlp.input_shape))
    function, outputs = as_loss(loss).function, mlp.units[-1]
    if not function.class_indices and function.fused_activation != "softmax":
        rng.integers(0, outputs, batch)  # labels nobody needs: with them a seed gives what it gave in every release
    return x, draw_targets(rng, loss, batch, outputs)
