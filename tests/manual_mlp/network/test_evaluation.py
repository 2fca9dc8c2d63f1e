"""What a Problem and its Evaluation hold."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from manual_mlp import MLP, Activation, Dense, Dropout, Evaluation, Loss, gradient_node

MIXED = MLP(3, [Dropout(0.5), Dense(4, kernel_l2=0.25), Activation("tanh"), Dropout(0.25), Dense(2)])


def sparse(dtype: str = "float64") -> Evaluation:
    mlp = MLP(3, [Dense(4, "relu", use_bias=False, name="erste"), Dense(3, "softmax")])
    x = np.random.default_rng(0).normal(size=(5, 3))
    loss = Loss("sparse_categorical_crossentropy", scale=0.1)
    return mlp.backpropagate(mlp.initialize(0, dtype=dtype), x, np.array([0, 2, 1, 1, 0]), loss)


def test_gradients_are_the_nodes_by_parameter_name(evaluation: Evaluation) -> None:
    assert list(evaluation.gradients) == list(evaluation.problem.parameters)
    for name, gradient in evaluation.gradients.items():
        assert gradient is evaluation.nodes[gradient_node(name)]
        assert gradient.shape == evaluation.problem.parameters[name].shape


def test_a_gradient_that_was_not_computed_is_left_out(evaluation: Evaluation) -> None:
    nodes = {name: array for name, array in evaluation.nodes.items() if name != "dense_1/dE_dbias"}
    assert "dense_1/bias" not in dataclasses.replace(evaluation, nodes=nodes).gradients


def test_the_loss_is_a_plain_number(evaluation: Evaluation) -> None:
    assert type(evaluation.loss) is float
    z, y = evaluation.nodes["dense_2/z"], evaluation.problem.y
    assert evaluation.loss == pytest.approx(((z - y) ** 2).mean(), rel=1e-14)  # 20 roundings of 1.1e-16


def test_the_problem_knows_its_own_derivation(evaluation: Evaluation) -> None:
    problem = evaluation.problem
    assert [e.node for e in problem.equations] == list(evaluation.nodes)
    assert problem.forward_nodes == ["dense_1/u", "dense_1/z", "dense_2/u", "dense_2/z", "loss"]
    assert list(problem.environment) == ["x", "y", *problem.parameters]
    assert (problem.batch, problem.dtype, problem.fused) == (5, np.dtype("float64"), False)


def test_the_problem_in_float64_has_the_same_values() -> None:
    single = sparse("float32").problem
    double = single.float64
    assert (single.dtype, double.dtype, double.y.dtype) == ("float32", "float64", single.y.dtype)
    np.testing.assert_array_equal(double.x, single.x)
    for name, array in single.parameters.items():
        np.testing.assert_array_equal(double.parameters[name], array)
        assert double.parameters[name].dtype == "float64"


def test_in_float64_the_weights_are_the_same_numbers() -> None:
    mlp = MLP(1, [Dense(1)])
    e = mlp.backpropagate(
        mlp.initialize(0, dtype="float32"), np.ones((2, 1)), np.ones((2, 1)), "mse", sample_weight=np.array([0.1, 2])
    )
    assert e.rerun is not None
    weights, fine = e.problem.sample_weight, e.rerun().problem.sample_weight
    assert weights is not None
    assert fine is not None
    assert (weights.dtype, fine.dtype) == (np.float32, np.float64)
    assert np.array_equal(fine, weights)
    assert e.problem.environment["sample_weight"] is weights


def test_in_float64_the_masks_are_the_same_numbers() -> None:
    e = MIXED.backpropagate(
        MIXED.initialize(0, dtype="float32"), np.ones((4, 3)), np.ones((4, 2)), "mse", MIXED.draws(0, 4)
    )
    assert e.rerun is not None
    fine, mask = e.rerun().problem.draws["dropout_1/mask"], e.problem.draws["dropout_1/mask"]
    assert (mask.dtype, fine.dtype) == (np.float32, np.float64)
    assert np.array_equal(fine, mask)
    assert e.problem.environment["dropout_1/mask"] is mask
