"""Names as a book writes them."""

import pytest

from gradient_diff.ledger.symbols import indexed, indexed_width, positions, symbolic
from manual_mlp import MLP, Activation, Dense


@pytest.mark.parametrize(
    ("name", "written"),
    [("dense_2/dE_dkernel", "dE/dW⁽²⁾"), ("x", "x"), ("dense_12/z", "z⁽¹²⁾"), ("dense_2/dE_du", "δ⁽²⁾")],
)
def test_a_name_has_the_number_of_its_layer(name: str, written: str) -> None:
    assert indexed(name, {"dense_2": 2, "dense_12": 12}) == written


def test_layers_are_counted_from_the_input() -> None:
    assert positions(MLP(2, [Dense(3), Activation("tanh"), Dense(1)])) == {
        "dense_1": 1,
        "activation_1": 2,
        "dense_2": 3,
    }
    assert [indexed_width(i) for i in (0, 1, 12)] == ["n₀", "n₁", "n₁₂"]


def test_a_squared_symbol_takes_brackets_lest_its_layer_read_as_the_power() -> None:
    mlp = MLP(1, [Dense(5, "tanh"), Dense(2, "tanh")])
    written = [symbolic(e, positions(mlp)) for e in mlp.equations("mse")]
    assert written[6:8] == ["δ⁽²⁾ = dE/dz⁽²⁾ ⊙ (1 − (z⁽²⁾)²)", "dE/dW⁽²⁾ = z⁽¹⁾ᵀ δ⁽²⁾"]
