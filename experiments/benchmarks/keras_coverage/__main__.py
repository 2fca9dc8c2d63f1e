"""Some entries of the walk, line by line: `python -m experiments.benchmarks.keras_coverage LSTM losses.huber`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from experiments.benchmarks.keras_coverage.names import entries
from experiments.benchmarks.keras_coverage.walk import Step, walk


def line_of(step: Step) -> str:
    """A step in one line."""
    title = f"{step.kind}.{step.name}" + (f", {step.style}" if step.style else "")
    status = "ok" if step.ok else f"FAILS ({', '.join(step.failed)})"
    verdicts = " · ".join(filter(None, (step.right, step.twice, step.one_percent)))
    cost = f"{step.seconds:.3f} s = {step.gradients:.1f} gradients" if step.gradients > 0 else ""
    return " | ".join(filter(None, (title, status, step.way.value, verdicts, cost, step.reason)))


def lines(wanted: Sequence[str]) -> Iterator[str]:
    """Of the entries that are called so, or whose title has it in it; of all, if nothing is wanted."""
    for entry in entries():
        if not wanted or any(part == entry.name or part in str(entry) for part in wanted):
            yield line_of(walk(entry))


if __name__ == "__main__":
    for text in lines(sys.argv[1:]):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
