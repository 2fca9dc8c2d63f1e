"""What the product says of one user's file, held against what was planted in it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace

from experiments.benchmarks.lines.aiming import Aim, aim_of, wanted_lines
from experiments.benchmarks.lines.applying import applied
from experiments.benchmarks.lines.cases import Case
from experiments.benchmarks.lines.loading import Loaded, loaded
from gradient_diff import Finding, GradientDiff
from manual_mlp import evaluation_of

HANDS = 9  # hand evaluations, of which the median is the unit of time
WIDER, MORE = 2, 4  # units in each layer and samples, in right code that runs at other sizes


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


def right_run(case: Case, seed: int, sizes: str) -> RightRun:
    """Right code, looked at as if it were asked what each line is."""
    known = (case.part, case.name, case.variant.loss, sizes, seed)
    if sizes == "wider":
        style = case.style
        widths = tuple(n + WIDER for n in style.widths)
        case = replace(case, style=replace(style, widths=widths, batch=style.batch + MORE))
    try:
        with loaded(case, case.planted.text, seed, sizes == "square") as user:
            diff = user.diff(trace=True)
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
    unit = statistics.median(_seconds(lambda: evaluation_of(user.evaluation.problem)) for _ in range(HANDS))
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
    return f"{type(error).__name__}: {error}"
