"""A case by itself: what is sound, whose rounding is expected, and when it is drawn again."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np

from gradient_diff import Status, compare, drawn_noise
from gradient_diff.judging.case import Case, expected_noise, float_name
from gradient_diff.judging.judgement import judge
from gradient_diff.noise.network import MORE_DRAWS, drawn_again, rounding_noise
from gradient_diff.sides import Pair
from manual_mlp import MLP, Dense, Equation, Evaluation, Problem, evaluation_of, gradient_node


def _problem(dtype: str = "float64", scale: float = 1.0, depth: int = 3) -> Problem:
    """Square layers, so that a transposed matrix still fits."""
    mlp = MLP(4, [*[Dense(4, "tanh"), Dense(4, "sigmoid"), Dense(4, "tanh")][:depth], Dense(2)])
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(9, 4)), rng.normal(size=(9, 2))
    return mlp.problem(mlp.initialize(0, f"normal({scale / 2})", "normal(0.1)", dtype), x, y, "mse")


def _tape(problem: Problem) -> Evaluation:
    return dataclasses.replace(evaluation_of(problem), origin="the other side")


def test_cases_without_a_network() -> None:
    arrays = {"w": np.zeros(2), "v": np.ones(2)}
    judged = judge(Case(Pair(arrays, arrays), None))
    assert [(j.status, j.judge) for j in judged.values()] == [(Status.VACUOUS, "bits"), (Status.MATCH, "bits")]


def test_the_coarsest_dtype_says_how_much_noise_to_expect() -> None:
    problem = _problem()
    noise = expected_noise(problem, ["float64", "float32"])
    assert noise is not None
    assert noise.dtype == "float32"
    assert expected_noise(problem, ["longdouble"]) is None


def test_a_dtype_whose_rounding_is_not_known_is_inconclusive() -> None:
    problem = _problem()
    mine = {n: np.nextafter(g.astype(np.longdouble), 9) for n, g in _tape(problem).gradients.items()}
    assert compare(mine, _tape(problem)).verdict in (Status.INCONCLUSIVE, Status.MATCH)


def test_a_finer_side_does_not_double_the_tolerance() -> None:
    problem = _problem()
    noise = expected_noise(problem, ["float32"])
    coarse, fine = {"w": np.ones(1, "f4")}, {"w": np.ones(1)}
    assert Case(Pair(coarse, fine, problem), noise).coarse_sides("w") == 1
    assert Case(Pair(coarse, coarse, problem), noise).coarse_sides("w") == 2


def test_equations_are_those_of_each_sides_own_problem() -> None:
    problem = _problem()
    case = Case(Pair({}, {}, problem, (_tape(problem), None)), None)
    assert all(isinstance(e, Equation) for side in case.equations for e in side.values())


def test_a_close_call_is_drawn_again_whatever_its_caller_grants_and_however_he_words_it() -> None:
    """What storing weights hides widens the network's own noise, which stays the network's: see `Kind`."""
    problem = _problem("float32")
    e, noise = evaluation_of(problem), rounding_noise(problem)
    name = "dense_2/dE_dkernel"
    mine = dict(e.gradients)
    off = (28 * np.sqrt(2) * noise.sigma[name]).astype("f4")
    mine["dense_2/kernel"] = mine["dense_2/kernel"] + off
    worded = replace(noise, source="σ of the network, and a tail")
    plain, tailed = (compare(mine, e, noise=n)["dense_2/kernel"].distance for n in (noise, worded))
    difference = mine["dense_2/kernel"].astype(float) - e.nodes[name]
    anew = rounding_noise(problem, draws=MORE_DRAWS).distance(name, difference, 2).max()
    assert plain == tailed == anew
    assert plain != noise.distance(name, difference, 2).max()


def test_what_was_measured_is_not_drawn_again_however_close_a_call() -> None:
    """Draws of the network do not take the place of what somebody measured."""
    e = evaluation_of(_problem("float32"))
    values = {gradient_node(n): g.astype(float) for n, g in e.gradients.items()}
    noise = drawn_noise(values, [{n: 1e-6 * a for n, a in values.items()}], "two runs")
    hand = {n: g + 28 * np.sqrt(2) * noise.sigma[gradient_node(n)] for n, g in e.gradients.items()}
    assert all(16 < (row.distance or 0) < 64 for row in compare(hand, e, noise=noise).rows)
    assert {(row.status, row.judge) for row in compare(hand, e, noise=noise).rows} == {(Status.DIFFERENT, "two runs")}


def test_more_draws_keep_what_the_caller_grants() -> None:
    problem = _problem("float32")
    noise = rounding_noise(problem)
    granted = replace(noise, bound={n: b + 1.0 for n, b in noise.bound.items()})
    again = drawn_again(granted, problem, MORE_DRAWS)
    assert all(np.array_equal(again.bound[n], granted.bound[n]) for n in granted.bound)
    assert again.evaluations > granted.evaluations


def test_whole_numbers_are_exact_in_float64() -> None:
    whole = {"dense_4/dE_dbias": np.array([1, 2], np.int16)}
    assert float_name(whole["dense_4/dE_dbias"]) == "float64"
    assert float_name(np.zeros(1, np.uint8)) == "float64"
    assert float_name(np.zeros(1, np.float16)) == "float16"
    case = Case.of(Pair(whole, whole, _problem()))
    assert case.noise is not None
    assert case.noise.dtype == "float64"
