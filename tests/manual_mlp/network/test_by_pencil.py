"""Networks small enough to be derived by hand."""

from __future__ import annotations

import numpy as np

from manual_mlp import MLP, Dense


def test_one_weight_by_pencil() -> None:
    mlp = MLP(1, [Dense(1, "sigmoid")])
    parameters = {"dense_1/kernel": np.array([[0.5]]), "dense_1/bias": np.array([-2.0])}
    # u = 4·½ − 2 = 0, z = ½, E = ½(½ − 1)² = ⅛, dE/dz = −½, δ = −½·½(1 − ½) = −⅛
    e = mlp.backpropagate(parameters, np.array([[4.0]]), np.array([[1.0]]), "half_sum_squared_error")
    assert {name: array.tolist() for name, array in e.nodes.items()} == {
        "dense_1/u": [[0]],
        "dense_1/z": [[0.5]],
        "loss": 0.125,
        "dense_1/dE_dz": [[-0.5]],
        "dense_1/dE_du": [[-0.125]],
        "dense_1/dE_dkernel": [[-0.5]],
        "dense_1/dE_dbias": [-0.125],
        "inputs/dE_dx": [[-0.0625]],
    }


def test_a_chain_of_two_by_pencil() -> None:
    mlp = MLP(1, [Dense(1, "sigmoid"), Dense(1)])
    parameters = {
        "dense_1/kernel": np.array([[2.0]]),
        "dense_1/bias": np.array([-6.0]),
        "dense_2/kernel": np.array([[4.0]]),
        "dense_2/bias": np.array([1.0]),
    }
    # u₁ = 0, z₁ = ½, z₂ = 3, E = (3 − 1)² = 4, δ₂ = 4, dE/dW₂ = ½·4, dE/dz₁ = 4·4, δ₁ = 16·¼, dE/dW₁ = 3·4, dE/dx = 2·4
    e = mlp.backpropagate(parameters, np.array([[3.0]]), np.array([[1.0]]), "sum_squared_error")
    assert e.loss == 4
    assert {name: array.item() for name, array in e.gradients.items()} == {
        "dense_1/kernel": 12,
        "dense_1/bias": 4,
        "dense_2/kernel": 2,
        "dense_2/bias": 4,
    }
    assert (e.nodes["dense_1/dE_dz"].item(), e.nodes["inputs/dE_dx"].item()) == (16, 8)


def test_a_batch_of_two_by_pencil() -> None:
    mlp = MLP(2, [Dense(2, "relu"), Dense(1, use_bias=False)])
    parameters = {
        "dense_1/kernel": np.array([[1.0, -1.0], [2.0, 1.0]]),
        "dense_1/bias": np.array([0.0, 1.0]),
        "dense_2/kernel": np.array([[1.0], [3.0]]),
    }
    # sample 1: u = (5, 2), z₂ = 5 + 6 = 11, sample 2: u = (1, 0), z = (1, 0), z₂ = 1; E = ½(1² + 2²)/2 · 2 = 2.5
    # δ₂ = (1, 2); dE/dW₂ = zᵀδ₂; dE/dz = (1 3), (2 6); the unit at its kink passes nothing: δ₁ = (1 3), (2 0)
    x, y = np.array([[1.0, 2.0], [1.0, 0.0]]), np.array([[10.0], [-1.0]])
    e = mlp.backpropagate(parameters, x, y, "half_sum_squared_error")
    assert {name: array.tolist() for name, array in e.nodes.items()} == {
        "dense_1/u": [[5, 2], [1, 0]],
        "dense_1/z": [[5, 2], [1, 0]],
        "dense_2/u": [[11], [1]],
        "dense_2/z": [[11], [1]],
        "loss": 2.5,
        "dense_2/dE_dz": [[1], [2]],
        "dense_2/dE_du": [[1], [2]],
        "dense_2/dE_dkernel": [[7], [2]],
        "dense_1/dE_dz": [[1, 3], [2, 6]],
        "dense_1/dE_du": [[1, 3], [2, 0]],
        "dense_1/dE_dkernel": [[3, 3], [2, 6]],
        "dense_1/dE_dbias": [3, 3],
        "inputs/dE_dx": [[-2, 5], [2, 4]],
    }


def test_article_b_to_all_its_digits() -> None:
    mlp = MLP(2, [Dense(3, "sigmoid"), Dense(2, "sigmoid"), Dense(2)])
    parameters = {
        "dense_1/kernel": np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]),
        "dense_1/bias": np.array([0.1, 0.2, 0.3]),
        "dense_2/kernel": np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]),
        "dense_2/bias": np.array([0.1, 0.2]),
        "dense_3/kernel": np.array([[0.1, 0.3], [0.2, 0.4]]),
        "dense_3/bias": np.array([0.1, 0.2]),
    }
    trace = mlp.forward(parameters, np.array([[1.0, 0.5]]))
    printed = {name: [f"{value:.8f}" for value in array[0]] for name, array in trace.items()}
    assert printed["dense_1/u"] == ["0.30000000", "0.70000000", "1.10000000"]
    assert printed["dense_1/z"] == ["0.57444252", "0.66818777", "0.75026011"]
    assert printed["dense_2/z"] == ["0.62624937", "0.77101070"]
    assert printed["dense_3/z"] == ["0.31682708", "0.69627909"]
