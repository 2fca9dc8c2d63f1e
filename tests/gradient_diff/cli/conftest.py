"""One evaluation that files are held against."""

from __future__ import annotations

import numpy as np
import pytest

from manual_mlp import MLP, Dense, Evaluation


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    """Of a small float32 network, for files to be held against."""
    mlp = MLP(3, [Dense(2, "tanh"), Dense(1)])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 1))
    return mlp.backpropagate(mlp.initialize(0, dtype="float32"), x, y, "mse")
