from __future__ import annotations

import json
import subprocess
import sys

import pytest

from experiments.benchmarks.speed import training_memory
from experiments.benchmarks.speed.training_memory import ALLOWED, OPTIMIZERS, STATUS

pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells the peak of a process")


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_needs_its_data_and_little_more(name: str) -> None:
    row = training_memory.measure_apart(name)
    assert row is not None
    assert row["reached?"] == "reached"
    assert row["data, MB"] == pytest.approx(60_000 * (784 + 10) * 4 / 2**20, abs=0.1)
    weights = 784 * 50 + 50 + 50 * 10 + 10
    assert row["parameters and state, MB"] == pytest.approx(weights * 4 * {"SGD": 1, "Adam": 3}[name] / 2**20, abs=0.1)


@pytest.mark.slow
def test_a_copy_of_the_data_would_be_seen() -> None:
    code = """
import json, numpy as np
from experiments.benchmarks.speed import training_memory
from manual_mlp.training import train as training
right = training.check_x
training.check_x = lambda *arguments, **others: np.array(right(*arguments, **others))
print(json.dumps(training_memory.measure_memory(training_memory.OPTIMIZERS["SGD"])))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    found = json.loads(said)
    assert found["peak"] - found["data"] - found["parameters and state"] > ALLOWED


def test_what_misses_the_target_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_memory, "ALLOWED", 1)
    row = training_memory.measure_apart("SGD")
    assert row is not None
    assert (row["target"], row["reached?"]) == ("≤ 1", "missed")
