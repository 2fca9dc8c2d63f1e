from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from experiments.beyond.vanishing import nets as nets
from experiments.beyond.vanishing import study as study
from experiments.beyond.vanishing.pictures import by_depth, by_dtype, by_layer, by_training
from experiments.frame.running import Outcome
from experiments.support.datasets import digits

STUDY = "vanishing_gradients"
Tables = Callable[[str], pd.DataFrame]


def test_all_is_as_expected(outcome: Outcome) -> None:
    assert outcome.failed == ()
    assert outcome.summary == "14 of 14 comparisons as expected, 12 of 12 claims hold"


def test_the_norms_are_those_of_the_gradients(table: Tables) -> None:
    mlp, data = nets.deep_network(64, study.DEPTH, "tanh"), digits()
    x, y = data.images("train", nets.BATCH), data.one_hot("train", nets.BATCH)
    e = mlp.backpropagate(mlp.initialize(0, "he_normal"), x, y, nets.LOSS)
    expected = [np.linalg.norm(e.gradients[f"dense_{k}/kernel"]) for k in range(1, study.DEPTH + 2)]
    np.testing.assert_allclose(table("norm_of_de_dw_by_layer")["tanh, he_normal"], expected, rtol=1e-9)


def test_one_hidden_layer_of_the_table_by_depth(table: Tables) -> None:
    mlp, data = nets.deep_network(64, 1, "sigmoid"), digits()
    x, y = data.images("train", nets.BATCH), data.one_hot("train", nets.BATCH)
    g = mlp.backpropagate(mlp.initialize(0, "glorot_uniform"), x, y, nets.LOSS).gradients
    ratio = np.linalg.norm(g["dense_1/kernel"]) / np.linalg.norm(g["dense_2/kernel"])
    rows = table("lowest_over_highest_by_depth").set_index("hidden layers")
    assert rows.loc[1, "sigmoid, glorot_uniform"] == pytest.approx(ratio, rel=1e-9)


def test_pictures_are_drawn_from_the_saved_tables(table: Tables) -> None:
    assert len(by_layer(table("norm_of_de_dw_by_layer")).axes[0].lines) == 9
    assert len(by_depth(table("lowest_over_highest_by_depth")).axes[0].lines) == 9
    panels = by_training(table("gradients_and_kernels_along_the_training")).axes
    assert [len(axes.lines) for axes in panels] == [5, 5, 5, 5]
    for axes in panels:  # nothing is cut off by the common limits
        drawn = np.concatenate([line.get_ydata() for line in axes.lines])
        assert axes.get_ylim()[0] <= drawn.min() < drawn.max() <= axes.get_ylim()[1]
    assert len(by_dtype(table("norm_of_de_dw_by_layer_and_dtype")).axes[0].lines) == 3 * 3
