"""Layers by name, their widths, and what a network reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from manual_mlp import MLP, Activation, Dense, Dropout
from manual_mlp.network.description import name_layers, parameter_shapes, shapes
from manual_mlp.network.layers.layer import Layer


def test_names_are_counted_per_kind_past_those_that_are_given() -> None:
    layers = name_layers([Dense(1), Dropout(0.5), Dense(1, name="middle"), Activation("tanh"), Dense(1), Dropout(0.5)])
    assert [layer.name for layer in layers] == [
        "dense_1",
        "dropout_1",
        "middle",
        "activation_1",
        "dense_3",
        "dropout_2",
    ]


@pytest.mark.parametrize("layers", [[], [Dropout(0.5)], [Activation("relu"), Dropout(0.5)]])
def test_something_must_be_learnt(layers: list[Layer]) -> None:
    with pytest.raises(ValueError, match="has nothing to learn"):
        name_layers(layers)


def test_two_layers_of_one_name() -> None:
    with pytest.raises(ValueError, match="Layer names dense_1 are taken"):
        name_layers([Dropout(0.5, name="dense_1"), Dense(1)])


def test_what_keeps_the_width_keeps_the_letter() -> None:
    mlp = MLP(3, [Dropout(0.5), Dense(4), Activation("relu"), Dense(2)])
    assert shapes(mlp) == [(3,), (3,), (4,), (4,), (2,)]
    assert shapes(mlp, letters=True) == [("n₀",), ("n₀",), ("n₂",), ("n₂",), ("n₄",)]
    assert parameter_shapes(mlp, letters=True)["dense_2/kernel"] == ("n₂", "n₄")
    assert list(parameter_shapes(mlp, letters=False).values()) == [(3, 4), (4,), (4, 2), (2,)]


def test_words_of_a_title() -> None:
    assert [layer.word for layer in (Dense(7, "tanh"), Dropout(0.25), Activation("relu"))] == [
        7,
        "dropout 0.25",
        "relu",
    ]


def test_layers_are_named_per_kind_from_one() -> None:
    mlp = MLP(2, [Dense(3), Dense(3, name="middle"), Dense(1)])
    assert [layer.name for layer in mlp.layers] == ["dense_1", "middle", "dense_3"]
    assert mlp.units == (3, 3, 1)
    assert mlp.parameter_shapes == {
        "dense_1/kernel": (2, 3),
        "dense_1/bias": (3,),
        "middle/kernel": (3, 3),
        "middle/bias": (3,),
        "dense_3/kernel": (3, 1),
        "dense_3/bias": (1,),
    }


def test_leaf_shapes_in_numbers_and_letters() -> None:
    mlp = MLP(3, [Dense(2)])
    assert mlp.leaf_shapes(5) == {"x": (5, 3), "y": (5, 2), "dense_1/kernel": (3, 2), "dense_1/bias": (2,)}
    assert mlp.leaf_shapes("N", "sparse_categorical_crossentropy", letters=True) == {
        "x": ("N", "n₀"),
        "y": ("N",),
        "dense_1/kernel": ("n₀", "n₁"),
        "dense_1/bias": ("n₁",),
    }
    assert MLP(1, [Dense(1)] * 10).leaf_shapes("N", letters=True)["y"] == ("N", "n₁₀")


def test_to_plain_data_and_back() -> None:
    mlp = MLP(2, [Dense(3, "tanh", name="a"), Dense(1, use_bias=False)])
    assert MLP.from_dict(mlp.to_dict()) == mlp
    assert mlp != MLP(2, [Dense(3, "tanh", name="a"), Dense(1)])


@pytest.mark.parametrize(
    ("inputs", "layers", "error", "message"),
    [
        (0, [Dense(1)], ValueError, "MLP(inputs=0): expected at least 1."),
        (
            2.0,
            [Dense(1)],
            TypeError,
            "MLP(inputs=2.0): expected a whole number, the features per sample, or a shape such as (28, 28).",
        ),
        (
            True,
            [Dense(1)],
            TypeError,
            "MLP(inputs=True): expected a whole number, the features per sample, or a shape such as (28, 28).",
        ),
        (2, [], ValueError, "An MLP without a Dense layer has nothing to learn: add at least one."),
        (2, [5], TypeError, "5 is no layer. Expected Dense(units), Dropout(rate) or Activation(name)."),
        (2, Dense(3), TypeError, "MLP: layers is Dense: expected a list of them, such as [Dense(3), Dense(1)]."),
        (2, "dense", TypeError, "MLP: layers is str: expected a list of them, such as [Dense(3), Dense(1)]."),
        (
            2,
            [Dense(1, name="dense_2"), Dense(1)],
            ValueError,
            "Layer names dense_2 are taken: names of layers must differ, and not be 'inputs'.",
        ),
        (
            2,
            [Dense(1, name="inputs")],
            ValueError,
            "Layer names inputs are taken: names of layers must differ, and not be 'inputs'.",
        ),
    ],
)
def test_a_bad_description_says_what_was_expected(
    inputs: Any, layers: list[Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        MLP(inputs, layers)
    assert str(caught.value) == message


MIXED = MLP(3, [Dropout(0.5), Dense(4, kernel_l2=0.25), Activation("tanh"), Dropout(0.25), Dense(2)])


def test_layers_are_counted_per_kind() -> None:
    assert [layer.name for layer in MIXED.layers] == ["dropout_1", "dense_1", "activation_1", "dropout_2", "dense_2"]
    assert MIXED.units == (3, 4, 4, 4, 2)
    assert MIXED.outline == "3-dropout 0.5-4-tanh-dropout 0.25-2"


def test_a_network_of_several_kinds_of_layers_comes_back_from_plain_data() -> None:
    assert MLP.from_dict(MIXED.to_dict()) == MIXED


def test_shapes_of_what_is_read() -> None:
    shapes = MIXED.leaf_shapes("N", letters=True)
    assert shapes["dropout_1/mask"] == ("N", "n₀")
    assert shapes["dropout_2/mask"] == ("N", "n₂")
    assert shapes["dense_2/kernel"] == ("n₂", "n₅")
    assert MIXED.leaf_shapes(7)["dropout_2/mask"] == (7, 4)


def test_draws_repeat_with_their_seed() -> None:
    one, other, more = (MIXED.draws(seed, 50) for seed in (1, 1, 2))
    assert list(one) == ["dropout_1/mask", "dropout_2/mask"]
    assert [one[n].shape for n in one] == [(50, 3), (50, 4)]
    assert all(np.array_equal(one[n], other[n]) for n in one)
    assert not any(np.array_equal(one[n], more[n]) for n in one)
    assert set(np.unique(one["dropout_2/mask"])) == {0.0, 1 / 0.75}
    assert MLP(2, [Dense(1)]).draws(0, 5) == {}


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (0, ValueError, "batch=0: expected at least 1."),
        (2.5, TypeError, "batch=2.5: expected a whole number, the samples that one mask covers."),
    ],
)
def test_a_batch_that_is_none(batch: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        MIXED.draws(0, batch)
    assert str(caught.value) == message
