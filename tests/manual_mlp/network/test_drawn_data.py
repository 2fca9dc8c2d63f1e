"""Data drawn for a network are of the kind that its loss takes, and a seed gives the same ones in every release."""

from __future__ import annotations

import numpy as np
import pytest

from manual_mlp import LOSSES, MLP, Dense, Loss
from manual_mlp.extend import draw_data, draw_targets


@pytest.mark.parametrize("name", LOSSES)
def test_the_targets_are_of_the_kind_of_the_loss(name: str) -> None:
    y = draw_targets(np.random.default_rng(0), Loss(name), 50, 3)
    if name == "sparse_categorical_crossentropy":
        assert y.dtype.kind == "i"
        assert set(y.tolist()) == {0, 1, 2}
    elif name == "categorical_crossentropy":
        assert (y.sum(axis=1) == 1).all()
        assert set(y.ravel().tolist()) == {0.0, 1.0}
    elif name == "binary_crossentropy":
        assert set(y.sum(axis=1).tolist()) == {0.0, 1.0, 2.0, 3.0}
    elif LOSSES[name].targets == "signs":
        assert set(y.ravel().tolist()) == {-1.0, 1.0}
    elif LOSSES[name].targets == "distributions":
        assert (y.sum(axis=1) == 1).all()
    else:
        assert len(np.unique(y)) == 150


@pytest.mark.parametrize(
    ("loss", "last", "target"),
    [
        ("mean_squared_error", "linear", 0.22578661322792176),
        ("binary_crossentropy", "sigmoid", 1.0),
        ("categorical_crossentropy", "softmax", 0.0),
    ],
)
def test_a_seed_gives_the_numbers_that_it_always_gave(loss: str, last: str, target: float) -> None:
    x, y = draw_data(np.random.default_rng(3), 4, MLP(2, [Dense(3, last)]), loss)
    assert (x.shape, y.shape) == ((4, 2), (4, 3))
    assert x[0, 0] == 2.0409191213851825
    assert y[0, 0] == pytest.approx(target, rel=1e-15)
