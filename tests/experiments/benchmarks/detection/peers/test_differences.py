from __future__ import annotations

import numpy as np

from experiments.benchmarks.detection.peers.differences import central_differences, relative_error
from experiments.benchmarks.detection.peers.energy import Energy
from manual_mlp import MLP, Dense


def one_weight(x: float, y: float, loss: str, decay: float = 0.0) -> Energy:
    """E of W = 2 alone."""
    mlp = MLP(1, [Dense(1, use_bias=False)])
    weights = {"dense_1/kernel": np.array([[2.0]])}
    return Energy(mlp.problem(weights, np.array([[x]]), np.array([[y]]), loss), decay=decay)


def test_central_differences_of_a_square_are_exact_with_any_step() -> None:
    assert central_differences(one_weight(1.0, 0.0, "mse"), 0.5).tolist() == [4.0]


def test_the_relative_error_is_that_of_the_larger_side() -> None:
    assert relative_error(np.array([1.0, 0.0]), np.array([0.75, 0.0])) == 0.25


def test_e_at_the_start_and_elsewhere_with_its_decay() -> None:
    """½ (6 − 5)² + ¼ 2², and ½ (3 − 5)² + ¼ 1²."""
    energy = one_weight(3.0, 5.0, "half_sum_squared_error", decay=0.25)
    assert (float(energy(*energy.start)), float(energy.flat(np.array([1.0])))) == (1.5, 2.25)
