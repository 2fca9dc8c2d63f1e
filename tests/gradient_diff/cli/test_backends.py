"""Keras on another backend: commands that need it say so in one sentence, and the others do not ask."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from manual_mlp import MLP, Dense

ROOT = Path(__file__).parents[3]
BY_VARIABLE = {name: {"KERAS_BACKEND": name} for name in ("jax", "torch", "nonsense")}
BACKENDS = {**BY_VARIABLE, "keras.json": {"KERAS_HOME": "home"}}

NEEDED = [
    ("shapes", "model.keras"),
    ("check", "mine.py", "model.keras", "data.npz"),
    ("run", "three_layer_network", "--out", "results"),
]
FREE = [
    ("problem", "4-3-2", "--out", "another.npz"),
    ("compare", "reference.npz", "reference.npz"),
    ("shapes", "4-3-2"),
    ("explain", "transposed"),
    ("list",),
    ("run", "-h"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    np.savez(tmp_path / "data.npz", x=np.ones((2, 2)), y=np.ones((2, 1)))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "keras.json").write_text(json.dumps({"backend": "jax"}))
    mlp = MLP(2, [Dense(1)])
    mlp.backpropagate(mlp.initialize(0), np.ones((3, 2)), np.ones((3, 1)), "mse").save(tmp_path / "reference.npz")
    return tmp_path


def called(folder: Path, backend: str, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("KERAS_")}
    environment = {**plain, "PYTHONPATH": str(ROOT), "COLUMNS": "400", **BACKENDS[backend]}
    command = [sys.executable, "-m", "gradient_diff", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("arguments", NEEDED, ids=lambda arguments: arguments[0])
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_needs_keras_says_which_backend_to_set(folder: Path, backend: str, arguments: tuple[str, ...]) -> None:
    done = called(folder, backend, arguments)
    told = " ".join(re.sub(r"[─-╿]", " ", done.stderr).split())
    found = 'keras.json in home says "backend": "jax"' if backend == "keras.json" else f"KERAS_BACKEND={backend}"
    assert (done.returncode, "Traceback" in told) == (4, False)
    assert f"{found}. Set the environment variable KERAS_BACKEND=tensorflow before Python starts." in told


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("arguments", FREE, ids=" ".join)
@pytest.mark.parametrize("backend", ["nonsense", "keras.json"])
def test_what_needs_no_keras_does_not_ask(folder: Path, backend: str, arguments: tuple[str, ...]) -> None:
    done = called(folder, backend, arguments)
    assert (done.returncode, done.stderr.count("KERAS_BACKEND"), bool(done.stdout)) == (0, 0, True)
