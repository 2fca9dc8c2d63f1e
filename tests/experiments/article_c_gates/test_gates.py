from __future__ import annotations

import numpy as np

from experiments.article_c_gates.gates import INPUTS, half_adder, nand, perceptron


def test_nand_as_a_perceptron_with_a_step() -> None:
    mlp, weights = perceptron("NAND", "step")
    assert mlp.predict(weights, INPUTS).ravel().tolist() == [1, 1, 1, 0]


def test_nand_of_two_columns() -> None:
    assert nand(np.array([0.0, 1.0]), np.array([1.0, 1.0])).tolist() == [1, 0]


def test_a_half_adder_from_nand_alone() -> None:
    total, carry = half_adder(INPUTS[:, 0], INPUTS[:, 1])
    assert (total.tolist(), carry.tolist()) == ([0, 1, 1, 0], [0, 0, 0, 1])
