"""Rows that prove nothing: a zero that must be zero for any data is told from a zero of these data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from gradient_diff.judging.case import Case
from gradient_diff.noise.network import rounding_noise
from gradient_diff.result.judged import Judged
from gradient_diff.result.status import Status
from manual_mlp import Array, Problem
from manual_mlp.extend import Activate, LossGradient, Pullback, draw_data, draw_parameters

OTHERS = 8  # problems of the same network: that units are all off in each of them is out of the question
SCALES = (1.0, 100.0, 1.0, 1e4)  # of the data: some units are on, and some losses have a slope, far away only
LEAST_BATCH, MOST_BATCH = 8, 64  # of these: one sample alone may meet no unit that is on
BY_STRUCTURE = "zero by structure: with other weights and data, too, it is no more than rounding"


def as_vacuous(case: Case, judged: Mapping[str, Judged]) -> dict[str, Judged]:
    """What is VACUOUS, looked at again: proved where no data make it other than zero, else with what would prove it."""
    problem, noise = case.truth, case.truth_noise
    lost = [n for n, j in judged.items() if j.status is Status.VACUOUS]
    if not lost or problem is None or noise is None:
        return {}
    found = {n: judged[n] for n in lost if n in noise.values}
    always = zero_by_structure(problem, set(found))
    return {n: proved_zero(j) if n in always else _of_these_data(j, problem, noise.values, n) for n, j in found.items()}


def lost_words(truth: Array) -> str:
    """Of a gradient that is there, but not in the digits of this dtype."""
    return f"the gradient, at most {np.abs(truth).max():.1e}, is lost in rounding noise: zeros would pass too"


def proved_zero(judged: Judged) -> Judged:
    """A zero that no derivation could get otherwise."""
    return replace(judged, status=Status.MATCH, reason=BY_STRUCTURE, by_sigma=False)


def zero_by_structure(problem: Problem, nodes: set[str]) -> set[str]:
    """Those of the nodes that float64 gives as zero, up to its rounding, here and with other weights, data and draws.

    With the same weights a unit that is off would be zero on any batch, too.
    """
    seen = [(problem.float64, 1.0), *_others(problem)]
    return always_zero(nodes, (_small(p, nodes, far=scale > 1) for p, scale in seen))


def always_zero(names: set[str], seen: Iterator[set[str]]) -> set[str]:
    """The names that are zero on every problem seen; no further one is looked at when none is left."""
    for zero in seen:
        names = names & zero
        if not names:
            break
    return names


def _others(problem: Problem) -> Iterator[tuple[Problem, float]]:
    """With the scale of their data."""
    mlp, batch = problem.mlp, min(max(problem.batch, LEAST_BATCH), MOST_BATCH)
    for seed in range(OTHERS):
        rng = np.random.default_rng(seed)
        x, y = draw_data(rng, batch, mlp, problem.loss)
        scale = SCALES[seed % len(SCALES)]
        x = x * scale
        weights = None if problem.sample_weight is None else rng.uniform(0.5, 1.5, batch)
        drawn = draw_parameters(rng, mlp, "normal(0.5)"), x, y, problem.loss, problem.fused
        yield mlp.problem(*drawn, mlp.draws(rng, batch), weights, problem.training), scale


def _small(problem: Problem, nodes: set[str], far: bool) -> set[str]:
    """Data `far` away that overflow say nothing against a zero; elsewhere what is no number is none."""
    with np.errstate(all="ignore"):
        noise = rounding_noise(problem)
        within = {n: np.abs(noise.values[n]) <= noise.tolerance(n, 1) for n in nodes if n in noise.values}
    return {n for n, small in within.items() if (small | (far & ~np.isfinite(noise.values[n]))).all()}


def _of_these_data(judged: Judged, problem: Problem, values: Mapping[str, Array], node: str) -> Judged:
    if np.any(values[node]):
        return replace(judged, reason=lost_words(values[node]))
    place = _where(problem, {**problem.environment, **values}, node)
    return replace(judged, reason=f"zero on these data, so that zeros would pass: {place}")


def _where(problem: Problem, known: Mapping[str, Array], node: str) -> str:
    """The first equation whose operands are not all zero though its result is, and what would change that."""
    equations = {e.node: e for e in problem.equations}
    equation = equations[node]
    while zeros := [o for o in equation.operands if o in equations and not np.any(known[o])]:
        equation = equations[zeros[0]]
    operation, layer = equation.parts[0].operation, equation.layer
    if isinstance(operation, Pullback | Activate):
        words = "f′(u)" if isinstance(operation, Pullback) else "f(u)"
        forward = (e for e in problem.equations if e.layer == layer and isinstance(e.operation, Activate))
        u = known[next(forward).operands[0]]
        span = f"u is {u.min():.3g} to {u.max():.3g}"
        return (
            f"{words} is 0 for all {u.shape[-1]} units of {layer} in every sample ({span}). Give x or a bias that {_ON}"
        )
    if isinstance(operation, LossGradient):
        return "E has no slope at these outputs. Give targets that they do not meet, or samples whose weight is not 0"
    given = [o for o in equation.operands if o not in equations and not np.any(known[o])]
    if given:
        return f"all entries of {' and '.join(given)} are 0. Give others"
    return f"{equation.formula} is where all terms are 0. Give other data or weights"


_ON = "moves some unit to where it is not"
