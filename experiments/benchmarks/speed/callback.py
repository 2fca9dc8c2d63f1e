"""What `GradientDiffCallback` costs on the steps that it does not check, in a process of its own.

`python -m experiments.benchmarks.speed.callback STEPS ROUNDS`
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from experiments import CHECKOUT
from experiments.frame.study import Part, Table, paragraphs

STEPS, STEPS_FULL = 200, 2_000
ROUNDS, ROUNDS_FULL = 3, 7
SLOWEST = 1.05  # times the same fit without it
SEEN = ("a probe", "batch")


def measure_fits(steps: int, rounds: int) -> dict[str, float]:
    """Ratio of a fit with the callback to one without, the median over rounds, by what it looks at."""
    import keras

    from gradient_diff.keras import GradientDiffCallback

    model = keras.Sequential([keras.Input((32,)), keras.layers.Dense(64, "tanh"), keras.layers.Dense(10)])
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(32 * steps, n)).astype(np.float32) for n in (32, 10))
    beside = {
        "a probe": GradientDiffCallback(data=(x[:8], y[:8]), every=1 << 40),
        "batch": GradientDiffCallback(data="batch", every=1 << 40),
    }

    def seconds(*callbacks: Any) -> float:
        started = time.perf_counter()
        model.fit(x, y, batch_size=32, epochs=1, verbose=0, callbacks=list(callbacks))
        return time.perf_counter() - started

    for callback in (None, *beside.values()):  # compiled, and the first step checked
        seconds(*([] if callback is None else [callback]))
    times = [(seconds(), *(seconds(beside[name]) for name in SEEN)) for _ in range(rounds)]
    return {name: median(row[i + 1] / row[0] for row in times) for i, name in enumerate(SEEN)}


def study(full: bool) -> Part:
    """Measure 2,000 steps, or fewer."""
    steps, rounds = (STEPS_FULL, ROUNDS_FULL) if full else (STEPS, ROUNDS)
    command = [sys.executable, "-m", "experiments.benchmarks.speed.callback", str(steps), str(rounds)]
    said = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout
    return part(steps, json.loads(said))


def part(steps: int, ratios: dict[str, float]) -> Part:
    """The table; nothing is claimed, since other work on the machine moves such a ratio by more than its target."""
    frame = pd.DataFrame(
        {"steps": steps, "data": name, "ratio": round(ratios[name], 3), "target": f"≤ {SLOWEST:g}"} for name in SEEN
    )
    words = """
        A fit with GradientDiffCallback against one without, in turn, in one process; no step of those that are timed is
        checked. The ratio is the median over the rounds.
    """
    tables = {"The callback on other steps": Table(frame, ("data", "target"))}
    return Part("Checked while it trains", paragraphs(words), tables=tables)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure_fits(*map(int, sys.argv[1:]))))
