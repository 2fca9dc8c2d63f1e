"""The product on one user's file: planted, loaded, called as a user would, and what it says held against the truth."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from linecache import checkcache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import gradient_diff
from experiments.benchmarks.lines.aiming import Aim, aim_of, wanted_lines
from experiments.benchmarks.lines.applying import applied
from experiments.benchmarks.lines.cases import Case
from experiments.benchmarks.lines.plant import Style
from experiments.benchmarks.lines.problems import called, evaluation_of
from gradient_diff import Finding, GradientDiff
from manual_mlp import Evaluation
from manual_mlp import evaluation_of as evaluated
from manual_mlp.extend import Arrays

HANDS = 9  # hand evaluations, of which the median is the unit of time
WIDER, MORE = 2, 4  # units in each layer and samples, in right code that runs at other sizes
UNSUPPORTED = {"script": "scripts are not supported yet"}


class UnsupportedError(Exception):
    """The product takes no code of this form."""


@dataclass(frozen=True)
class Pointed:
    """What was said of one mistake."""

    part: str
    style: str
    loss: str
    what: str  # was done
    kind: str
    wanted: str  # the text of the guilty line
    said: str  # the line that was named and what was said of it; or why nothing was
    aim: Aim
    fix: bool  # one was offered
    mends: bool  # with it every gradient matches, on another problem, too
    hands: float  # what it took, in hand evaluations


@dataclass(frozen=True)
class PointedPair:
    """What was said of two mistakes at once."""

    part: str
    style: str
    loss: str
    what: str
    found: int  # exact lines, of two
    said: str
    fix: bool
    mends: bool


@dataclass(frozen=True)
class RightRun:
    """What was said of right code."""

    part: str
    style: str
    loss: str
    sizes: str
    seed: int
    accused: str  # what was said against it; "" where nothing was


@dataclass(frozen=True, eq=False)
class Loaded:
    """A user's file on disk and in memory, and what it is to be held against."""

    case: Case
    file: str
    entry: Any  # its function or step
    evaluation: Evaluation

    def diff(self, trace: bool | None = None) -> GradientDiff:
        """What the product says, called as its users call it."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of what mistakes make overflow
            return _compared(self.case.style, self.entry, self.evaluation, trace)

    def call(self) -> object:
        """The user's code alone, once."""
        problem = self.evaluation.problem
        given = [problem.x.copy(), problem.y.copy()]
        if self.case.style.call == "step":
            return self.entry(*given)
        return self.entry({n: a.copy() for n, a in problem.parameters.items()}, *given)


@contextmanager
def loaded(case: Case, text: str, seed: int = 0, square: bool = False) -> Iterator[Loaded]:
    """A text as a module of its own, in a real file, so that its source can be read."""
    style = case.style
    if style.call in UNSUPPORTED:
        raise UnsupportedError(UNSUPPORTED[style.call])
    with TemporaryDirectory() as folder:
        path = Path(folder) / style.file
        path.write_text(text, encoding="utf-8")
        entry = called(style, text, square, seed, str(path))
        own = weights_of(entry.__self__) if style.call == "step" else None
        yield Loaded(case, str(path), entry, evaluation_of(style, case.variant, seed, square, own))
    checkcache(str(path))  # forgets a file that is gone


def weights_of(net: Any) -> Arrays:
    """The weights of a style's object, under the house's names: lists of weights and biases, or of layers by name."""
    if hasattr(net, "layers"):
        pairs = [(layer["kernel"], layer["bias"]) for layer in net.layers]
    else:
        pairs = list(zip(net.weights, net.biases, strict=True))
    each = ((i, n, a) for i, pair in enumerate(pairs, 1) for n, a in zip(("kernel", "bias"), pair, strict=True))
    return {f"dense_{i}/{n}": np.array(a if n == "kernel" else a.ravel()) for i, n, a in each}


def _compared(style: Style, entry: Any, evaluation: Evaluation, trace: bool | None) -> GradientDiff:
    if style.call != "step":
        return gradient_diff.compare(entry, evaluation, trace=trace)
    compare_step = getattr(gradient_diff, "compare_step", None)
    if compare_step is None:
        raise UnsupportedError("training steps are not supported yet")
    diff: GradientDiff = compare_step(entry, evaluation)
    return diff


def pointed(case: Case, seed: int = 0) -> Pointed:
    """Plant one mistake and see where the product points."""
    plant, planted = case.plants[0], case.planted
    known = (case.part, case.name, case.variant.loss, case.what, plant.kind, _line(planted.text, planted.line()))
    try:
        with loaded(case, planted.text, seed, case.square) as user:
            diff, hands = _timed(user)
            findings = diff.code.findings if diff.code else ()
            aim = aim_of(findings[0], wanted_lines(planted, case.plants), user.call) if findings else Aim.SILENT
            fix = any(f.fix for f in findings)
            return Pointed(*known, _said(diff), aim, fix, fix and mends(case, findings, seed + 1), hands)
    except Exception as error:  # noqa: BLE001  # whatever reaches the user is counted
        return Pointed(*known, _words(error), Aim.SILENT, fix=False, mends=False, hands=float("nan"))


def pointed_pair(case: Case, seed: int = 0) -> PointedPair:
    """Plant two mistakes and count the lines that are named."""
    planted, known = case.planted, (case.part, case.name, case.variant.loss, case.what)
    try:
        with loaded(case, planted.text, seed, case.square) as user:
            diff = user.diff()
    except Exception as error:  # noqa: BLE001  # as above
        return PointedPair(*known, 0, _words(error), fix=False, mends=False)
    findings = diff.code.findings if diff.code else ()
    fix = any(f.fix for f in findings)
    wanted = (wanted_lines(planted, case.plants, 0), wanted_lines(planted, case.plants, 1))
    found = lines_found([f.line for f in findings], wanted)
    return PointedPair(*known, found, _said(diff), fix, fix and mends(case, findings, seed + 1))


def lines_found(said: Sequence[int], wanted: tuple[Set[int], Set[int]]) -> int:
    """Of how many of two mistakes the line was said; a line that is said once stands for one of them."""
    hit = [line for line in said if any(line in lines for lines in wanted)]
    return min(len(hit), sum(not lines.isdisjoint(hit) for lines in wanted))


def right_run(case: Case, seed: int, sizes: str) -> RightRun | None:
    """Right code, looked at as if it were asked what each line is; None where the product takes no such code."""
    known = (case.part, case.name, case.variant.loss, sizes, seed)
    if sizes == "wider":
        style = case.style
        widths = tuple(n + WIDER for n in style.widths)
        case = replace(case, style=replace(style, widths=widths, batch=style.batch + MORE))
    try:
        with loaded(case, case.planted.text, seed, sizes == "square") as user:
            diff = user.diff(trace=True)
    except UnsupportedError:
        return None
    except Exception as error:  # noqa: BLE001  # as above
        return RightRun(*known, _words(error))
    findings = diff.code.findings if diff.code else ()
    return RightRun(*known, "" if diff.ok and not findings else f"{diff.verdict.name}: {_said(diff)}")


def mends(case: Case, findings: tuple[Finding, ...], seed: int) -> bool:
    """Whether every gradient is right, on another problem, with all fixes made in the user's file."""
    try:
        text = applied(case.planted.text, [f.fix for f in findings if f.fix])
        with loaded(case, text, seed, case.square) as user:
            return user.diff(trace=False).ok
    except Exception:  # noqa: BLE001  # a fix that cannot be made, or raises, mends nothing
        return False


def _timed(user: Loaded) -> tuple[GradientDiff, float]:
    """The diff, and the CPU time that it took in hand evaluations of the same problem."""
    taken: list[GradientDiff] = []
    seconds = _seconds(lambda: taken.append(user.diff()))
    unit = statistics.median(_seconds(lambda: evaluated(user.evaluation.problem)) for _ in range(HANDS))
    return taken[0], seconds / unit


def _seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def _line(text: str, number: int) -> str:
    return text.splitlines()[number - 1].strip()


def _said(diff: GradientDiff) -> str:
    code = diff.code
    if code is None:
        return f"{diff.verdict.name}, and no code was traced"
    found = [f"{f.place} {f.text}: {f.message}" for f in code.findings]
    return " | ".join(found) or code.silent or f"{diff.verdict.name}, and nothing is said. {diff.remark}".strip()


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, UnsupportedError) else f"{type(error).__name__}: {error}"
