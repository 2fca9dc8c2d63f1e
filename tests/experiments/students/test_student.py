from __future__ import annotations

import numpy as np

from experiments.students.student import student_nodes
from manual_mlp import MLP, Dense


def test_one_unit_on_paper() -> None:
    """E = (2·3 − 5)², dE/dW = 2 · 1 · 3."""
    weights = {"dense_1/kernel": np.array([[2.0]]), "dense_1/bias": np.array([0.0])}
    nodes = student_nodes(MLP(1, [Dense(1)]).problem(weights, np.array([[3.0]]), np.array([[5.0]]), "mse"))
    assert nodes["dense_1/u"] == [[6.0]]
    assert nodes["dense_1/dE_dkernel"] == [[6.0]]
    assert nodes["dense_1/dE_dbias"] == [2.0]
