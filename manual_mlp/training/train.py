"""Training on the same equations, over full batches or mini-batches: plain gradient descent, or an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.loss import Loss, as_loss
from manual_mlp.network.checks import check_parameters, check_x, check_y
from manual_mlp.network.initializers import Seed
from manual_mlp.network.network import MLP, Problem
from manual_mlp.training.optimizers import descend
from manual_mlp.training.plan import Batches, Weights
from manual_mlp.training.update_rule import Optimizer, Rule


@dataclass(frozen=True)
class Progress:
    """What a callback sees after an epoch.

    Attributes:
        epoch: epochs done.
        loss: the mean of E over the epoch's samples, each batch before its own update and, where there is Dropout,
            under its own masks.
        parameters: name → array, live views: copy what is to be kept.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> mlp, seen = MLP(1, [Dense(1, use_bias=False)]), []
        >>> w, x, y = {"dense_1/kernel": np.zeros((1, 1))}, np.ones((1, 1)), 2 * np.ones((1, 1))
        >>> tell = lambda progress: seen.append((progress.epoch, progress.loss))
        >>> _ = train(mlp, w, x, y, "mse", learning_rate=0.25, epochs=2, callback=tell)
        >>> seen
        [(1, 4.0), (2, 1.0)]
    """

    epoch: int
    loss: float
    parameters: Mapping[str, Array]


@dataclass
class History:
    """E over the epochs: `loss[i]` belongs to `epochs[i]`.

    Attributes:
        epochs: those recorded.
        loss: the mean of E over the epoch's samples, each batch before its own update.
        with_dropout: whether that is E with dropped units, each batch under its own masks. E without them is that of
            `MLP.predict`.

    Example:
        >>> History([1, 2], [0.5, 0.25]).loss[-1]
        0.25
    """

    epochs: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    with_dropout: bool = False


def train(
    mlp: MLP,
    parameters: Mapping[str, Array],
    x: Array,
    y: Array,
    loss: str | Loss,
    *,
    learning_rate: float | None = None,
    optimizer: Optimizer | None = None,
    epochs: int,
    batch_size: int | None = None,
    seed: Seed = 0,
    record_every: int = 1,
    callback: Callable[[Progress], None] | None = None,
) -> tuple[dict[str, Array], History]:
    """Training over full batches or mini-batches, by W ← W − lr · dE/dW or by an optimizer.

    Every sample is seen once an epoch, in a fresh random order where there are several batches; the last batch is
    as large as what is left, and E of a batch is scaled by its own size. Each step draws fresh masks for `Dropout`, in
    float32 from a stream of float32.

    Args:
        mlp: the network.
        parameters: name → array to start from; they are not changed.
        x: (N, n_0); not copied if it has the parameters' dtype, so leave it alone until the end.
        y: (N, K), or class indices (N,).
        loss: a name or a `Loss`.
        learning_rate: lr of plain gradient descent, above 0; or
        optimizer: `SGD`, `RMSprop` or `Adam`; its state starts at 0.
        epochs: passes over the data, 0 or more.
        batch_size: samples a step; None for all.
        seed: of the order of the samples and of the masks.
        record_every: E is computed, kept and told every so many epochs.
        callback: told a `Progress` at each recorded epoch.

    Returns:
        The trained parameters, name → array, and the `History`.

    Raises:
        ValueError: not exactly one of learning_rate and optimizer; learning_rate, epochs, batch_size or record_every
            out of range; otherwise as `MLP.backpropagate`.
        TypeError: an optimizer that is none of the house's.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import Dense
        >>> mlp = MLP(1, [Dense(1, use_bias=False)])
        >>> w = {"dense_1/kernel": np.array([[0.0]])}
        >>> w, history = train(mlp, w, np.array([[1.0]]), np.array([[2.0]]), "mse", learning_rate=0.25, epochs=3)
        >>> w["dense_1/kernel"], history.loss
        (array([[1.75]]), [4.0, 1.0, 0.25])
    """
    _check_settings(epochs, batch_size, record_every)
    problem = _problem(mlp, parameters, x, y, loss)
    rule_at = _rules(learning_rate, optimizer, problem.dtype)
    weights = Weights(parameters, mlp, 0 if optimizer is None else len(optimizer.slots))
    batches = Batches(problem, weights, batch_size, seed)
    history, step = History(with_dropout=bool(mlp.masks)), 0
    for epoch in range(1, epochs + 1):
        recorded = epoch % record_every == 0 or epoch == epochs
        total = 0.0
        for plan in batches.epoch():
            plan.gradient()
            if recorded:
                total += plan.loss() * plan.batch
            plan.move_on()
            step += 1
            weights.update(rule_at(step))
        if recorded:
            history.epochs.append(epoch)
            history.loss.append(total / problem.batch)
            if callback is not None:
                callback(Progress(epoch, history.loss[-1], weights.values))
    return {name: array.copy() for name, array in weights.values.items()}, history


def _check_settings(epochs: int, batch_size: int | None, record_every: int) -> None:
    if epochs < 0:
        raise ValueError(f"epochs={epochs}: expected 0 or more.")
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size={batch_size}: expected at least 1, or None for the full batch.")
    if record_every < 1:
        raise ValueError(f"record_every={record_every}: expected at least 1.")


def _rules(learning_rate: float | None, optimizer: Optimizer | None, dtype: np.dtype[Any]) -> Callable[[int], Rule]:
    """Number of the step → its rule."""
    if (learning_rate is None) == (optimizer is None):
        raise ValueError(
            f"learning_rate={learning_rate}, optimizer={optimizer}: expected exactly one of them. "
            "Pass learning_rate=0.1 for plain gradient descent, or optimizer=Adam(1e-3)."
        )
    if optimizer is None:
        assert learning_rate is not None
        if not 0 < learning_rate < float("inf"):
            raise ValueError(f"learning_rate={learning_rate}: expected a finite number above 0.")
        plain = partial(descend, dtype.type(learning_rate))
        return lambda step: plain
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer is {type(optimizer).__name__}: expected SGD, RMSprop or Adam of manual_mlp.")
    return partial(optimizer.rule, dtype=dtype)


def _problem(mlp: MLP, parameters: Mapping[str, Array], x: Array, y: Array, loss: str | Loss) -> Problem:
    """`MLP.problem` without its copies and its masks: the data are only read, and masks come with each batch."""
    loss = as_loss(loss)
    dtype = check_parameters(mlp, parameters)
    x = check_x(mlp, x, dtype, copy=False)
    y = check_y(mlp, y, loss, len(x), dtype)
    return Problem(mlp, parameters, x, y, loss, mlp.fuses(loss))
