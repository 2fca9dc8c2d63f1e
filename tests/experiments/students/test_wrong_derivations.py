from __future__ import annotations

import numpy as np
import pytest

from experiments.students.slips import Slip
from experiments.students.small_nets import small_net
from experiments.students.wrong_derivations import with_decay, wrong_gradients
from manual_mlp import MLP, Dense, Problem, evaluation_of


def one_unit() -> Problem:
    """E = ½ (2·3 − 5)², so that dE/dW = 3 and dE/db = 1."""
    weights = {"dense_1/kernel": np.array([[2.0]]), "dense_1/bias": np.array([0.0])}
    return MLP(1, [Dense(1)]).problem(weights, np.array([[3.0]]), np.array([[5.0]]), "half_sum_squared_error")


@pytest.mark.parametrize(
    ("slips", "kernel", "bias"),
    [
        ((), 3.0, 1.0),
        ((Slip("sign"),), -3.0, -1.0),
        ((Slip("factor_two", form="2"),), 6.0, 2.0),
        ((Slip("bias_from_kernel", 0),), 3.0, 3.0),
        ((Slip("sign"), Slip("bias_from_kernel", 0)), -3.0, -3.0),
    ],
)
def test_a_mistake_on_paper(slips: tuple[Slip, ...], kernel: float, bias: float) -> None:
    assert wrong_gradients(one_unit(), *slips) == {"dense_1/kernel": [[kernel]], "dense_1/bias": [bias]}


def test_the_decay_is_the_mistake_s_own_unless_it_is_given() -> None:
    problem, slip = one_unit(), Slip("l2_sign", value=0.5)
    assert wrong_gradients(problem, slip)["dense_1/kernel"] == [[3.0 - 2 * 0.5 * 2.0]]
    assert wrong_gradients(problem, slip, decay=0.25)["dense_1/kernel"] == [[3.0 - 2 * 0.25 * 2.0]]
    assert wrong_gradients(problem, decay=0.25)["dense_1/kernel"] == [[3.0 + 2 * 0.25 * 2.0]]


@pytest.mark.parametrize("lr", [0.3, 100.0])  # the search for it goes far away, or to infinity
def test_a_step_that_nothing_leads_to_cannot_be_made(lr: float) -> None:
    with pytest.raises(ValueError, match=f"No step of lr = {lr:g} leads to these weights: the mistake cannot be made"):
        wrong_gradients(one_unit(), Slip("accumulated", form="step", value=lr))


def test_the_reference_of_an_e_with_a_decay() -> None:
    plain = evaluation_of(small_net(1))
    name = "dense_1/kernel"
    more = with_decay(plain, 0.5).gradients[name] - plain.gradients[name]
    np.testing.assert_allclose(more, plain.problem.parameters[name])
