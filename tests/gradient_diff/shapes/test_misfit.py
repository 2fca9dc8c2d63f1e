"""Why a row of a comparison has two shapes."""

import numpy as np

from gradient_diff.ledger.building import live_ledger
from gradient_diff.shapes.misfit import misfit
from manual_mlp import MLP, Dense


def test_without_a_network_the_hand_is_what_went_wrong() -> None:
    said = misfit(np.ones((1, 5)), np.ones(5))
    assert said.startswith("hand (1, 5), reference (5,): (1, 5) has an axis of length 1 too many for (5,)")


def test_the_side_that_does_not_fit_its_equation_is_named_with_the_equation() -> None:
    mlp = MLP(3, [Dense(2)])
    evaluation = mlp.backpropagate(mlp.initialize(0), np.ones((4, 3)), np.ones((4, 2)), "mse")
    problem = evaluation.problem
    known = problem.environment | evaluation.nodes
    kernel, turned = np.ones((3, 2)), np.ones((2, 3))
    (line,) = live_ledger(problem, {"dense_1/kernel": turned}).of("dense_1/kernel")
    wrong = misfit(turned, kernel, line, known)
    assert wrong.startswith("hand (2, 3), reference (3, 2): (2, 3) is (n_out, n_in), the transposed convention.")
    assert wrong.endswith(f"dense_1: {line.equation}")
    (line,) = live_ledger(problem, {"dense_1/kernel": kernel}).of("dense_1/kernel")
    assert ": the reference's (2, 3) is (n_out, n_in)" in misfit(kernel, turned, line, known)
