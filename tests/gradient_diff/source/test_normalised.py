"""Every way to a value of a normalisation gives the same, as a value and as its text in NumPy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from gradient_diff.source.normalised import normalisation_steps, numbers_of
from gradient_diff.source.pieces import all_equations, pieces_of
from manual_mlp import MLP, Activation, Array, Dense, Problem
from manual_mlp.extend import Layer, draw_data, draw_parameters
from manual_mlp.layers import BatchNormalization, LayerNormalization, RMSNormalization


def drawn(*layers: Layer, training: bool = True) -> Problem:
    rng, mlp = np.random.default_rng(0), MLP(6, [Dense(4, "tanh"), *layers, Dense(3)])
    x, y = draw_data(rng, 5, mlp, "mse")
    return mlp.problem(draw_parameters(rng, mlp, "normal(0.3)"), x, y, "mse", training=training)


PROBLEMS = {
    "over the batch": drawn(BatchNormalization()),
    "in inference": drawn(BatchNormalization(), training=False),
    "before an activation": drawn(Dense(7, use_bias=False), BatchNormalization(scale=False), Activation("relu")),
    "of each sample": drawn(LayerNormalization(center=False)),
    "with no weights": drawn(BatchNormalization(center=False, scale=False)),
    "two of them": drawn(LayerNormalization(), Dense(7, "relu"), LayerNormalization()),
    "by the root mean square": drawn(RMSNormalization()),
}
each_problem = pytest.mark.parametrize("name", list(PROBLEMS))


def known(problem: Problem) -> dict[str, Array]:
    found = {p.node: p.array for p in reversed(pieces_of(problem))}
    return found | {n: np.asarray(v) for n, v in numbers_of(all_equations(problem), found).items()}


@each_problem
def test_every_step_to_a_node_gives_the_node(name: str) -> None:
    """Those to z, to the statistics and to dE/dz_prev, dE/dγ and dE/dβ are held against the equations."""
    values, equations = known(PROBLEMS[name]), all_equations(PROBLEMS[name])
    reached = set()
    for step in normalisation_steps(equations):
        np.testing.assert_allclose(
            step.written.function(*(values[o] for o in step.operands)),
            values[step.node],
            1e-9,
            1e-12,
            err_msg=str(step),
        )
        reached.add(step.node)
    own = {e.node for e in equations.values() if "normalization" in e.layer}
    assert own <= reached


@each_problem
def test_every_text_gives_the_value(name: str) -> None:
    values = known(PROBLEMS[name])
    for step in normalisation_steps(all_equations(PROBLEMS[name])):
        names = [f"v{i}" for i in range(len(step.operands))]
        space: Mapping[str, object] = {"np": np, **{v: values[o] for v, o in zip(names, step.operands, strict=True)}}
        np.testing.assert_allclose(
            eval(step.written.spelling.format(*names), dict(space)), values[step.node], 1e-9, 1e-12, err_msg=str(step)
        )


@each_problem
def test_of_a_node_the_batch_is_read_only_where_it_is(name: str) -> None:
    """A statistic over the batch, γ, β and their gradients have no rows of samples; one of each sample has."""
    for piece in pieces_of(PROBLEMS[name]):
        if "normalization" in piece.node and " with ones" not in piece.node:
            assert piece.per_sample == (piece.array.ndim == 2 and len(piece.array) == 5), piece.node


@each_problem
def test_tolerances_are_rounding(name: str) -> None:
    for piece in pieces_of(PROBLEMS[name]):
        allowed = np.broadcast_to(piece.tolerance, piece.array.shape)
        assert allowed.max() < 1e-12 * (1 + np.abs(piece.array).max()), piece.node


def test_what_comes_down_is_linear_and_what_goes_up_is_not() -> None:
    linear = {p.node.partition("/")[2]: p.linear for p in pieces_of(PROBLEMS["over the batch"]) if "batch_n" in p.node}
    assert {k for k in ("ĝ", "ĝ x̂", "mean ĝ", "dE/dv", "dE/dμ", "ĝ − mean ĝ − x̂ mean ĝ x̂") if linear[k]} == {
        "ĝ",
        "ĝ x̂",
        "mean ĝ",
        "dE/dv",
        "dE/dμ",
        "ĝ − mean ĝ − x̂ mean ĝ x̂",
    }
    assert not any(linear[k] for k in ("x̂", "√(v + ε)", "1 ⁄ √(v + ε)", "z_prev − μ"))


def test_in_inference_nothing_comes_back_through_the_statistics() -> None:
    kinds = {s.node.partition("/")[2] for s in normalisation_steps(all_equations(PROBLEMS["in inference"]))}
    assert "x̂" in kinds
    assert not kinds & {"moving_mean", "moving_variance", "mean ĝ", "dE/dv"}
