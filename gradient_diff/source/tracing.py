"""trace: from a derivation that is wrong to the lines that make it so."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gradient_diff.noise.network import rounding_noise
from gradient_diff.result.code import Code
from gradient_diff.source.guilt import find_each
from gradient_diff.source.known import Known
from gradient_diff.source.makers import recording_makers
from gradient_diff.source.mending import Fix, fixes
from gradient_diff.source.small import drawn_anew, problems_to_trace, widened
from gradient_diff.source.subject import Subject
from gradient_diff.source.suspicion import Suspicion
from gradient_diff.source.telling import code_of, listing
from gradient_diff.source.text import Source
from gradient_diff.source.trial import Trial
from manual_mlp import Array, Problem, evaluation_of, gradient_node
from manual_mlp.extend import UNITS, Arrays


def trial_of(subject: Subject, problem: Problem) -> Trial:
    """The right answers of one problem, and how far from them a right hand may be."""
    right = evaluation_of(problem).gradients
    noise = rounding_noise(problem, "float64")
    tolerance = {n: noise.tolerance(gradient_node(n), 2) + _hidden(subject, problem.parameters[n]) for n in right}
    rate = 1 / subject.hidden if subject.hidden else None
    return Trial(subject, problem, Known(problem, rate), right, tolerance)


def _hidden(subject: Subject, weight: Array) -> float:
    """What storing weights of this size before and after a step hides of the gradient: 2 u (|W| + |W_after|)/lr."""
    return 8 * UNITS["float64"] * subject.hidden * float(np.abs(weight).max(initial=0.0))


class UnsteadyError(Exception):
    """The code gives something else when it is called again on the same data."""


def wrong_trials(subject: Subject, problem: Problem, off: frozenset[str] | None = None) -> Iterator[Trial]:
    """The problems on which the code runs and is wrong, the smallest first; in nothing but `off`, where that is known.

    Where more is off than in the user's case, the code was made for his sizes, or keeps his data: a number that is
    right there, such as 2/12, would be accused here.
    """
    for small in problems_to_trace(problem, fixed=subject.at_these_sizes):
        trial = trial_of(subject, small)
        try:
            with np.errstate(all="ignore"):
                given = trial.likeliest(subject.gradients(small, trial.right))
        except Exception:  # noqa: BLE001  # made for other sizes: the next problem has the caller's own
            continue
        wrong = trial.right.keys() - trial.healthy(given)
        if wrong:
            _check_steady(trial, given)
        if wrong and (off is None or wrong <= off):
            yield trial


def _check_steady(trial: Trial, given: Arrays) -> None:
    """Another run must give the same, or what heals would say nothing of what was put in."""
    with np.errstate(all="ignore"):
        again = trial.likeliest(trial.subject.gradients(trial.problem, trial.right))
    if not all(_is_same(again.get(n), given.get(n), trial.tolerance[n]) for n in trial.right):
        raise UnsteadyError


def _is_same(a: Array | None, b: Array | None, allowed: Array) -> bool:
    """NaN equals NaN."""
    if a is None or b is None or np.shape(a) != np.shape(b):
        return a is b
    with np.errstate(all="ignore"):
        near = np.abs(np.subtract(a, b)) <= allowed if np.shape(a) == np.shape(allowed) else False
    return bool((near | (np.isnan(a) & np.isnan(b)) | np.equal(a, b)).all())


def trace(subject: Subject, problem: Problem, wrong: bool = True, off: frozenset[str] | None = None) -> Code:
    """What a derivation's code says: the expressions to blame where it is wrong, and what each line is."""
    if not subject.namespaces:
        return Code(silent="Its Python source is not known: nothing can be traced.")
    with recording_makers(subject.namespaces):  # once, and not again at each of many runs
        return _traced(subject, problem, off) if wrong else _listed(subject, problem, right=True)


def _traced(subject: Subject, problem: Problem, off: frozenset[str] | None) -> Code:
    try:
        found = find(subject, problem, off)
    except UnsteadyError:
        return replace(_listed(subject, problem), silent=UNSTEADY)
    if found is None:
        return replace(_listed(subject, problem), silent=UNSURE)
    trial, each = found
    mended, guilty = _likeliest(trial, each)
    if not guilty:
        return replace(_listed(subject, problem), silent=UNSURE)
    trial.fixed.clear()
    return code_of(trial, guilty, mended)


def _likeliest(trial: Trial, each: Iterator[list[Suspicion]]) -> tuple[list[Fix], list[Suspicion]]:
    """The likeliest, if its grounds are good; else the first with a fix that was run. Neither: nobody is told."""
    others = second_problems(trial)
    for place, guilty in enumerate(each):
        mended = fixes(trial, guilty, others)
        if mended or (not place and (not guilty[0].weak or Source.of(guilty[0].computed.code) is None)):
            return mended, guilty
        if trial.is_late:
            break
    return [], []


UNSURE = "No expression was found whose mending makes a gradient right: no line is named."
UNSTEADY = (
    "Called again on the same data it gives something else (numbers drawn from a generator of its own, or something "
    "kept from call to call): no line is named."
)


def _listed(subject: Subject, problem: Problem, right: bool = False) -> Code:
    """What each line is, on the first problem on which the code runs; of right code, on one on which it is right."""
    found = []
    for small in problems_to_trace(problem, fixed=subject.at_these_sizes):
        trial = trial_of(subject, small)
        lines, texts, file = listing(trial)
        if lines:
            found.append(Code((), lines, texts, file))
            if not right or _is_right(trial):
                return found[-1]
    if found:
        return found[0]
    return Code(silent="It does not run on a small problem, or none of its values is one of the derivation's.")


def _is_right(trial: Trial) -> bool:
    given = trial.again()
    return given is not None and trial.healthy(given[0]) == trial.right.keys()


def find(
    subject: Subject, problem: Problem, off: frozenset[str] | None = None
) -> tuple[Trial, Iterator[list[Suspicion]]] | None:
    """The first problem on which something can be blamed, and what, the likeliest first."""
    for trial in wrong_trials(subject, problem, off):
        each = find_each(trial)
        if (first := next(each, None)) is not None:
            return trial, itertools.chain([first], each)
    return None


def second_problems(trial: Trial) -> list[Trial]:
    """Other weights, data and batch; other widths, too, where the code takes them."""
    problem, fixed = trial.problem, trial.subject.at_these_sizes
    same = trial_of(trial.subject, drawn_anew(problem, 1, problem.batch + (not fixed)))
    other = None if fixed else widened(problem, 1)
    if other is None:
        return [same]
    wide = trial_of(trial.subject, other)
    try:
        wide.subject.gradients(other, wide.right)
    except Exception:  # noqa: BLE001  # it insists on its own widths
        return [same]
    return [same, wide]
