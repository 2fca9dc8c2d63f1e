"""One small network, evaluated once, and ways to plant errors in a copy of its evaluation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from manual_mlp import MLP, Dense, Evaluation


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    mlp = MLP(3, [Dense(5, "tanh"), Dense(2)])
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    return mlp.backpropagate(mlp.initialize(0), x, y, "mean_squared_error")


@pytest.fixture
def planted(evaluation: Evaluation) -> Callable[..., Evaluation]:
    """A copy as if the tape had computed it, with the nodes named replaced, or left out where None."""

    def plant(changes: dict[str, object] | None = None) -> Evaluation:
        nodes = evaluation.nodes | (changes or {})
        kept = {name: np.asarray(array) for name, array in nodes.items() if array is not None}
        return dataclasses.replace(evaluation, nodes=kept, origin="keras eager")

    return plant
