from __future__ import annotations

import numpy as np

from experiments.students.slips import Slip, possible_slips
from manual_mlp import MLP, Dense


def test_a_slip_in_words() -> None:
    assert str(Slip("transposed", 1)) == "transposed in layer 2"
    assert str(Slip("l2_factor", 0, "λW", 0.5)) == "l2_factor in layer 1, λW, 0.5"


def test_a_linear_output_has_no_derivative_to_forget() -> None:
    mlp = MLP(2, [Dense(3, "tanh"), Dense(1)])
    problem = mlp.problem(mlp.initialize(0), np.ones((5, 2)), np.ones((5, 1)), "mse")
    found = [str(slip) for slip in possible_slips(problem) if slip.id == "missing_derivative"]
    assert found == ["missing_derivative in layer 1"]
