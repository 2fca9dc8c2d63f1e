"""All metrics of two large arrays against `np.testing.assert_allclose`, in a process of its own.

`python -m experiments.benchmarks.speed.metrics ENTRIES ROUNDS`
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from experiments import CHECKOUT
from experiments.frame.study import Part, Table, paragraphs
from gradient_diff import measure
from manual_mlp import Array

ENTRIES, ENTRIES_FULL = 10_000_000, 50_000_000
ROUNDS, ROUNDS_FULL = 5, 7
SLOWEST = 0.5  # times assert_allclose, at the full size: its temporary arrays are then fresh memory
ROOM = 2.0  # for other work on the machine
MOST_MB = 16.0  # on top of the arrays
MB = 1e6
_PIECE = 1 << 18


def pair(entries: int) -> tuple[Array, Array]:
    """Two float32 arrays that differ in their last digits, made piece by piece."""
    rng = np.random.default_rng(0)
    h, r = np.empty(entries, np.float32), np.empty(entries, np.float32)
    for start in range(0, entries, _PIECE):
        piece = slice(start, min(start + _PIECE, entries))
        rng.standard_normal(dtype=np.float32, out=r[piece])
        h[piece] = r[piece] * (1 + 1e-7 * rng.standard_normal(piece.stop - start, dtype=np.float32))
    return h, r


def measure_both(entries: int, rounds: int) -> dict[str, float]:
    """Seconds of both, one after the other in each round, and the memory that `measure` takes."""
    h, r = pair(entries)
    times = [
        (_seconds(lambda: measure(h, r)), _seconds(lambda: np.testing.assert_allclose(h, r, rtol=1e-5)))
        for _ in range(rounds + 1)
    ][1:]
    tracemalloc.start()
    measure(h, r)
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    ours, theirs = (median(column) for column in zip(*times, strict=True))
    ratio = median(a / b for a, b in times)
    return {"seconds": ours, "seconds of assert_allclose": theirs, "ratio": ratio, "memory": memory / MB}


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def measure_apart(entries: int, rounds: int) -> dict[str, Any]:
    """`measure_both` in a fresh process."""
    command = [sys.executable, "-m", "experiments.benchmarks.speed.metrics", str(entries), str(rounds)]
    said = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout
    return {"entries": entries, **json.loads(said)}


def study(full: bool) -> Part:
    """Measure, at the full size or at a smaller one."""
    size, rounds = (ENTRIES_FULL, ROUNDS_FULL) if full else (ENTRIES, ROUNDS)
    return part([measure_apart(size, rounds)])


def part(rows: Sequence[dict[str, Any]]) -> Part:
    """The rows with their targets, and the claims."""
    title = "all metrics of two float32 arrays of {:,} entries"
    claims: dict[str, bool] = {}
    for row in rows:
        name = title.format(row["entries"])
        if row["entries"] >= ENTRIES_FULL:
            words = f"{name}: at most {ROOM * SLOWEST:g} times as long as np.testing.assert_allclose"
            claims[f"{words} (the target is {SLOWEST:g})"] = row["ratio"] <= ROOM * SLOWEST
        claims[f"{name}: at most {MOST_MB:g} MB on top of them"] = row["memory"] <= MOST_MB
    frame = pd.DataFrame(
        {
            "entries": row["entries"],
            "measure, s": round(row["seconds"], 4),
            "assert_allclose, s": round(row["seconds of assert_allclose"], 4),
            "ratio": round(row["ratio"], 3),
            "target of it": f"≤ {SLOWEST:g}" if row["entries"] >= ENTRIES_FULL else "",
            "on top of the arrays, MB": round(row["memory"], 1),
            "target": f"≤ {MOST_MB:g}",
        }
        for row in rows
    )
    words = """
        One call of gradient_diff.measure, which returns norms, cosine, quantiles, decades, distances in ulps, the worst
        entries and more, against one of np.testing.assert_allclose, which returns nothing. Both run in one process, one
        after the other in each round, with the same nearly equal arrays; times and ratios are medians over the rounds.
    """
    tables = {"Metrics of large arrays": Table(frame, ("entries", "target of it", "target"))}
    return Part("Metrics at memory speed", paragraphs(words), tables=tables, claims=claims)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure_both(*map(int, sys.argv[1:]))))
