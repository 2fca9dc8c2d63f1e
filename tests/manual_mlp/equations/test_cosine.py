"""The cosine between outputs and targets: by pencil, by complex step, its rounding, and Keras's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradient_diff import compare
from gradient_diff.noise.network import local_distance
from manual_mlp import MLP, Dense, Equation, Loss
from manual_mlp.equations.local_rounding import GATE
from manual_mlp.equations.loss_operations import LossGradient, LossValue

LOSS = Loss("cosine_similarity")


def test_by_pencil() -> None:
    """(3, 4) against (1, 0): 3/5; the slope along (3, 4) is 0, and −(1 − 9/25)/5 along (1, 0)."""
    p, y = np.array([[3.0, 4.0]]), np.array([[2.0, 0.0]])
    assert LossValue(LOSS, False).evaluate(p, y) == pytest.approx(-0.6)
    np.testing.assert_allclose(LossGradient(LOSS, False).evaluate(p, y), [[-0.128, 0.096]], rtol=1e-15)
    assert Loss("CosineSimilarity") == LOSS


@pytest.mark.parametrize("size", [1.0, 1e4, 1e-4, 1e-9])
def test_the_gradient_is_the_complex_step_of_E(size: float) -> None:
    rng = np.random.default_rng(0)
    p, y, w = size * rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.random(4)
    found = LossGradient(LOSS, False).evaluate(p, y, w)
    for index in np.ndindex(*p.shape):
        moved = p.astype(complex)
        moved[index] += 1e-30j * size
        step = LossValue(LOSS, False).evaluate(moved, y.astype(complex), w.astype(complex)).imag / (1e-30 * size)
        assert found[index] == pytest.approx(step, rel=1e-11, abs=1e-13 / size)


@pytest.mark.parametrize("seed", range(10))
def test_rounding_is_expected_and_a_mistake_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 60))
    p, y = (rng.normal(size=(20, k)).astype("float32") for _ in range(2))
    y += p  # E is not close to 0
    for operation in (LossValue(LOSS, False), LossGradient(LOSS, False)):
        equation, found = Equation("", "node", operation, ("p", "y")), operation.evaluate(p, y)
        assert local_distance(equation, {"p": p, "y": y}, found, "float32").max() < GATE / 2
        if k > 1:  # of one number the cosine is its sign
            off = found * np.float32(1 + 1e-3)
            assert local_distance(equation, {"p": p, "y": y}, off, "float32").max() > GATE


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_every_node_is_that_of_the_tape(dtype: str, mode: Any) -> None:
    keras_mlp = pytest.importorskip("keras_mlp")
    mlp, rng = MLP(3, [Dense(5, "tanh"), Dense(4)]), np.random.default_rng(0)
    w = mlp.initialize(0, bias_initializer="normal(1)", dtype=dtype)
    x, y = (rng.normal(size=(9, n)).astype(dtype) for n in (3, 4))
    weights = rng.random(9).astype(dtype)
    tape = keras_mlp.backpropagate(keras_mlp.to_keras(mlp, w, dtype), x, y, LOSS, mode, sample_weight=weights)
    hand = mlp.backpropagate(w, x, y, LOSS, sample_weight=weights)
    assert compare(hand, tape).ok, str(compare(hand, tape))
    assert not compare({n: 1.001 * g for n, g in hand.gradients.items()}, tape).ok
