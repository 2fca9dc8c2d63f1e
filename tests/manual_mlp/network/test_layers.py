import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from manual_mlp import ACTIVATIONS, Activation, Dense, Dropout
from manual_mlp.layers import ActivityRegularization
from manual_mlp.network.layers.layer import Layer
from manual_mlp.network.layers.table import layer_from_dict

KNOWN = ", ".join(sorted([*ACTIVATIONS, "threshold", "swish", "hard_swish"])) + "."


def test_a_layer_is_frozen_and_compared_by_value() -> None:
    assert Dense(3, "tanh") == Dense(3, activation="tanh", use_bias=True, name=None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Dense(3).units = 4


def test_parameter_shapes_in_numbers_and_letters() -> None:
    assert Dense(5).parameter_shapes((3,)) == {"kernel": (3, 5), "bias": (5,)}
    assert Dense(5, use_bias=False).parameter_shapes((3,)) == {"kernel": (3, 5)}
    assert Dense(5).parameter_shapes(("n₀",), "n₁") == {"kernel": ("n₀", "n₁"), "bias": ("n₁",)}


def test_equations_forward_and_right_below_them_backward() -> None:
    layer = Dense(2, "tanh", name="top")
    assert [(e.node, e.operands) for e in layer.forward("below/z")] == [
        ("top/u", ("below/z", "top/kernel", "top/bias")),
        ("top/z", ("top/u",)),
    ]
    assert [(e.node, e.operands) for e in layer.backward("below/z", "below/dE_dz")] == [
        ("top/dE_du", ("top/dE_dz", "top/z")),
        ("top/dE_dkernel", ("below/z", "top/dE_du")),
        ("top/dE_dbias", ("top/dE_du",)),
        ("below/dE_dz", ("top/dE_du", "top/kernel")),
    ]
    assert {e.layer for e in (*layer.forward("x"), *layer.backward("x", "inputs/dE_dx"))} == {"top"}


def test_without_a_bias_nothing_is_left_of_it() -> None:
    layer = Dense(2, use_bias=False, name="top")
    equations = (*layer.forward("x"), *layer.backward("x", "inputs/dE_dx"))
    assert not [e for e in equations if "bias" in e.node or any("bias" in o for o in e.operands)]


@pytest.mark.parametrize(("name", "dense", "alone"), [("relu", "a/u", "below/z"), ("sigmoid", "a/z", "a/z")])
def test_the_pullback_reads_what_the_activation_says(name: str, dense: str, alone: str) -> None:
    assert Dense(2, name, name="a").backward("below/z", "below/dE_dz")[0].operands == ("a/dE_dz", dense)
    assert Activation(name, "a").backward("below/z", "below/dE_dz")[0].operands == ("a/dE_dz", alone)


def test_a_fused_activation_leaves_its_pullback_to_the_loss() -> None:
    dense, alone = Dense(2, "softmax", name="a"), Activation("softmax", "a")
    assert dense.fused_ends("below/z", "below/dE_dz") == ("a/u", "a/dE_du")
    assert next(e.node for e in dense.backward("x", "inputs/dE_dx", fused=True)) == "a/dE_dkernel"
    assert alone.fused_ends("below/z", "below/dE_dz") == ("below/z", "below/dE_dz")
    assert alone.backward("below/z", "below/dE_dz", fused=True) == ()


def test_a_decay_is_a_term_of_the_kernels_gradient() -> None:
    lines = [e.formula for e in Dense(2, kernel_l2=0.25, name="a").backward("x", "inputs/dE_dx")]
    assert lines == ["δ = dE/dz", "dE/dW = xᵀ δ + 0.5 W", "dE/db = Σ_N δ", "dE/dx = δ Wᵀ"]


def test_dropout_multiplies_by_its_mask_forward_and_backward() -> None:
    layer = Dropout(0.3, "drop")
    (forward,), (backward,) = layer.forward("dense_1/z"), layer.backward("dense_1/z", "dense_1/dE_dz")
    assert (forward.formula, forward.operands) == ("z = z_prev ⊙ m", ("dense_1/z", "drop/mask"))
    assert (backward.formula, backward.node) == ("dE/dz_prev = dE/dz ⊙ m", "dense_1/dE_dz")
    assert backward.operands == ("drop/dE_dz", "drop/mask")


def test_dropout_is_the_identity_in_inference() -> None:
    (forward,) = Dropout(0.3, "drop").forward("dense_1/z", training=False)
    assert (forward.formula, forward.operands) == ("z = z_prev", ("dense_1/z",))


def test_a_mask_keeps_its_share_and_its_mean() -> None:
    mask = Dropout(0.3).sample(np.random.default_rng(0), (400, 500), "float64")
    assert set(np.unique(mask)) == {0.0, 1 / 0.7}
    # a share of 200,000 draws has a standard deviation of 0.001
    assert abs((mask > 0).mean() - 0.7) < 0.006
    assert abs(mask.mean() - 1) < 0.006 / 0.7


def test_what_hands_on_its_input_is_transparent() -> None:
    assert Activation("linear").transparent
    assert Dropout(0.0).transparent
    assert not Activation("relu").transparent
    assert not Dropout(0.1).transparent


@pytest.mark.parametrize("layer", [Dropout(0.3, "d"), Activation("relu"), Dense(2, "tanh", kernel_l2=1e-3)])
def test_every_kind_of_layer_comes_back_from_plain_data(layer: Layer) -> None:
    assert layer_from_dict(json.loads(json.dumps(layer.to_dict()))) == layer


def test_a_lambda_that_is_there_is_written_down_and_one_of_0_is_not() -> None:
    data = Dense(2, name="a", kernel_l1=0.5, activity_l2=0.25).to_dict()
    assert {n: v for n, v in data.items() if "_l" in n} == {"kernel_l2": 0.0, "kernel_l1": 0.5, "activity_l2": 0.25}


def test_to_plain_data_and_back() -> None:
    layer = Dense(7, "softmax", use_bias=False, name="last")
    data = layer.to_dict()
    fields = {"units": 7, "activation": "softmax", "use_bias": False, "name": "last", "kernel_l2": 0.0}
    assert data == {"kind": "dense", **fields}
    assert layer_from_dict(data) == layer


LAMBDAS = [
    (name, value, f"Dense({name}={value}): expected a finite λ of 0 or more, such as 1e-4.")
    for name in ("kernel_l1", "kernel_l2", "bias_l1", "bias_l2", "activity_l1", "activity_l2")
    for value in (-0.1, float("nan"), float("inf"))
]


@pytest.mark.parametrize(
    ("layer", "arguments", "error", "message"),
    [
        (
            Dropout,
            {"rate": 1.0},
            ValueError,
            "Dropout(rate=1.0): expected a share of 0 or more and below 1, such as 0.3.",
        ),
        (
            Dropout,
            {"rate": -0.1},
            ValueError,
            "Dropout(rate=-0.1): expected a share of 0 or more and below 1, such as 0.3.",
        ),
        (Dropout, {"rate": "half"}, TypeError, "Dropout(rate=…) is str: expected a number."),
        (
            Dropout,
            {"rate": 0.5, "name": "a/b"},
            ValueError,
            "Layer name 'a/b': expected text without '/', which separates layer and array.",
        ),
        (
            Activation,
            {"activation": "tan"},
            ValueError,
            "Unknown activation 'tan'. Did you mean 'tanh'? Known: " + KNOWN,
        ),
        (
            Dense,
            {"units": 1, "kernel_l2": -1.0},
            ValueError,
            "Dense(kernel_l2=-1.0): expected a finite λ of 0 or more, such as 1e-4.",
        ),
        (Dense, {"units": 1, "kernel_l2": "l2"}, TypeError, "Dense(kernel_l2=…) is str: expected a number."),
        *((Dense, {"units": 1, name: value}, ValueError, message) for name, value, message in LAMBDAS),
        (Dense, {"units": 1, "bias_l1": "l1"}, TypeError, "Dense(bias_l1=…) is str: expected a number."),
        (
            Dense,
            {"units": 1, "use_bias": False, "bias_l2": 0.1},
            ValueError,
            "Dense(use_bias=False): there is no b, but a λ of one. Leave bias_l1 and bias_l2 out.",
        ),
        (
            ActivityRegularization,
            {"l1": -0.5},
            ValueError,
            "ActivityRegularization(l1=-0.5): expected a finite λ of 0 or more, such as 1e-4.",
        ),
        (ActivityRegularization, {"l2": [0.1]}, TypeError, "ActivityRegularization(l2=…) is list: expected a number."),
    ],
)
def test_what_is_no_layer_says_what_was_expected(
    layer: type[Layer], arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        layer(**arguments)
    assert str(caught.value) == message


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
            "Unknown activation 'tan'. Did you mean 'tanh'? Known: " + KNOWN,
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
    assert str(error.value) == (
        "Unknown layer kind 'conv': this version reads dense, batch_normalization, layer_normalization, "
        "rms_normalization, dropout, activation, flatten, reshape, permute, identity, rescaling, "
        "activity_regularization, normalization."
    )
