"""A diff of code that was handed over, with what its code says; no failure of tracing reaches the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from gradient_diff.layouts.reading import Reading
from gradient_diff.result.code import Code, Finding
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.status import Status
from gradient_diff.source.events import TooLongError
from gradient_diff.source.quiet import quietly
from gradient_diff.source.subject import Subject
from gradient_diff.source.tracing import find, trace
from manual_mlp import Problem, gradient_node

UNDESCRIBED = "The model has layers, a loss or draws that no equations here describe: nothing is recognised in code."
WITHIN = "It is called by code that is being traced: only the outermost derivation is."

_AT_WORK: ContextVar[bool] = ContextVar("tracing", default=False)


@contextmanager
def _at_work() -> Iterator[None]:
    """While a derivation is traced, none that it compares itself is: that would be traced at each of many runs."""
    outside = _AT_WORK.set(True)
    try:
        yield
    finally:
        _AT_WORK.reset(outside)


def with_code(diff: GradientDiff, subject: Subject, problem: Problem | None, asked: bool | None) -> GradientDiff:
    """With `diff.code`: traced where rows are off, and where it is asked for."""
    if asked is False:
        return diff
    off = diff.verdict.bad or diff.verdict is Status.INCONCLUSIVE
    if not off and not asked:
        return replace(diff, code=Code())
    return of_one_story(diff, _traced(subject, problem, _off(diff, problem) if off else None))


def _off(diff: GradientDiff, problem: Problem | None) -> frozenset[str]:
    """The parameters of whose gradients it is not said that they match."""
    fine = {row.name for row in diff.rows if row.status.ok}
    return frozenset(n for n in problem.trained if gradient_node(n) not in fine) if problem else frozenset()


def _traced(subject: Subject, problem: Problem | None, off: frozenset[str] | None) -> Code:
    if problem is None:
        return Code(silent=UNDESCRIBED)
    if _AT_WORK.get():
        return Code(silent=WITHIN)
    try:
        with _at_work(), quietly():
            return trace(subject, problem, off is not None, off)
    except TooLongError:
        return Code(silent="Tracing gave up: the code runs too many operations on a small problem.")
    except Exception as error:  # noqa: BLE001  # the verdict stands without it, and nobody's code is at fault for ours
        return Code(silent=f"Tracing gave up: {type(error).__name__}: {error}")


def of_one_story(diff: GradientDiff, code: Code) -> GradientDiff:
    """With this code: the cause carries its line; where no known mistake fits, the line alone is the answer."""
    if not code.findings or not (diff.causes or diff.unexplained):
        return replace(diff, code=code)
    if diff.causes:
        causes = tuple(replace(cause, finding=_of(cause.layer, code.findings)) for cause in diff.causes)
        return replace(diff, code=code, causes=causes)
    first = code.findings[0]
    return replace(diff, code=code, unexplained=f"{first.place}: {first.message} {diff.unexplained}".strip())


def _of(layer: str, findings: tuple[Finding, ...]) -> Finding:
    """The finding in a cause's layer, else the first."""
    return next((f for f in findings if layer and f.node.startswith(f"{layer}/")), findings[0])


def reading_by_healing(subject: Subject, problem: Problem) -> Reading | None:
    """Of an answer whose layout neither shapes nor values tell: that in which it becomes right by mending a line."""
    if _AT_WORK.get():
        return None
    try:
        with _at_work(), quietly():
            found = find(subject, problem)
    except (Exception, TooLongError):  # noqa: BLE001  # then nobody knows
        return None
    if found is None:
        return None
    trial, _ = found
    after = trial.again()
    whole = after is not None and trial.healthy(after[0]) == trial.right.keys()
    return subject.answers.likeliest if whole else None
