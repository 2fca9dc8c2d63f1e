from __future__ import annotations

import numpy as np

from gradient_diff.diagnosis.reenactment.graph import Graph, Slope
from manual_mlp import MLP, Activation, Dense, Dropout
from manual_mlp.extend import Penalty
from manual_mlp.network.layers.layer import Layer


def graph(layers: list[Layer], loss: str = "mean_squared_error", fused: bool | None = None) -> Graph:
    mlp = MLP(2, layers)
    y = np.eye(mlp.units[-1])[np.zeros(4, int)]
    return Graph(mlp.problem(mlp.initialize(0), np.ones((4, 2)), y, loss, fused, mlp.draws(0, 4)))


def test_layers_without_a_kernel_stand_in_between() -> None:
    s = graph([Dropout(0.5), Dense(3, kernel_l2=0.25), Activation("tanh"), Dropout(0.5), Dense(2)])
    assert s.names == ["dense_1", "dense_2"]
    assert [s.below(n) for n in s.names] == ["dropout_1/z", "dropout_2/z"]
    assert [s.sent(n) for n in s.names] == ["dropout_1/dE_dz", "dropout_2/dE_dz"]
    assert s.penalties == {"dense_1/kernel": Penalty(l2=0.25)}
    path = [e.node for e in s.path("dropout_2/dE_dz", "dense_1/dE_du")]
    assert path == ["activation_1/dE_dz", "dense_1/dE_dz", "dense_1/dE_du"]


def test_the_slopes_of_both_kinds_of_activations() -> None:
    s = graph([Dense(3, "relu"), Dense(3), Activation("tanh"), Dense(2, "sigmoid")])
    assert [(x.layer, x.kind, x.u, x.node) for x in s.slopes] == [
        ("dense_3", "sigmoid", "dense_3/u", "dense_3/dE_du"),
        ("activation_1", "tanh", "dense_2/z", "dense_2/dE_dz"),
        ("dense_2", "linear", "dense_2/u", "dense_2/dE_du"),
        ("dense_1", "relu", "dense_1/u", "dense_1/dE_du"),
    ]
    assert s.output is s.slopes[0]
    assert [x.layer for x in s.hidden] == ["dense_1", "activation_1"]


def test_a_fused_output_is_known_though_nothing_goes_back_through_it() -> None:
    for layers, u, node in (
        ([Dense(3, "softmax")], "dense_1/u", "dense_1/dE_du"),
        ([Dense(3), Activation("softmax")], "dense_1/z", "dense_1/dE_dz"),
    ):
        s = graph(layers, "categorical_crossentropy")
        assert s.output is not None
        assert (s.output.kind, s.output.u, s.output.node) == ("softmax", u, node)
        assert s.output not in s.slopes


def test_the_activation_above_a_kernel_is_found_through_what_does_not_bend() -> None:
    s = graph([Dense(3), Activation("tanh"), Dropout(0.5), Dense(3), Dense(2, "softmax")], "categorical_crossentropy")
    found = [s.slope_above(name) for name in s.names]
    assert [x and (x.layer, x.g) for x in found] == [
        ("activation_1", "activation_1/dE_dz"),
        None,
        ("dense_3", "dense_3/dE_dz"),
    ]


def test_what_is_dropped_last_has_no_output_of_its_own() -> None:
    s = graph([Dense(3, "tanh"), Dropout(0.5)])
    assert s.output is None
    assert [x.layer for x in s.hidden] == ["dense_1"]


def test_relu_reads_u_and_sigmoid_z() -> None:
    names = ("dense_1/u", "dense_1/z", "dense_1/dE_dz", "dense_1/dE_du")
    assert [Slope("dense_1", kind, *names).reads for kind in ("relu", "sigmoid")] == ["dense_1/u", "dense_1/z"]


def test_the_right_derivation_of_weighed_samples_reads_their_weights() -> None:
    mlp = MLP(2, [Dense(1)])
    problem = mlp.problem(mlp.initialize(0), np.ones((4, 2)), np.ones((4, 1)), "mse", sample_weight=np.ones(4))
    assert Graph(problem).head.operands == ("dense_1/z", "y", "sample_weight")
    assert Graph(problem).equations == problem.equations
