"""What of Keras can be checked? Every name that it exports, on the smallest model that uses it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import pandas as pd

from experiments.benchmarks.keras_coverage.names import NOT_WALKED, WALKED, aliases, entries, exported
from experiments.benchmarks.keras_coverage.walk import Step, Way, walk
from experiments.frame.study import Part, Result, Settings, Table, paragraphs

if TYPE_CHECKING:
    from rich.progress import Progress

ROUNDS, ROUNDS_FULL = 3, 9
STARTS = 3
MOST_REFUSED = 0.02
MOST_GRADIENTS, MOST_IMPORTS = 12.0, 0.2
ROOM = 2.0  # for other work on the machine, between the target and what is claimed
NO_WAY = (Way.CRASH, Way.REFUSED)  # the graver first
COLUMNS = ("kind", "name", "style", "way", "right", "twice", "one percent", "status", "reason")


def run(settings: Settings, progress: Progress) -> Result:
    """The walk over all that the installed Keras has."""
    rounds = ROUNDS_FULL if settings.full else ROUNDS
    ahead = list(entries())
    steps = [walk(entry, rounds) for entry in progress.track(ahead, description="keras_coverage: names")]
    found = result(steps, seconds_of_import())
    progress.console.print(by_way(steps).to_string(index=False), soft_wrap=True, highlight=False)
    return found


def seconds_of_import() -> float:
    """`import tensorflow` in a process of its own: what every user of it pays anyway."""
    times = []
    for _ in range(STARTS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import tensorflow"], capture_output=True, check=True)
        times.append(time.perf_counter() - started)
    return median(times)


def result(steps: Sequence[Step], seconds: float) -> Result:
    """The two tables, and what is asked of them; `seconds` is that of `import tensorflow`."""
    frame = pd.DataFrame([*map(_row, steps), *_rows_of_others(steps)]).astype(object)
    frame = frame.where(frame.notna(), "")  # not timed, or not asked
    part = Part(
        "What of Keras can be checked",
        paragraphs("""
            Every name that keras.layers, activations, losses, regularizers and optimizers export, on the smallest model
            that uses it, as fit would train it: dropout draws, batch statistics are those of the batch. The right
            gradients are TensorFlow's and Keras's own (a GradientTape over model.compute_loss), with all states and
            draws put back before. They must be found right, and neither twice them nor the right ones with 1 % in their
            largest entry may be; 'not visible' says that the entry's own rounding hides 1 %.

            'by equations' means that the house has the model's equations and so their rounding; 'by draws' that the
            rounding is measured on the model itself; 'refused' that an error of the house's says why not. What carries
            no weight has no trainable float weight, and lets no gradient through to one.

            A check's cost is given in eager gradients of the same model. Both are medians, taken in turn.
        """),
        tables={"Names by way": Table(by_way(steps), ("kind",)), "Coverage": Table(frame, COLUMNS)},
        claims=_claims(steps, seconds),
    )
    return Result("Coverage of Keras", (part,))


def _row(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "name": step.name,
        "style": step.style,
        "way": step.way.value,
        "right": step.right,
        "twice": step.twice,
        "one percent": step.one_percent,
        "status": "as asked" if step.ok else f"not as asked: {', '.join(step.failed)}",
        "reason": step.reason,
        "seconds": round(step.seconds, 3),
        "gradients' worth": round(step.gradients, 1),
    }


def _rows_of_others(steps: Iterable[Step]) -> Iterator[dict[str, Any]]:
    """Aliases, and what is not walked."""
    of = {(step.kind, step.name): step for step in steps if not step.style}
    for kind in WALKED:
        for alias, name in aliases(kind).items():
            if (kind, name) in of:
                yield {**_row(of[kind, name]), "name": alias, "reason": f"the same as {name}"}
        for name, reason in NOT_WALKED[kind].items():
            if name in exported(kind):
                yield {"kind": kind, "name": name, "way": Way.NOTHING.value, "status": "not walked", "reason": reason}


def ways_of(steps: Iterable[Step]) -> dict[tuple[str, str], Way]:
    """(Kind, name) → the way of its smallest model, or that of a style for which there is none."""
    ways: dict[tuple[str, str], Way] = {}
    for step in steps:
        known = ways.setdefault((step.kind, step.name), step.way)
        if step.way in NO_WAY:
            ways[step.kind, step.name] = min(known, step.way, key=NO_WAY.index) if known in NO_WAY else step.way
    return ways


def by_way(steps: Iterable[Step]) -> pd.DataFrame:
    """The table for docs/measured: how many names of each kind go which way; aliases are not counted."""
    ways = ways_of(steps)
    rows = []
    for kind in dict.fromkeys(kind for kind, _ in ways):
        mine = [way for (of, _), way in ways.items() if of == kind]
        rows.append({"kind": kind, "names": len(mine), **{way.value: mine.count(way) for way in Way}})
    frame = pd.DataFrame(rows)
    total = frame.drop(columns="kind").sum()
    return pd.concat([frame, pd.DataFrame([{"kind": "all", **total}])], ignore_index=True)


def _claims(steps: Sequence[Step], seconds: float) -> dict[str, bool]:
    ways = [way for way in ways_of(steps).values() if way is not Way.NOTHING]
    refused = ways.count(Way.REFUSED) / len(ways) if ways else 0.0
    failed = {what for step in steps for what in step.failed}
    return {
        "no exception of Keras's or NumPy's comes out": not any(step.way is Way.CRASH for step in steps),
        "every right gradient is found right": "right" not in failed,
        "no model is changed": "unchanged" not in failed,
        "twice a gradient is never found right": "twice" not in failed,
        "1 % in one entry is never found right where float32 lets one see it": "one percent" not in failed,
        f"at most {MOST_REFUSED:.0%} of the names that carry weight are refused": refused <= MOST_REFUSED,
        f"no check takes longer than {ROOM * MOST_GRADIENTS:g} eager gradients and {ROOM * MOST_IMPORTS:g} of "
        f"`import tensorflow` (the target is {MOST_GRADIENTS:g} and {MOST_IMPORTS:g})": not slow(steps, seconds),
    }


def slow(steps: Iterable[Step], seconds: float, room: float = ROOM) -> list[Step]:
    """Those whose check takes longer than is asked; `seconds` is that of `import tensorflow`."""
    spare = room * MOST_IMPORTS * seconds
    return [s for s in steps if s.gradients > 0 and s.seconds > room * MOST_GRADIENTS * s.eager + spare]
