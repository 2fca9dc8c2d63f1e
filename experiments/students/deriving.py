"""Who derives a network's gradients, rightly and wrongly: of dense layers, with a normalisation, with penalties."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from experiments.students.normalised import NAMED, OF_THE_BATCH, Over, normalised_gradients
from experiments.students.penalised import NAMED as PENALTIES
from experiments.students.penalised import Lambdas, penalised_gradients
from experiments.students.slips import Slip, possible_slips
from experiments.students.student import student_nodes
from experiments.students.wrong_derivations import wrong_gradients
from manual_mlp import Dense, Problem, gradient_node
from manual_mlp.extend import Arrays


@dataclass(frozen=True)
class Student:
    """A derivation in plain NumPy, and the mistakes that can be made in it."""

    gradients: Callable[..., Arrays]  # (problem, *slips, decay=)
    slips: Callable[[Problem, int], Iterator[Slip]]
    sample_by_sample: Callable[[Problem], Arrays] | None  # where that can be


def student_of(problem: Problem) -> Student:
    """Whoever can derive it."""
    if any(name.endswith("/gamma") for name in problem.parameters):
        return NORMALISING
    penalties = {name: penalty for layer in problem.mlp.layers for name, penalty in layer.penalties.items()}
    decays = all(name.endswith("/kernel") and not penalty.l1 for name, penalty in penalties.items())
    return DENSE if decays else PENALISED


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


def _lambdas(problem: Problem) -> Lambdas:
    """Of E over its scale: that is of all of E."""
    first = problem.mlp.layers[0]
    assert isinstance(first, Dense)
    scale = problem.loss.scale
    pairs = (
        (first.kernel_l1, first.kernel_l2),
        (first.bias_l1, first.bias_l2),
        (first.activity_l1, first.activity_l2),
    )
    return Lambdas(*((l1 / scale, l2 / scale) for l1, l2 in pairs))


def _penalised(problem: Problem, *slips: Slip, decay: float | None = None) -> Arrays:
    """Two layers with the same penalties, one of the hidden output; at most one slip, in one of their terms."""
    assert not decay
    wrong, at = "", tuple[str, ...]()
    if slips:
        place, wrong = slips[0].form.split(": ")
        names = {"output": ("dense_1/z",)}.get(place, (f"dense_1/{place}", f"dense_2/{place}"))
        at = names if slips[0].layer is None else (names[slips[0].layer],)
    found = penalised_gradients(problem.parameters, problem.x, problem.y, _lambdas(problem), wrong, at)
    real = problem.x.dtype.type
    return {n: np.asarray(real(problem.loss.scale) * g, problem.x.dtype) for n, g in found.items()}


def _slips_of_penalised(problem: Problem, _: int) -> Iterator[Slip]:
    lambdas = _lambdas(problem)
    for place, (l1, l2) in {"kernel": lambdas.kernel, "bias": lambdas.bias}.items():
        for which in [w for w, there in (("l1", l1), ("l2", l2)) if there]:
            for wrong, name in PENALTIES[which].items():
                yield from (Slip(name, layer, f"{place}: {wrong}") for layer in (0, 1, None))
    if any(lambdas.activity):
        own = "l1" if not lambdas.activity[1] else "l2"
        for wrong, name in {**PENALTIES["activity"], **PENALTIES[f"activity, {own}"]}.items():
            yield Slip(name, 0, f"output: {wrong}")


DENSE = Student(wrong_gradients, possible_slips, _one_by_one)
NORMALISING = Student(_normalised, _slips_of_normalised, None)
PENALISED = Student(_penalised, _slips_of_penalised, None)
