"""The equations of whole networks of several kinds of layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manual_mlp import MLP, Activation, Dense, Dropout, Loss, Problem, evaluation_of
from manual_mlp.network.derivation import fusible
from manual_mlp.network.layers.layer import Layer


@settings(deadline=None, max_examples=60, derandomize=True)
@given(data=st.data())
def test_the_gradient_of_any_net_is_the_complex_step_of_its_E(
    data: st.DataObject, problems: Callable[..., st.SearchStrategy[Problem]], gradients_hold: Callable[..., None]
) -> None:
    gradients_hold(evaluation_of(data.draw(problems(varied=True))))


def test_every_node_in_the_order_of_the_computation() -> None:
    layers = [Dropout(0.2), Dense(4, kernel_l2=0.5), Activation("relu"), Dense(3), Activation("softmax")]
    equations = MLP(6, layers).equations("categorical_crossentropy")
    assert [e.node for e in equations] == [
        *(
            "dropout_1/z",
            "dense_1/u",
            "dense_1/z",
            "activation_1/z",
            "dense_2/u",
            "dense_2/z",
            "activation_2/z",
            "loss",
        ),
        *("dense_2/dE_dz", "dense_2/dE_du", "dense_2/dE_dkernel", "dense_2/dE_dbias", "activation_1/dE_dz"),
        *("dense_1/dE_dz", "dense_1/dE_du", "dense_1/dE_dkernel", "dense_1/dE_dbias", "dropout_1/dE_dz"),
        "inputs/dE_dx",
    ]


def test_the_decays_of_all_kernels_are_in_E() -> None:
    mlp = MLP(2, [Dense(3, kernel_l2=0.5), Dense(2), Dense(1, kernel_l2=0.25)])
    (value,) = [e for e in mlp.equations("mse") if e.node == "loss"]
    assert value.operands == ("dense_3/z", "y", "dense_1/kernel", "dense_3/kernel")
    assert value.formula == "E = 1/(N·K) Σ_n Σ_k (z − y)² + 0.5 Σ W_prev² + 0.25 Σ W²"


def test_the_weights_are_read_by_E_and_by_its_gradient_alone() -> None:
    mlp = MLP(2, [Dense(3, kernel_l2=0.5), Dense(1)])
    readers = {e.node: e for e in mlp.equations("mse", weighted=True) if "sample_weight" in e.operands}
    assert {n: e.operands for n, e in readers.items()} == {
        "loss": ("dense_2/z", "y", "dense_1/kernel", "sample_weight"),
        "dense_2/dE_dz": ("dense_2/z", "y", "sample_weight"),
    }
    assert readers["loss"].formula == "E = 1/(N·K) Σ_n w_n Σ_k (z − y)² + 0.5 Σ W_prev²"
    assert readers["dense_2/dE_dz"].formula == "dE/dz = w_n · 2/(N·K) (z − y)"
    assert mlp.leaf_shapes("N", weighted=True)["sample_weight"] == ("N",)


FUSED: list[tuple[list[Layer], str | None, list[str]]] = [
    ([Dense(3, "softmax")], "dense_1", ["loss", "dense_1/dE_du"]),
    ([Dense(3), Activation("softmax")], "activation_1", ["loss", "dense_1/dE_dz"]),
    ([Dense(3), Dropout(0.5), Activation("softmax")], "activation_1", ["loss", "dropout_1/dE_dz"]),
    ([Dense(3, "softmax"), Activation("linear")], "dense_1", ["loss", "dense_1/dE_du"]),
    ([Dense(3, "softmax"), Dropout(0.0)], "dense_1", ["loss", "dense_1/dE_du"]),
    ([Dense(3, "softmax"), Dropout(0.5)], None, ["loss", "dropout_1/dE_dz"]),
    ([Dense(3), Activation("relu")], "activation_1", ["loss", "activation_1/dE_dz"]),
]


@pytest.mark.parametrize(("layers", "head", "nodes"), FUSED)
def test_what_a_cross_entropy_takes_in(layers: list[Layer], head: str | None, nodes: list[str]) -> None:
    mlp = MLP(2, layers)
    found = fusible(mlp.layers)
    assert (found and found.name) == head
    names = [e.node for e in mlp.equations("categorical_crossentropy")]
    first = names.index("loss")
    assert names[first : first + 2] == nodes


@pytest.mark.parametrize("fused", [True, False])
def test_fused_or_not_the_gradients_are_the_same(fused: bool) -> None:
    mlp = MLP(3, [Dense(4, "tanh"), Dropout(0.3), Dense(3), Activation("softmax")])
    rng = np.random.default_rng(0)
    x, y, masks = rng.normal(size=(5, 3)), np.eye(3)[rng.integers(0, 3, 5)], mlp.draws(0, 5)
    one = mlp.backpropagate(mlp.initialize(0), x, y, "categorical_crossentropy", masks)
    other = evaluation_of(mlp.problem(mlp.initialize(0), x, y, "categorical_crossentropy", fused, masks))
    for name, gradient in one.gradients.items():  # three layers of sums of at most 5 terms
        np.testing.assert_allclose(other.gradients[name], gradient, rtol=1e-12, atol=1e-14)


REFUSED: list[tuple[list[Layer], dict[str, Any], str]] = [
    (
        [Dense(1), Activation("step")],
        {},
        (
            "activation_1: δ = dE/dz ⊙ f′ has no f′ for 'step', which runs forward only. "
            "Use 'sigmoid' in its place to train."
        ),
    ),
    (
        [Dense(2, "softmax"), Dropout(0.5)],
        {"fused": True},
        "dropout_1: dropout cannot be fused into categorical_crossentropy. Leave fused out.",
    ),
    (
        [Dense(2), Activation("sigmoid")],
        {"fused": True},
        "activation_1: sigmoid cannot be fused into categorical_crossentropy. Leave fused out.",
    ),
]


@pytest.mark.parametrize(("layers", "options", "message"), REFUSED)
def test_what_has_no_derivation_is_refused(layers: list[Layer], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message follows
        MLP(2, layers).equations("categorical_crossentropy", **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("layers", "loss", "fused", "message"),
    [
        (
            [Dense(2, "step"), Dense(1)],
            Loss("mse"),
            None,
            (
                "dense_1: δ = dE/dz ⊙ f′ has no f′ for 'step', which runs forward only. "
                "Use 'sigmoid' in its place to train."
            ),
        ),
        (
            [Dense(2, "softmax")],
            Loss("categorical_crossentropy", from_logits=True),
            None,
            (
                "dense_1: categorical_crossentropy with from_logits=True expects logits, but the layer already applies "
                "softmax. Give it activation='linear', or leave from_logits out."
            ),
        ),
        (
            [Dense(2, "sigmoid")],
            Loss("bce", from_logits=True),
            None,
            (
                "dense_1: binary_crossentropy with from_logits=True expects logits, but the layer already applies "
                "sigmoid. Give it activation='linear', or leave from_logits out."
            ),
        ),
        (
            [Dense(2, "sigmoid")],
            Loss("mse"),
            True,
            "dense_1: sigmoid cannot be fused into mean_squared_error. Leave fused out.",
        ),
        (
            [Dense(2, "tanh")],
            Loss("bce"),
            True,
            "dense_1: tanh cannot be fused into binary_crossentropy. Leave fused out.",
        ),
    ],
)
def test_what_cannot_be_derived_says_why(layers: list[Dense], loss: Loss, fused: bool | None, message: str) -> None:
    with pytest.raises(ValueError, match="dense_1") as error:
        MLP(3, layers).equations(loss, fused)
    assert str(error.value) == message


def test_a_step_is_refused_when_gradients_are_asked_for() -> None:
    mlp = MLP(1, [Dense(1, "step")])
    with pytest.raises(ValueError, match=r"^dense_1: .* runs forward only"):
        mlp.backpropagate(mlp.initialize(0), np.ones((1, 1)), np.ones((1, 1)), "mse")
