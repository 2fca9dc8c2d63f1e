"""E with decays, its rounding, and its notation; `test_operations` has E without."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.noise.network import local_distance
from manual_mlp import Equation, Loss
from manual_mlp.equations.local_rounding import GATE
from manual_mlp.equations.loss_operations import LossValue

MSE = Loss("mse")


def test_E_is_the_loss_and_every_decay() -> None:
    z, y = np.array([[3.0]]), np.array([[1.0]])
    w, v = np.array([[1.0, 2.0]]), np.array([[3.0]])
    assert LossValue(MSE, False, (0.5, 2.0)).evaluate(z, y, w, v) == 4 + 0.5 * 5 + 2 * 9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_E_keeps_its_dtype(dtype: str) -> None:
    arrays = [np.ones((2, 1), dtype), np.zeros((2, 1), dtype), np.ones((3, 1), dtype)]
    assert LossValue(MSE, False, (0.1,)).evaluate(*arrays).dtype.name == dtype


def test_shapes_and_notation() -> None:
    operation = LossValue(MSE, False, (0.5,))
    assert operation.shape(("N", "K"), ("N", "K"), ("n", "K")) == ()
    assert operation.render("z", "y", "W") == "1/(N·K) Σ_n Σ_k (z − y)² + 0.5 Σ W²"
    assert operation.render_shapes(("N", 2), ("N", 2), (3, 2)) == "(N, 2), (N, 2) + Σ (3, 2)²"
    assert operation.signs == (",", "+")


@pytest.mark.parametrize("seed", range(20))
def test_the_rounding_of_a_decay_is_expected_and_a_mistake_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [(7, 3), (7, 3), (int(rng.integers(1, 400)), 3), (3, int(rng.integers(1, 50)))]
    arrays = [rng.normal(size=s).astype(np.float32) for s in shapes]
    names = ("z", "y", "W", "V")
    operation = LossValue(MSE, False, (float(rng.uniform(0, 1)), float(rng.uniform(0, 1))))
    equation, known = Equation("", "loss", operation, names), dict(zip(names, arrays, strict=True))
    found = operation.evaluate(*arrays)
    assert local_distance(equation, known, found, "float32").max() < GATE / 2
    assert local_distance(equation, known, found * np.float32(1 + 1e-4), "float32").max() > GATE
