"""Who derives a network's gradients, rightly and wrongly: of dense layers, or with one normalisation between two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from experiments.students.normalised import NAMED, OF_THE_BATCH, Over, normalised_gradients
from experiments.students.slips import Slip, possible_slips
from experiments.students.student import student_nodes
from experiments.students.wrong_derivations import wrong_gradients
from manual_mlp import Problem, gradient_node
from manual_mlp.extend import Arrays


@dataclass(frozen=True)
class Student:
    """A derivation in plain NumPy, and the mistakes that can be made in it."""

    gradients: Callable[..., Arrays]  # (problem, *slips, decay=)
    slips: Callable[[Problem, int], Iterator[Slip]]
    sample_by_sample: Callable[[Problem], Arrays] | None  # where that can be


def student_of(problem: Problem) -> Student:
    """Whoever can derive it."""
    return NORMALISING if any(name.endswith("/gamma") for name in problem.parameters) else DENSE


def _one_by_one(problem: Problem) -> Arrays:
    nodes = student_nodes(problem)
    return {n: nodes[gradient_node(n)] for n in problem.parameters}


def _over(problem: Problem) -> Over:
    return "batch" if problem.mlp.untrained else "row"


def _normalised(problem: Problem, *slips: Slip, decay: float | None = None) -> Arrays:
    """With at most one slip, and no decay; the scale of E is that of all of it."""
    assert not decay
    wrong = slips[0].form if slips else ""
    found = normalised_gradients(problem.parameters, problem.x, problem.y, _over(problem), wrong, problem.training)
    real = problem.x.dtype.type
    return {n: np.asarray(real(problem.loss.scale) * g, problem.x.dtype) for n, g in found.items()}


def _slips_of_normalised(problem: Problem, _: int) -> Iterator[Slip]:
    over = _over(problem)
    named = {**NAMED, **(OF_THE_BATCH if over == "batch" else {})}
    others = "inference" if problem.training else "training"
    yield from (Slip(name, form=wrong) for wrong, name in named.items() if others not in wrong)


DENSE = Student(wrong_gradients, possible_slips, _one_by_one)
NORMALISING = Student(_normalised, _slips_of_normalised, None)
