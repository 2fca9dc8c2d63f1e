"""Who derives a network's gradients, rightly and wrongly: of dense layers, with a normalisation or with penalties."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.students.normalised import NAMED, OF_THE_BATCH, Over, normalised_gradients
from experiments.students.penalised import NAMED as PENALTIES
from experiments.students.penalised import Lambdas, penalised_gradients
from experiments.students.slips import Slip, possible_slips
from experiments.students.student import student_nodes
from experiments.students.wrong_derivations import wrong_gradients
from manual_mlp import Problem, gradient_node
from manual_mlp.extend import Arrays

PENALISED = ("kernel", "bias", "activity")


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
    plain = all(name.endswith("/kernel") and not penalty.l1 for name, penalty in penalties.items())
    return DENSE if plain else PENALISING


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
    """Those of `Dense(tanh), Dense`, of which both have the same."""
    told: dict[str, Any] = problem.mlp.layers[0].to_dict()
    kernel, bias, activity = ((told.get(f"{of}_l1", 0.0), told.get(f"{of}_l2", 0.0)) for of in PENALISED)
    return Lambdas(kernel, bias, activity)


def _penalised(problem: Problem, *slips: Slip, decay: float | None = None) -> Arrays:
    """With at most one slip, in every array of its kind."""
    assert not decay
    wrong, _, kind = slips[0].form.partition(" of ") if slips else ("", "", "")
    at = {"W": ("dense_1/kernel", "dense_2/kernel"), "b": ("dense_1/bias", "dense_2/bias"), "z": ("dense_1/z",)}
    return penalised_gradients(problem.parameters, problem.x, problem.y, _lambdas(problem), wrong, at.get(kind, ()))


def _slips_of_penalised(problem: Problem, _: int) -> Iterator[Slip]:
    lambdas = _lambdas(problem)
    for symbol, (l1, l2) in (("W", lambdas.kernel), ("b", lambdas.bias)):
        if bool(l1) != bool(l2):
            yield from (Slip(n, form=f"{wrong} of {symbol}") for wrong, n in PENALTIES["l1" if l1 else "l2"].items())
    if any(lambdas.activity):
        yield from (Slip(name, form=f"{wrong} of z") for wrong, name in PENALTIES["activity"].items())


DENSE = Student(wrong_gradients, possible_slips, _one_by_one)
PENALISING = Student(_penalised, _slips_of_penalised, None)
NORMALISING = Student(_normalised, _slips_of_normalised, None)
