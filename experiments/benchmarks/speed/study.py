"""How fast the manual engine is: ratios in one run, medians over rounds, each engine in its own process, in turn."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from statistics import median
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from experiments import CHECKOUT
from experiments.benchmarks.speed import callback, training_memory
from experiments.benchmarks.speed import metrics as metrics_speed
from experiments.frame.study import Part, Result, Settings, Table, paragraphs

if TYPE_CHECKING:
    from rich.progress import Progress

ROUNDS, ROUNDS_FULL = 7, 21
ROOM = 2.0  # between a target and what is claimed
STARTS, STARTS_FULL = 3, 7
HAND, PRODUCTS = "by hand", "its matrix products alone"
TAPES = ("tf.function", "XLA", "eager tape")


@dataclass(frozen=True)
class Race:
    """One case, run by several engines in turn; the first is ours."""

    title: str  # of its lines in the table
    case: str  # what the workers call it
    engines: tuple[str, ...]  # who runs it


GRADIENTS = (
    Race("E and all gradients, 1-5-5-5-1, batch 100", "1-5-5-5-1", (HAND, *TAPES)),
    Race("E and all gradients, 784-50-100-10, batch 100", "784-50-100-10", (HAND, *TAPES)),
)
SINE = Race("one step of training on the sine", "sine", (HAND, "article A's loop", "train_on_batch"))
WIDE = Race("one step of 1024-2048-2048-10, batch 256", "wide", (HAND, PRODUCTS))
EPOCH = Race("one epoch of 784-50-10, 60,000 samples, batch 100", "epoch", (HAND, "model.fit", "scikit-learn"))
START = Race("gradient-diff run three_layer_network", "", ("the study", "import tensorflow"))
RACES = (*GRADIENTS, SINE, WIDE, EPOCH)


@dataclass(frozen=True)
class Target:
    """What the engine is held to; the ratio is the other's time over ours, or ours over the other's where `at_most`.

    The table says whether the bound was met. What is claimed is half as much: a busy machine fails no run.
    """

    race: Race
    against: str
    bound: float
    at_most: bool = False

    def met_by(self, ratio: float) -> bool:
        """Whether a measured ratio is good enough."""
        return ratio <= self.bound if self.at_most else ratio >= self.bound

    @property
    def sign(self) -> str:
        """The bound on the ratio, for the table."""
        return f"{'≤' if self.at_most else '≥'} {self.bound:g}"

    @property
    def claimed(self) -> Target:
        """The same with room for other work on the machine."""
        return replace(self, bound=self.bound * ROOM if self.at_most else self.bound / ROOM)

    def __str__(self) -> str:
        speed = f"at most {self.bound:g} times as long" if self.at_most else f"at least {self.bound:g} times as fast"
        return f"{self.race.title}: {speed} as {self.against}"


TARGETS = (
    Target(GRADIENTS[0], "tf.function", 3),
    Target(GRADIENTS[1], "tf.function", 2),
    Target(SINE, "article A's loop", 2),
    Target(SINE, "train_on_batch", 20),
    Target(WIDE, PRODUCTS, 1.25, at_most=True),
    Target(EPOCH, "model.fit", 2),
    Target(EPOCH, "scikit-learn", 1),
    Target(START, "import tensorflow", 1.6, at_most=True),
)


def run(settings: Settings, progress: Progress) -> Result:
    """The study."""
    rounds, starts = (ROUNDS_FULL, STARTS_FULL) if settings.full else (ROUNDS, STARTS)
    task = progress.add_task("speed: measurements", total=rounds * len(RACES) + starts + 2)
    measurements: list[dict[str, Any]] = []
    with ExitStack() as stack:
        engines = sorted({engine for race in RACES for engine in race.engines} - {PRODUCTS})
        workers = {engine: stack.enter_context(worker(engine, settings.dtype)) for engine in engines}
        for race in RACES:
            list(_ask_all(race, workers))  # prepared, compiled, and warm
            for number in range(rounds):
                measurements += [{"round": number, **answer} for answer in _ask_all(race, workers)]
                progress.advance(task)
    for number in range(starts):
        measurements += [{"round": number, **answer} for answer in _start_both()]
        progress.advance(task)
    memory = [row for name in training_memory.OPTIMIZERS if (row := training_memory.measure_apart(name))]
    progress.advance(task)
    found = result(pd.DataFrame(measurements), pd.DataFrame(memory))
    found = replace(found, parts=(*found.parts, metrics_speed.study(settings.full), callback.study(settings.full)))
    progress.advance(task)
    progress.console.print(found.tables["Ratios"].frame.to_string(index=False), soft_wrap=True, highlight=False)
    return found


@contextmanager
def worker(engine: str, dtype: str) -> Iterator[Worker]:
    """A process with one engine, which waits for its standard input."""
    command = [sys.executable, "-m", "experiments.benchmarks.speed.worker", engine, dtype]
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+") as said,  # compilers chat; it is read only if the worker fails
        subprocess.Popen(command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, stderr=said, text=True) as process,
    ):
        yield Worker(process, said)  # leaving closes its standard input, and so ends it


@dataclass(frozen=True)
class Worker:
    """A process that measures when asked."""

    process: subprocess.Popen[str]  # with pipes
    said: IO[str]  # its stderr

    def ask(self, case: str) -> dict[str, float]:
        """Have it measure a case now."""
        assert self.process.stdin is not None  # both are pipes
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(case + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.process.wait()
            self.said.seek(0)
            raise RuntimeError(f"The worker for {case!r} has failed:\n{self.said.read()[-2000:]}")
        return dict(json.loads(answer))


def _ask_all(race: Race, workers: dict[str, Worker]) -> Iterator[dict[str, Any]]:
    for engine in race.engines:
        alone = engine == PRODUCTS  # measured where the step is, by the same BLAS
        answer = workers[HAND if alone else engine].ask(f"{race.case}, products alone" if alone else race.case)
        yield {"race": race.title, "engine": engine, **answer}


def _start_both() -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        study = [sys.executable, "-m", "experiments", "three_layer_network", "--out", folder]
        for engine, command in zip(START.engines, (study, [sys.executable, "-c", "import tensorflow"]), strict=True):
            started = time.perf_counter()
            subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True)
            yield {"race": START.title, "engine": engine, "E": float("nan"), "seconds": time.perf_counter() - started}


def result(measurements: pd.DataFrame, memory: pd.DataFrame | None = None) -> Result:
    """The table of ratios, and the claims."""
    raced = [race for race in (*RACES, START) if race.title in set(measurements["race"])]
    ratios = pd.DataFrame([row for race in raced for row in _rows(race, measurements)])
    ratio = ratios.set_index(["what", "against"])["ratio"]
    held = [target for target in TARGETS if (target.race.title, target.against) in ratio.index]
    claims = {
        f"{target.claimed} (the target is {target.bound:g})": target.claimed.met_by(
            ratio[target.race.title, target.against]
        )
        for target in held
    }
    part = Part(
        "The manual engine against others",
        paragraphs("""
            Times are medians over the rounds. In each round the engines run one after the other, each in a process of
            its own, because TensorFlow's and BLAS's thread pools disturb each other in one process. The ratio is the
            median of the ratios within a round: the other's time over ours, or ours over the other's where the target
            is an upper bound. Whether a target was reached stands in the table; claimed is half of it, since other work
            on the machine moves a ratio. Each engine uses as many threads as it takes by itself. BLAS waits for the
            slowest of its threads, so other work on the machine slows NumPy's products down more than TensorFlow's:
            measure on an idle machine.

            All engines get the same data in the same dtype, the wide network and the epoch in float32. The tape returns
            E and the gradients of all parameters; the manual engine checks its input and returns every node, dE/dx too.

            The sine takes 50,000 steps; timed are 500 of them, and 50 by train_on_batch, as one step costs what another
            does. A step of the wide network is the time of nine steps less that of one, over eight. The epoch is plain
            gradient descent on made-up pictures of MNIST's size, shuffled: by manual_mlp.train, Keras's model.fit, and
            fit of scikit-learn's MLPClassifier without momentum and decay.
        """),
        tables={
            "Ratios": Table(ratios, ("what", "against", "target")),
            "All measurements": Table(measurements, in_report=False),
        },
        claims={**claims, **_same_e(measurements, raced)},
    )
    return Result("Speed", (part,) if memory is None or memory.empty else (part, _memory(memory)))


def _memory(rows: pd.DataFrame) -> Part:
    words = f"peak memory of an epoch by {{}}: at most {training_memory.ALLOWED} MB beside data, parameters and state"
    return Part(
        "Memory of training",
        paragraphs("""
            The same epoch in a process of its own. The peak is of the whole process, with the interpreter and NumPy.
            The data are read where they are, and each batch goes through the same buffers.
        """),
        tables={"Peak memory": Table(rows, ("optimizer", "data, MB", "parameters and state, MB", "target"))},
        claims={words.format(row["optimizer"]): row["reached?"] == "reached" for row in rows.to_dict("records")},
    )


def _rows(race: Race, measurements: pd.DataFrame) -> Iterator[dict[str, object]]:
    """A line for each other engine."""
    times = measurements[measurements["race"] == race.title].pivot_table("seconds", "round", "engine")
    ours, *others = race.engines
    for other in others:
        target = next((t for t in TARGETS if t.race is race and t.against == other), None)
        at_most = target is not None and target.at_most
        ratio = median(times[ours] / times[other] if at_most else times[other] / times[ours])
        yield {
            "what": race.title,
            "ours": _time(median(times[ours])),
            "against": other,
            "its time": _time(median(times[other])),
            "ratio": round(ratio, 2),
            "target": target.sign if target else "",
            "reached?": "" if target is None else "reached" if target.met_by(ratio) else "missed",
        }


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def _same_e(measurements: pd.DataFrame, raced: Sequence[Race]) -> dict[str, bool]:
    """In one evaluation from the same start all engines must find the same E."""
    es = [measurements["E"][measurements["race"] == race.title] for race in raced if race in GRADIENTS]
    return {"all engines find the same E": all(e.max() - e.min() <= 1e-5 * e.max() for e in es)} if es else {}
