"""Peak memory of training, in a process of its own: `python -m experiments.benchmarks.speed.training_memory ADAM`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from experiments import CHECKOUT
from manual_mlp import MLP, SGD, Adam, Dense, Optimizer, train

MB = 1 << 20
ALLOWED = 64  # MB beside the data, parameters and state
STATUS = Path("/proc/self/status")  # Linux
OPTIMIZERS: dict[str, Optimizer] = {"SGD": SGD(0.01), "Adam": Adam()}


def peak() -> float:
    """The most that this process has ever held, in MB.

    `getrusage` would also count what the parent held when it started this one.
    """
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def measure_memory(optimizer: Optimizer, samples: int = 60_000) -> dict[str, float]:
    """One epoch of 784-50-10 in float32, batch 100, on made-up pictures."""
    rng = np.random.default_rng(0)
    mlp = MLP(784, [Dense(50, "sigmoid"), Dense(10, "softmax")])
    parameters = mlp.initialize(0, dtype="float32")
    x = rng.random((samples, 784), np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, samples)]
    train(mlp, parameters, x, y, "categorical_crossentropy", optimizer=optimizer, epochs=1, batch_size=100)
    kept = [*parameters.values(), *optimizer.initial_state(parameters).values()]
    return {
        "data": (x.nbytes + y.nbytes) / MB,
        "parameters and state": sum(a.nbytes for a in kept) / MB,
        "peak": peak(),
    }


def measure_apart(name: str) -> dict[str, Any] | None:
    """`needed` of an optimizer in a fresh process, as a row of a table; None where the system does not tell."""
    if not STATUS.exists():
        return None
    command = [sys.executable, "-m", "experiments.benchmarks.speed.training_memory", name]
    found = json.loads(subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout)
    beside = found["peak"] - found["data"] - found["parameters and state"]
    return {
        "optimizer": name,
        **{f"{part}, MB": round(size, 1) for part, size in found.items()},
        "beside data, parameters and state, MB": round(beside, 1),
        "target": f"≤ {ALLOWED}",
        "reached?": "reached" if beside <= ALLOWED else "missed",
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure_memory(OPTIMIZERS[sys.argv[1]])))
