"""trace: from a derivation that is wrong to the lines that make it so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gradient_diff.noise.network import rounding_noise
from gradient_diff.result.code import Code
from gradient_diff.source.guilt import find_guilty
from gradient_diff.source.known import Known
from gradient_diff.source.mending import fixes
from gradient_diff.source.small import drawn_anew, problems_to_trace, widened
from gradient_diff.source.subject import Subject
from gradient_diff.source.suspicion import Suspicion
from gradient_diff.source.telling import code_of, listing
from gradient_diff.source.text import Source
from gradient_diff.source.trial import Trial
from manual_mlp import Array, Problem, evaluation_of, gradient_node
from manual_mlp.extend import UNITS


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


def wrong_trials(subject: Subject, problem: Problem) -> Iterator[Trial]:
    """The problems on which the code runs and is wrong, the smallest first."""
    for small in problems_to_trace(problem, fixed=subject.at_these_sizes):
        trial = trial_of(subject, small)
        try:
            with np.errstate(all="ignore"):
                given = trial.likeliest(subject.gradients(small, trial.right))
        except Exception:  # noqa: BLE001  # made for other sizes: the next problem has the caller's own
            continue
        if trial.healthy(given) != trial.right.keys():
            yield trial


def trace(subject: Subject, problem: Problem, wrong: bool = True) -> Code:
    """What a derivation's code says: the expressions to blame where it is wrong, and what each line is."""
    if not subject.namespaces:
        return Code(silent="Its Python source is not known: nothing can be traced.")
    if not wrong:
        return _listed(subject, problem)
    found = find(subject, problem)
    if found is None:
        return replace(_listed(subject, problem), silent=UNSURE)
    trial, guilty = found
    mended = fixes(trial, guilty, second_problems(trial))
    if not mended and guilty[0].weak and Source.of(guilty[0].computed.code) is not None:
        return replace(_listed(subject, problem), silent=UNSURE)
    trial.fixed.clear()
    return code_of(trial, guilty, mended)


UNSURE = "No expression was found whose mending makes a gradient right: no line is named."


def _listed(subject: Subject, problem: Problem) -> Code:
    """What each line is, on the first problem on which the code runs."""
    for small in problems_to_trace(problem, fixed=subject.at_these_sizes):
        lines, texts, file = listing(trial_of(subject, small))
        if lines:
            return Code((), lines, texts, file)
    return Code(silent="It does not run on a small problem, or none of its values is one of the derivation's.")


def find(subject: Subject, problem: Problem) -> tuple[Trial, list[Suspicion]] | None:
    """The first problem on which something can be blamed, and what."""
    for trial in wrong_trials(subject, problem):
        guilty = find_guilty(trial)
        if guilty:
            return trial, guilty
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
