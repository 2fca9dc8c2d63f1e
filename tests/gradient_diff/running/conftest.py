"""A problem, right code for it, and files with code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from manual_mlp import MLP, Dense, Evaluation

RIGHT = """
import os, sys, threading, time
import numpy as np

def gradients(parameters, x, y):
    W1, b1, W2, b2 = parameters.values()
    z = 1 / (1 + np.exp(-(x @ W1 + b1)))
    d2 = 2 * (z @ W2 + b2 - y) / y.size
    d1 = d2 @ W2.T * z * (1 - z)
    return {"dense_1/kernel": x.T@d1, "dense_1/bias": d1.sum(0), "dense_2/kernel": z.T @ d2, "dense_2/bias": d2.sum(0)}
"""
"""Lines 2 to 10, after an empty one."""


@pytest.fixture(scope="session")
def answer() -> Evaluation:
    mlp = MLP(4, [Dense(3, "sigmoid"), Dense(2)])
    rng = np.random.default_rng(0)
    parameters = mlp.initialize(rng, bias_initializer="normal(0.5)")
    return mlp.backpropagate(parameters, rng.normal(size=(7, 4)), rng.normal(size=(7, 2)), "mse")


@pytest.fixture
def reference(answer: Evaluation, tmp_path: Path) -> Path:
    return answer.save(tmp_path / "reference.npz")


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """A file with right code, behind it lines of other statements, and one at the beginning of the function."""

    def write(name: str = "mine.py", after: str = "", inside: str = "", whole: str | None = None) -> Path:
        head, body = RIGHT.split("    W1, b1", 1)
        path = tmp_path / "submissions" / name
        path.parent.mkdir(exist_ok=True)
        text = f"{head}    {inside or 'pass'}\n    W1, b1{body}{after}\n"
        path.write_text(text if whole is None else whole, "utf-8")
        return path

    return write
