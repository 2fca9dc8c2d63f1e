from __future__ import annotations

import pytest

from manual_mlp import MLP, Activation, Dense, Dropout
from manual_mlp.network.description import named, parameter_shapes, widths, word
from manual_mlp.network.layers import Layer


def test_names_are_counted_per_kind_past_those_that_are_given() -> None:
    layers = named([Dense(1), Dropout(0.5), Dense(1, name="middle"), Activation("tanh"), Dense(1), Dropout(0.5)])
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
        named(layers)


def test_two_layers_of_one_name() -> None:
    with pytest.raises(ValueError, match="Layer names dense_1 are taken"):
        named([Dropout(0.5, name="dense_1"), Dense(1)])


def test_what_keeps_the_width_keeps_the_letter() -> None:
    mlp = MLP(3, [Dropout(0.5), Dense(4), Activation("relu"), Dense(2)])
    assert widths(mlp) == [3, 3, 4, 4, 2]
    assert widths(mlp, letters=True) == ["n₀", "n₀", "n₂", "n₂", "n₄"]
    assert parameter_shapes(mlp, letters=True)["dense_2/kernel"] == ("n₂", "n₄")
    assert list(parameter_shapes(mlp, letters=False).values()) == [(3, 4), (4,), (4, 2), (2,)]


def test_words_of_a_title() -> None:
    assert [word(layer) for layer in (Dense(7, "tanh"), Dropout(0.25), Activation("relu"))] == [
        7,
        "dropout 0.25",
        "relu",
    ]
