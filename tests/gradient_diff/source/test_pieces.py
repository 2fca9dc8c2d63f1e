"""What a right derivation passes through: each piece is what its name says, and its tolerance is rounding."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.source.pieces import all_equations, pieces_of
from manual_mlp import MLP, Array, Dense, Problem
from manual_mlp.extend import draw_data


def drawn(*layers: Dense, loss: str) -> Problem:
    rng, mlp = np.random.default_rng(0), MLP(4, list(layers))
    x, y = draw_data(rng, 5, mlp, loss)
    return mlp.problem(mlp.initialize(rng, "glorot_normal", "normal(0.3)"), x, y, loss)


PROBLEMS = {
    "softmax": drawn(Dense(3, "tanh"), Dense(3, "softmax"), loss="categorical_crossentropy"),
    "sigmoid": drawn(Dense(3, "relu"), Dense(2, "sigmoid"), loss="binary_crossentropy"),
    "linear": drawn(Dense(3, "sigmoid"), Dense(2), loss="mse"),
}


def by_node(name: str) -> dict[str, Array]:
    return {p.node: p.array for p in reversed(pieces_of(PROBLEMS[name]))}


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_tolerances_are_rounding(name: str) -> None:
    for piece in pieces_of(PROBLEMS[name]):
        allowed = np.broadcast_to(piece.tolerance, piece.array.shape)
        assert (allowed >= 0).all()
        assert allowed.max() < 1e-12 * (1 + np.abs(piece.array).max()), piece.node


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_per_sample_is_a_row_a_sample(name: str) -> None:
    """What is computed of the first samples alone is the same: but for the factor 1/N."""
    whole = PROBLEMS[name]
    part = whole.mlp.problem(whole.parameters, whole.x[:3], whole.y[:3], whole.loss)
    first = {p.node: p.array for p in reversed(pieces_of(part))}
    for piece in pieces_of(whole):
        if piece.per_sample and piece.node in first and " with ones" not in piece.node:
            assert len(piece.array) == 5
            ratio = 5 / 3 if "dE_d" in piece.node else 1.0
            np.testing.assert_allclose(ratio * piece.array[:3], first[piece.node], 1e-9, 1e-12, err_msg=piece.node)


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_what_has_no_rows_of_samples(name: str) -> None:
    whole = {p.node for p in pieces_of(PROBLEMS[name]) if not p.per_sample}
    kinds = {node.rpartition("/")[2] for node in whole}
    of_bias = {"kernel with the bias", "dE_dkernel with the bias"}
    assert kinds == {"kernel", "bias", "dE_dkernel", "dE_dbias", "loss", "θ", "dθ", *of_bias}


def test_between_of_a_sigmoid() -> None:
    p = by_node("linear")
    z, u = p["dense_1/z"], p["dense_1/u"]
    np.testing.assert_allclose(p["dense_1/f′"], z * (1 - z))
    np.testing.assert_allclose(p["dense_1/1 − z"], 1 - z)
    np.testing.assert_allclose(p["dense_1/exp(−u)"], np.exp(-u))
    np.testing.assert_allclose(p["dense_1/1 + exp(−u)"], 1 + np.exp(-u))
    np.testing.assert_allclose(p["dense_1/z_prev W"], p["x"] @ p["dense_1/kernel"])
    np.testing.assert_allclose(p["dense_2/z − y"], p["dense_2/z"] - p["y"])


def test_between_of_tanh_and_softmax() -> None:
    p = by_node("softmax")
    u = p["dense_2/u"]
    shifted = u - u.max(axis=1, keepdims=True)
    np.testing.assert_allclose(p["dense_1/z²"], p["dense_1/z"] ** 2)
    np.testing.assert_allclose(p["dense_1/f′"], 1 - p["dense_1/z"] ** 2)
    np.testing.assert_allclose(p["dense_2/u − max"], shifted)
    np.testing.assert_allclose(p["dense_2/exp(u)"], np.exp(u))
    np.testing.assert_allclose(p["dense_2/Σ exp(u)"], np.exp(u).sum(1, keepdims=True))
    np.testing.assert_allclose(p["dense_2/log z"], np.log(p["dense_2/z"]))


def test_between_of_a_cross_entropy() -> None:
    p = by_node("sigmoid")
    z, y = p["dense_2/z"], p["y"]
    np.testing.assert_allclose(p["dense_2/y / z"], y / z)
    np.testing.assert_allclose(p["dense_2/(1 − y) / (1 − z)"], (1 - y) / (1 - z))
    np.testing.assert_allclose(p["dense_1/f′"], p["dense_1/u"] > 0)


@pytest.mark.parametrize("name", ["softmax", "sigmoid"])
def test_both_ladders_are_known(name: str) -> None:
    """Some derive through dE/dz of the output, some write z − y at once."""
    p, equations = by_node(name), all_equations(PROBLEMS[name])
    assert {"dense_2/dE_dz", "dense_2/dE_du"} <= p.keys() & equations.keys()
    np.testing.assert_allclose(p["dense_2/dE_du"] * 5 * (1 if name == "softmax" else 2), p["dense_2/z"] - p["y"])


def test_a_step() -> None:
    problem = PROBLEMS["linear"]
    p = {q.node: q.array for q in pieces_of(problem, 0.5)}
    for name, weight in problem.parameters.items():
        layer, kind = name.split("/")
        np.testing.assert_allclose(p[f"{name} after the step"], weight - 0.5 * p[f"{layer}/dE_d{kind}"])
    assert not any("after the step" in q.node for q in pieces_of(problem))
