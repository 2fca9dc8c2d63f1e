from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from experiments.article_a_sine.article import LEARNING_RATE, as_parameters, data, draw, iterate
from experiments.students.slips import Slip
from gradient_diff import GradientDiff, Status, compare, rounding_noise
from gradient_diff.noise.network import update_bound
from manual_mlp import MLP, Dense, Problem, gradient_node

IDS = (
    "transposed",
    "backprop_untransposed",
    "convention_transposed",
    "elementwise_for_matmul",
    "wrong_input",
    "wrong_kernel",
    "stale_or_updated_kernel",
    "layers_reversed",
    "batch_misaligned",
)


@pytest.mark.parametrize("name", IDS)
def test_a_wrong_product_is_named(name: str, rightly_named: Callable[[str], None]) -> None:
    rightly_named(name)


def test_article_c_has_matrices_of_n_out_rows_which_is_a_convention(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    result = diff(problem("regression"), Slip("convention_transposed"))
    (cause,) = result.causes
    assert (result.verdict, cause.id, cause.convention) == (Status.SHAPE, "convention_transposed", True)


def test_one_transposed_kernel_is_a_mistake_and_names_its_layer(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    for net in ("classes", "square"):
        (cause,) = diff(problem(net), Slip("transposed", 1)).causes
        assert (cause.id, cause.layer, cause.convention) == ("transposed", "dense_2", False)
        assert (cause.written, cause.right) == ("dE/dW = δᵀ z_prev", "dE/dW = z_prevᵀ δ")


def test_article_c_repeats_the_indices_of_the_layer_above() -> None:
    """2-3-3-2, and for the first matrix the product of the second one's z and δ."""
    mlp = MLP(2, [Dense(3, "sigmoid"), Dense(3, "sigmoid"), Dense(2, "sigmoid")])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1, 2)), rng.random((1, 2))
    e = mlp.backpropagate(mlp.initialize(0), x, y, "quadratic_cost")
    mine = {**e.gradients, "dense_1/kernel": e.nodes["dense_1/z"].T @ e.nodes["dense_2/dE_du"]}
    result = compare(mine, e)
    assert (result.verdict, result.causes[0].id, result.causes[0].layer) == (Status.SHAPE, "wrong_input", "dense_1")
    assert "the indices are those of another layer" in result.causes[0].message


def test_article_a_sends_delta_through_updated_weights() -> None:
    """One step of its published loop; the gradient is what its update says, (W_before − W_after)/lr."""
    (x, d), (weights, biases) = data(), draw(0)
    before = as_parameters(weights, biases)
    iterate(x, d, weights, biases)
    after = as_parameters(weights, biases)
    layers = [Dense(5, "sigmoid"), Dense(5, "sigmoid"), Dense(5, "sigmoid"), Dense(1)]
    e = MLP(1, layers).backpropagate(before, x, d, "half_sum_squared_error")
    mine = {n: (before[n] - after[n]) / LEARNING_RATE for n in before}
    noise = rounding_noise(e.problem)
    stored = {gradient_node(n): update_bound(before[n], after[n], LEARNING_RATE) for n in before}
    wider = replace(noise, bound={n: noise.bound[n] + stored.get(n, 0.0) for n in noise.bound})
    result = compare(mine, e, noise=wider)
    (cause,) = result.causes
    assert (result.verdict, cause.id) == (Status.MISMATCH, "stale_or_updated_kernel")
    assert "(lr = 0.002)" in cause.message
    assert cause.right == "dE/dz_prev = δ Wᵀ"


def test_a_shift_of_the_batch_is_found_among_all_of_them(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    for shift in range(1, 11):
        (cause,) = diff(problem("classes"), Slip("batch_misaligned", 1, value=shift)).causes
        assert (cause.id, cause.layer) == ("batch_misaligned", "dense_2")
        assert f"out of step by {shift} samples" in cause.message


def test_the_other_matrix_is_named(problem: Callable[..., Problem], diff: Callable[..., GradientDiff]) -> None:
    cause = diff(problem("square"), Slip("wrong_kernel", 1, value=2)).causes[0]
    assert "through the W of dense_3" in cause.message


@pytest.mark.parametrize("form", ["", "flat"])
def test_a_list_that_begins_at_the_output(
    form: str, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    for net in ("regression", "square"):
        assert diff(problem(net), Slip("layers_reversed", form=form)).causes[0].id == "layers_reversed"
