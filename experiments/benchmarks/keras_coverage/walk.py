"""One step of the walk: a model's right gradients, wrong ones, and what check_gradients says of each."""

from __future__ import annotations

import dis
import inspect
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any

import numpy as np

import gradient_diff
import keras_mlp
import manual_mlp
from experiments.benchmarks.keras_coverage.case import Case, prepared, tensors
from experiments.benchmarks.keras_coverage.names import LETS_NOTHING_THROUGH, Entry
from gradient_diff import GradientDiff, Status
from gradient_diff.keras import check_gradients
from manual_mlp import Array

# isort: split
import keras
import tensorflow as tf

HOUSE = tuple(Path(package.__file__ or "").parent for package in (gradient_diff, keras_mlp, manual_mlp))
ONE_PERCENT = 1.01
REPEATS = 4
SEEN_FROM = 100.0  # times the rounding of an entry; what lies between it and the house's 16 σ is left to the house
UNIT = 2.0**-24

Gradients = list[Array]


class Way(StrEnum):
    """How check_gradients knows the rounding to expect."""

    EQUATIONS = "by equations"
    DRAWS = "by draws"
    REFUSED = "refused"
    NOTHING = "carries no weight"
    CRASH = "crash"


@dataclass(frozen=True)
class Step:
    """What came of one entry: the verdicts on the right gradients, on twice them, and on 1 % in one number."""

    kind: str
    name: str
    style: str
    way: Way
    right: str = ""
    twice: str = ""
    one_percent: str = ""
    failed: tuple[str, ...] = ()  # what is not as asked, of ("right", "twice", …)
    reason: str = ""
    seconds: float = float("nan")
    gradients: float = float("nan")  # how many eager gradients of the same model one check takes

    @property
    def eager(self) -> float:
        """Seconds of one eager gradient."""
        return self.seconds / self.gradients

    @property
    def ok(self) -> bool:
        """Whether all is as asked; a refusal is counted elsewhere."""
        return not self.failed


@dataclass(frozen=True)
class Answer:
    """What check_gradients says: a diff, or an error of the house's, or one of somebody else's."""

    diff: GradientDiff | None
    error: Exception | None = None

    @property
    def way(self) -> Way:
        """Told from a field, and not from a text."""
        if self.diff is None:
            return Way.REFUSED if self.error is not None and is_of_the_house(self.error) else Way.CRASH
        return Way.EQUATIONS if self.diff.problem is not None else Way.DRAWS

    @property
    def ok(self) -> bool:
        """Proved right."""
        return self.diff is not None and self.diff.ok

    @property
    def convicts(self) -> bool:
        """Whether wrong gradients are not found right, and the model, which is right, is not blamed."""
        return self.diff is not None and self.diff.verdict not in (Status.MATCH, Status.REFERENCE_OFF)

    @property
    def verdict(self) -> str:
        """In one word."""
        return self.way.value if self.diff is None else self.diff.verdict.name

    @property
    def words(self) -> str:
        """What is said, in one line."""
        if self.diff is None:
            return f"{type(self.error).__name__}: {_first_line(self.error)}"
        if self.ok:
            return self.verdict
        row = next((r for r in self.diff.rows if not r.status.ok), None)
        return "" if row is None else f"{row.status.name} {row.name}: {row.reason}"


def walk(entry: Entry, rounds: int = 1) -> Step:
    """Ask of one entry what is asked of all; with several rounds the times are medians."""
    case = prepared(entry.make)
    start = Start.of(case.model)
    right = start.again(lambda: gradients_of(case))
    step = Step(entry.kind, entry.name, entry.style, Way.NOTHING)
    if not any(g.any() for g in right):
        return replace(step, **_carries_nothing(entry.name))
    if not _same(right, start.again(lambda: gradients_of(case))):
        return replace(step, way=Way.CRASH, failed=("right",), reason="The tape gives other gradients each time.")
    answers, seconds, unit = _asked_in_turn(case, start, right, rounds)
    answer = answers[0]
    step = replace(step, way=answer.way, right=answer.verdict, seconds=seconds, gradients=seconds / unit)
    if answer.way is Way.REFUSED:
        return replace(step, reason=answer.words)
    failed = [] if answer.ok else ["right"]
    if moved := start.moved():
        failed.append("unchanged")
    start.put_back()
    reasons = ["" if answer.ok else answer.words, f"changed {', '.join(moved)}" if moved else ""]
    twice = start.again(lambda: asked(case, [2 * g for g in right]))
    slight, visible = one_percent_off(case, start, right)
    least = start.again(lambda: asked(case, slight)) if visible else None
    for what, wrong in (("twice", twice), ("one percent", least)):
        if wrong is not None and not wrong.convicts:
            failed.append(what)
            reasons.append(f"{what}: {wrong.words}")
    return replace(
        step,
        twice=twice.verdict,
        one_percent="not visible" if least is None else least.verdict,
        failed=tuple(failed),
        reason="; ".join(dict.fromkeys(filter(None, reasons))),
    )


def _same(a: Gradients, b: Gradients) -> bool:
    return all(np.array_equal(mine, other) for mine, other in zip(a, b, strict=True))


def _carries_nothing(name: str) -> dict[str, Any]:
    known = LETS_NOTHING_THROUGH.get(name)
    words = "No weight below it gets a gradient, and nobody has said why."
    return {"reason": known or words, "failed": () if known else ("right",)}


def _asked_in_turn(case: Case, start: Start, right: Gradients, rounds: int) -> tuple[list[Answer], float, float]:
    """The answers, and the seconds of one and of an eager gradient, taken in turn."""
    answers: list[Answer] = []
    checks, units = [], []
    for _ in range(rounds):
        start.put_back()
        units.append(_seconds(lambda: gradients_of(case)))
        start.put_back()
        checks.append(_seconds(lambda: answers.append(asked(case, right))))
    return answers, median(checks), median(units)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def asked(case: Case, gradients: Gradients) -> Answer:
    """What check_gradients says of these, of a model that is trained unless the case says otherwise."""
    takes = inspect.signature(check_gradients).parameters
    more: dict[str, Any] = {"training": case.training} if "training" in takes else {}
    try:
        return Answer(check_gradients(case.model, case.x, case.y, gradients, **more))
    except Exception as error:  # noqa: BLE001  (what comes out uncaught is what is looked for)
        return Answer(None, error)


def gradients_of(case: Case) -> Gradients:
    """The right hand: what fit would step along, by TensorFlow and Keras alone."""
    model, x, y = case.model, tensors(case.x), tensors(case.y)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=case.training), training=case.training)
    found = tape.gradient(loss, [w.value for w in model.trainable_weights], unconnected_gradients="zero")
    return [tf.convert_to_tensor(g).numpy() for g in found]  # of an embedding it is a list of rows


@dataclass(frozen=True, eq=False)
class Start:
    """All that a model holds before it is run: weights, states, and where its draws stand."""

    variables: Sequence[Any]
    values: Sequence[Array]
    drawn: Any  # where Python's own generator stands: AugMix draws its chain from it

    @classmethod
    def of(cls, model: keras.Model) -> Start:
        """Also what SpectralNormalization assigns to a weight, and the states of a layer that keeps them to itself."""
        kept = [layer.states for layer in model.layers if getattr(layer, "stateful", False)]
        variables = [*model.variables, *tf.nest.flatten(kept)]
        return cls(variables, [v.numpy().copy() for v in variables], random.getstate())

    def put_back(self) -> None:
        """So that the next run draws the same masks."""
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)
        random.setstate(self.drawn)

    def again(self, call: Callable[[], Any]) -> Any:
        """A call that starts here, and leaves nothing behind."""
        self.put_back()
        try:
            return call()
        finally:
            self.put_back()

    def moved(self) -> list[str]:
        """The variables that are not what they were."""
        pairs = zip(self.variables, self.values, strict=True)
        return [v.path for v, value in pairs if not np.array_equal(v.numpy(), value)]


def one_percent_off(case: Case, start: Start, right: Gradients) -> tuple[Gradients, bool]:
    """The largest entry of all moved by 1 %, and whether float32 lets one see that.

    The entry is computed again with every weight and input moved by a unit roundoff. What that does to it is what
    rounding does, as far as the conditioning of the problem goes, and owes nothing to the house. Where 1 % is not far
    above it nobody can tell the slip from rounding. What only numbers on the way lose, as in (z + 1e7) − 1e7, is not
    seen so: there the walk asks for more than float32 may give, and no case of it does that.
    """
    index = max(range(len(right)), key=lambda i: float(np.abs(right[i]).max(initial=0.0)))
    place = np.unravel_index(int(np.abs(right[index]).argmax()), right[index].shape)
    moved = [start.again(partial(_with_rounding, case, seed))[index][place] for seed in range(REPEATS)]
    rounding = float(np.std([*moved, right[index][place]]))
    slight = [g.copy() for g in right]
    slight[index][place] *= ONE_PERCENT
    gap = abs(float(slight[index][place]) - float(right[index][place]))
    return slight, gap > SEEN_FROM * max(rounding, UNIT * abs(float(right[index][place])))


def _with_rounding(case: Case, seed: int) -> Gradients:
    rng = np.random.default_rng(seed)

    def moved(a: Any) -> Any:
        a = np.asarray(a)
        return (a * (1 + UNIT * rng.normal(size=a.shape))).astype(a.dtype) if a.dtype.kind == "f" else a

    for weight in case.model.trainable_weights:
        weight.assign(moved(weight.numpy()))
    return gradients_of(replace(case, x=tf.nest.map_structure(moved, case.x)))


def is_of_the_house(error: Exception) -> bool:
    """Whether the house itself refused: a `raise` of its own, not a call of NumPy's or Keras's that failed."""
    if not isinstance(error, ValueError | TypeError) or error.__traceback__ is None:
        return False
    inner: TracebackType = error.__traceback__
    while inner.tb_next is not None:
        inner = inner.tb_next
    code = inner.tb_frame.f_code
    raised = code.co_code[inner.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return raised and any(Path(code.co_filename).is_relative_to(folder) for folder in HOUSE)


def _first_line(error: Exception | None) -> str:
    return next(iter(str(error).strip().splitlines()), "")
