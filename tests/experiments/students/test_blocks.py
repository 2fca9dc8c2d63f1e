from __future__ import annotations

import pytest

from experiments.students.blocks import Block, blocks, input_mask
from manual_mlp import MLP, Activation, Dense, Dropout
from manual_mlp.layers import ActivityRegularization
from manual_mlp.network.layers.layer import Layer


def test_layers_fold_into_blocks() -> None:
    layers = [Dropout(0.1), Dense(3, kernel_l2=0.5), Activation("tanh"), Dropout(0.2), Dense(2, "relu", use_bias=False)]
    mlp = MLP(2, layers)
    assert blocks(mlp) == [
        Block("dense_1", 3, "tanh", use_bias=True, decay=0.5, mask="dropout_2/mask"),
        Block("dense_2", 2, "relu", use_bias=False, decay=0.0),
    ]
    assert input_mask(mlp) == "dropout_1/mask"


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(2, "tanh"), Activation("relu")],
        [Dense(2), Dropout(0.5), Activation("relu")],
        [Dense(2), Dropout(0.5), Dropout(0.5)],
        [Activation("relu"), Dense(2)],
        [Dropout(0.5), Dropout(0.5), Dense(2)],
        [Dense(2, kernel_l1=0.1)],
        [Dense(2, bias_l2=0.1)],
        [Dense(2, activity_l2=0.1)],
        [Dense(2), ActivityRegularization(0.1)],
    ],
)
def test_other_orders_are_refused(layers: list[Layer]) -> None:
    with pytest.raises(ValueError, match=r"foreseen|below the first Dense"):
        blocks(MLP(2, layers))
