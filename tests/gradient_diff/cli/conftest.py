"""Evaluations that files are held against, files of submissions, and calls of the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gradient_diff.cli import app
from manual_mlp import MLP, Dense, Evaluation


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    """Of a small float32 network, for files to be held against."""
    mlp = MLP(3, [Dense(2, "tanh"), Dense(1)])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 1))
    return mlp.backpropagate(mlp.initialize(0, dtype="float32"), x, y, "mse")


@pytest.fixture(scope="session")
def answer() -> Evaluation:
    """Of a problem for a class, 4-3-2."""
    mlp = MLP(4, [Dense(3, "sigmoid"), Dense(2)])
    rng = np.random.default_rng(0)
    parameters = mlp.initialize(rng, bias_initializer="normal(0.5)")
    return mlp.backpropagate(parameters, rng.normal(size=(7, 4)), rng.normal(size=(7, 2)), "mse")


@pytest.fixture
def reference(answer: Evaluation, tmp_path: Path) -> Path:
    """The answer in a file."""
    return answer.save(tmp_path / "reference.npz")


@pytest.fixture
def write(answer: Evaluation, tmp_path: Path) -> Callable[..., Path]:
    """A submission: the right gradients, with changes, or left out where None."""

    def put(name: str, **changes: object) -> Path:
        renamed = {key.replace("__", "/"): value for key, value in changes.items()}
        arrays = {n: a for n, a in {**answer.gradients, **renamed}.items() if a is not None}
        path = tmp_path / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez(file, **arrays)
        return path

    return put


@pytest.fixture
def call() -> Callable[..., tuple[int, str, str]]:
    """A command, `compare` if not said: exit code, what is printed, and what is told besides, without boxes."""

    def run(*arguments: object, columns: int = 120, verb: str = "compare") -> tuple[int, str, str]:
        environment = {"COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"}
        result = CliRunner().invoke(app(), [verb, *map(str, arguments)], env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, " ".join(re.sub(r"[─-╿]", " ", result.stderr).split())

    return run


RIGHT = """
import numpy as np

def gradients(parameters, x, y):
    W1, b1, W2, b2 = parameters.values()
    z = 1 / (1 + np.exp(-(x @ W1 + b1)))
    d2 = 2 * (z @ W2 + b2 - y) / y.size
    d1 = d2 @ W2.T * z * (1 - z)
    return {"dense_1/kernel": x.T@d1, "dense_1/bias": d1.sum(0), "dense_2/kernel": z.T @ d2, "dense_2/bias": d2.sum(0)}
"""


@pytest.fixture(scope="session")
def code() -> dict[str, str]:
    """Code for `answer`, as somebody writes it, right or not."""
    return {
        "right": RIGHT,
        "wrong": RIGHT.replace(" * (1 - z)", ""),
        "raising": RIGHT.replace("z.T @ d2", "z @ d2"),
        "empty": RIGHT.replace('"dense_1/bias": d1.sum(0), ', ""),
    }
