"""Names are taken apart in one place."""

from __future__ import annotations

import pytest

from manual_mlp import MLP, Dense, Dropout, gradient_node
from manual_mlp.extend import INPUT_GRADIENT, LOSS, is_gradient, kind_of, layer_of, variable_of


@pytest.mark.parametrize(
    ("variable", "node"),
    [
        ("dense_1/kernel", "dense_1/dE_dkernel"),
        ("dense_1/u", "dense_1/dE_du"),
        ("attention/query/kernel", "attention/query/dE_dkernel"),
        ("x", INPUT_GRADIENT),
    ],
)
def test_a_gradient_and_its_variable_name_each_other(variable: str, node: str) -> None:
    assert (gradient_node(variable), variable_of(node)) == (node, variable)
    assert is_gradient(node)
    assert not is_gradient(variable)


def test_a_name_without_a_layer_has_no_gradient() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        gradient_node("bias")


@pytest.mark.parametrize("name", ["bias", LOSS, "dense_1/z", "dE_dW"])
def test_what_is_no_gradient_is_its_own_variable(name: str) -> None:
    assert variable_of(name) == name
    assert not is_gradient(name)


def test_a_gradient_is_by_one_kind() -> None:
    assert is_gradient("dense_1/dE_dkernel", "kernel", "bias")
    assert not is_gradient("dense_1/dE_dkernel", "bias")
    assert not is_gradient("dense_1/dE_dkernel_scale", "kernel")
    assert not is_gradient("dense_1/kernel", "kernel")


def test_layer_and_kind_make_the_name() -> None:
    assert (layer_of("attention/query/kernel"), kind_of("attention/query/kernel")) == ("attention/query", "kernel")
    assert (layer_of(LOSS), kind_of(LOSS)) == ("", LOSS)


def test_every_node_after_the_loss_is_a_gradient_and_none_before() -> None:
    nodes = [e.node for e in MLP(2, [Dense(3, "tanh"), Dropout(0.5), Dense(1)]).equations("mse")]
    assert [is_gradient(n) for n in nodes] == [i > nodes.index(LOSS) for i in range(len(nodes))]
    assert nodes[-1] == INPUT_GRADIENT
