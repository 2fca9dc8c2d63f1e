import dataclasses
from typing import Any

import pytest

from manual_mlp import Dense
from manual_mlp.layers import layer_from_dict


def test_a_layer_is_frozen_and_compared_by_value() -> None:
    assert Dense(3, "tanh") == Dense(3, activation="tanh", use_bias=True, name=None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Dense(3).units = 4


def test_parameter_shapes_in_numbers_and_letters() -> None:
    assert Dense(5).parameter_shapes(3) == {"kernel": (3, 5), "bias": (5,)}
    assert Dense(5, use_bias=False).parameter_shapes(3) == {"kernel": (3, 5)}
    assert Dense(5).parameter_shapes("n₀", "n₁") == {"kernel": ("n₀", "n₁"), "bias": ("n₁",)}


def test_equations_forward_and_right_below_them_backward() -> None:
    layer = Dense(2, "tanh", name="top")
    assert [(e.node, e.operands) for e in layer.forward("below/z")] == [
        ("top/u", ("below/z", "top/kernel", "top/bias")),
        ("top/z", ("top/u",)),
    ]
    assert (layer.pullback().node, layer.pullback().operands) == ("top/dE_du", ("top/dE_dz", "top/z"))
    assert [(e.node, e.operands) for e in layer.backward("below/z", "below/dE_dz")] == [
        ("top/dE_dkernel", ("below/z", "top/dE_du")),
        ("top/dE_dbias", ("top/dE_du",)),
        ("below/dE_dz", ("top/dE_du", "top/kernel")),
    ]
    assert {e.layer for e in (*layer.forward("x"), layer.pullback(), *layer.backward("x", "inputs/dE_dx"))} == {"top"}


def test_without_a_bias_nothing_is_left_of_it() -> None:
    layer = Dense(2, use_bias=False, name="top")
    equations = (*layer.forward("x"), layer.pullback(), *layer.backward("x", "inputs/dE_dx"))
    assert not [e for e in equations if "bias" in e.node or any("bias" in o for o in e.operands)]


def test_the_pullback_reads_what_the_activation_says() -> None:
    assert Dense(2, "relu", name="a").pullback().operands == ("a/dE_dz", "a/u")
    assert Dense(2, "sigmoid", name="a").pullback().operands == ("a/dE_dz", "a/z")


def test_to_plain_data_and_back() -> None:
    layer = Dense(7, "softmax", use_bias=False, name="last")
    data = layer.to_dict()
    assert data == {"kind": "dense", "units": 7, "activation": "softmax", "use_bias": False, "name": "last"}
    assert layer_from_dict(data) == layer


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"units": 0}, ValueError, "Dense(units=0): expected at least 1."),
        ({"units": 2.5}, TypeError, "Dense(units=2.5): expected a whole number such as 5."),
        ({"units": True}, TypeError, "Dense(units=True): expected a whole number such as 5."),
        ({"units": "5"}, TypeError, "Dense(units='5'): expected a whole number such as 5."),
        (
            {"units": 1, "name": "a/b"},
            ValueError,
            "Layer name 'a/b': expected text without '/', which separates layer and array.",
        ),
        (
            {"units": 1, "name": ""},
            ValueError,
            "Layer name '': expected text without '/', which separates layer and array.",
        ),
        (
            {"units": 1, "activation": "tan"},
            ValueError,
            "Unknown activation 'tan'. Did you mean 'tanh'? Known: linear, relu, sigmoid, softmax, step, tanh.",
        ),
    ],
)
def test_a_bad_description_says_what_was_expected(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        Dense(**arguments)
    assert str(caught.value) == message


def test_an_unknown_kind_of_layer_in_a_file() -> None:
    with pytest.raises(ValueError, match="kind") as error:
        layer_from_dict({"kind": "conv", "units": 3})
    assert str(error.value) == "Unknown layer kind 'conv': this version reads dense."
