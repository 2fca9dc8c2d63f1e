from __future__ import annotations

import numpy as np
import pytest

from experiments.article_c_gates.tape_descent import train_by_tape
from manual_mlp import MLP, Dense, train


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_goes_where_the_derivation_goes(dtype: str, capfd: pytest.CaptureFixture[str]) -> None:
    mlp, rng = MLP(2, [Dense(3, "tanh"), Dense(1, "sigmoid")]), np.random.default_rng(0)
    x, y = rng.normal(size=(5, 2)).astype(dtype), rng.integers(0, 2, (5, 1)).astype(dtype)
    start = mlp.initialize(0, dtype=dtype)
    mine, _ = train(mlp, start, x, y, "binary_crossentropy", learning_rate=0.5, epochs=20)
    theirs = train_by_tape(mlp, start, x, y, "binary_crossentropy", 0.5, 20)
    for name, array in mine.items():
        np.testing.assert_allclose(theirs[name], array, rtol=1e4 * float(np.finfo(dtype).eps))
        assert not np.allclose(array, start[name], rtol=1e-3)
    assert capfd.readouterr().err == ""


def test_three_steps_on_paper() -> None:
    """E = (w − 2)², dE/dw = 2 (w − 2): with lr ¼ the distance from 2 is halved in each step."""
    mlp, x, y = MLP(1, [Dense(1, use_bias=False)]), np.array([[1.0]]), np.array([[2.0]])
    start = {"dense_1/kernel": np.array([[0.0]])}
    assert train_by_tape(mlp, start, x, y, "mse", learning_rate=0.25, steps=3)["dense_1/kernel"] == [[1.75]]
    assert start["dense_1/kernel"] == [[0.0]]
