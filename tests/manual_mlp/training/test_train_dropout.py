"""Each step of training draws fresh masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from manual_mlp import MLP, Array, Dense, Dropout, train

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(10, 3)), np.eye(2)[RNG.integers(0, 2, 10)]
LOSS = "categorical_crossentropy"
PLAIN = MLP(3, [Dense(4, "tanh"), Dense(2, "softmax")])
DROPPING = MLP(3, [Dropout(0.25), Dense(6, "tanh"), Dropout(0.5), Dense(2, "softmax")])


def descended(parameters: dict[str, Array], gradients: dict[str, Array], learning_rate: float) -> dict[str, Array]:
    return {name: w - w.dtype.type(learning_rate) * gradients[name] for name, w in parameters.items()}


def with_masks(dtype: str, seed: Any, draw: Callable[[Any, int], dict[str, Array]]) -> tuple[dict[str, Array], float]:
    """Two epochs of batches of 4, 4 and 2 as a loop, and the last E."""
    expected, order = DROPPING.initialize(0, dtype=dtype), seed
    for _ in range(2):
        chosen, total = order.permutation(10), 0.0
        for rows in (chosen[:4], chosen[4:8], chosen[8:]):
            evaluation = DROPPING.backpropagate(expected, X[rows], Y[rows], LOSS, draws=draw(order, len(rows)))
            total += evaluation.loss * len(rows)
            expected = descended(expected, evaluation.gradients, 0.3)
    return expected, total / 10


def float32_masks(rng: np.random.Generator, batch: int) -> dict[str, Array]:
    widths = {"dropout_1": (3, 0.25), "dropout_2": (6, 0.5)}
    uniforms = {name: rng.random((batch, n), np.float32) for name, (n, _) in widths.items()}
    scaled = {name: (u >= widths[name][1]) / (1 - widths[name][1]) for name, u in uniforms.items()}
    return {f"{name}/mask": mask.astype(np.float32) for name, mask in scaled.items()}


@pytest.mark.parametrize(
    ("dtype", "seed", "draw"),
    [
        ("float64", np.random.default_rng, DROPPING.draws),
        ("float64", np.random.RandomState, DROPPING.draws),
        ("float32", np.random.RandomState, lambda rng, batch: DROPPING.draws(rng, batch, "float32")),
        ("float32", np.random.default_rng, float32_masks),
    ],
)
def test_each_step_has_masks_of_its_own_from_the_same_generator(dtype: str, seed: Any, draw: Any) -> None:
    start = DROPPING.initialize(0, dtype=dtype)
    found, history = train(DROPPING, start, X, Y, LOSS, learning_rate=0.3, epochs=2, batch_size=4, seed=seed(5))
    expected, loss = with_masks(dtype, seed(5), draw)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    assert history.loss[-1] == loss
    assert history.with_dropout


def test_full_batches_have_masks_too() -> None:
    start, draws = DROPPING.initialize(0), DROPPING.draws(np.random.default_rng(5), 10)
    found, history = train(DROPPING, start, X, Y, LOSS, learning_rate=0.3, epochs=1, seed=5)
    evaluation = DROPPING.backpropagate(start, X, Y, LOSS, draws=draws)
    for name, array in descended(start, evaluation.gradients, 0.3).items():
        np.testing.assert_array_equal(found[name], array)
    assert history.loss == [pytest.approx(evaluation.loss, rel=4 * 2.0**-53)]


def test_where_nothing_is_dropped_the_history_says_so() -> None:
    _, history = train(PLAIN, PLAIN.initialize(0), X, Y, LOSS, learning_rate=0.1, epochs=1)
    assert not history.with_dropout


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_as_many_are_dropped_as_the_rate_says(dtype: str) -> None:
    """The gradient of Σ z by the kernel of ones is the mean of the mask: 1, within 5 standard deviations."""
    n, rate = 200_000, 0.3
    mlp = MLP(1, [Dropout(rate), Dense(1, use_bias=False)])
    zeros = {"dense_1/kernel": np.zeros((1, 1), dtype)}
    # E = 1/(2n) Σ (w m − 1)²: at w = 0 its gradient is −mean(m)
    found, _ = train(mlp, zeros, np.ones((n, 1)), np.ones((n, 1)), "quadratic_cost", learning_rate=1.0, epochs=1)
    assert abs(found["dense_1/kernel"].item() - 1) < 5 * np.sqrt(rate / (1 - rate) / n)
