"""Sixteen bits: sharp where it is known how sums are added, and fair to a hand of which it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.benchmarks.calibration.random_nets import random_net
from experiments.students.student import student_nodes
from gradient_diff import Status, compare, rounding_noise
from gradient_diff.judging.case import Case
from gradient_diff.judging.isolation import isolated
from gradient_diff.noise import network
from gradient_diff.noise.network import MORE_DRAWS, _alike, drawn_again
from gradient_diff.sides import Pair, Side
from manual_mlp import MLP, Array, Dense, Evaluation, Loss, Problem, evaluation_of, gradient_node
from manual_mlp.extend import GATE, LOST, UNITS, Arrays

HALF = np.dtype(np.float16)


def _problem(
    widths: tuple[int, ...], batch: int, activation: str = "tanh", seed: int = 0, alike: bool = False
) -> Problem:
    mlp = MLP(widths[0], [*(Dense(n, activation) for n in widths[1:-1]), Dense(widths[-1])])
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(batch, widths[0])), rng.normal(size=(batch, widths[-1]))
    if alike:
        x, y = (np.repeat(a[:1], batch, axis=0) for a in (x, y))
    return mlp.problem(mlp.initialize(seed, dtype="float16"), x.astype(HALF), y.astype(HALF), "mse")


# a hand that loops


def _product(a: Array, b: Array) -> Array:
    """A B, term by term, each partial sum stored in 16 bits."""
    total = np.zeros((a.shape[0], b.shape[1]), HALF)
    for j in range(a.shape[1]):
        total = total + a[:, j : j + 1] * b[j]
    return total


def _looping(problem: Problem) -> dict[str, Array]:
    """The right gradients of a tanh net for the mean squared error, by a hand that adds everything in 16 bits."""
    w, zs = problem.parameters, [problem.x]
    names = [str(layer.name) for layer in problem.mlp.layers]
    for name in names:
        u = _product(zs[-1], w[f"{name}/kernel"]) + w[f"{name}/bias"]
        zs.append(u if name == names[-1] else np.tanh(u))
    delta = (zs[-1] - problem.y) * HALF.type(2 * problem.loss.factor(*problem.y.shape))
    gradients = {}
    for i in reversed(range(len(names))):
        delta = delta if i == len(names) - 1 else delta * (HALF.type(1) - zs[i + 1] * zs[i + 1])
        gradients[f"{names[i]}/kernel"] = _product(zs[i].T, delta)
        gradients[f"{names[i]}/bias"] = _product(np.ones((1, len(delta)), HALF), delta)[0]
        delta = _product(delta, w[f"{names[i]}/kernel"].T)
    return gradients


@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize(
    ("widths", "batch"),
    [((6, 8, 4, 2), 64), ((6, 8, 4, 2), 1024), ((6, 8, 2), 4096), ((4096, 4, 2), 16), ((4, 1024, 2), 16)],
)
def test_a_hand_that_adds_in_a_float16_loop_is_not_accused(widths: tuple[int, ...], batch: int, alike: bool) -> None:
    problem = _problem(widths, batch, alike=alike)
    diff = compare(_looping(problem), evaluation_of(problem))
    assert {row.status for row in diff.rows} <= {Status.MATCH, Status.VACUOUS}


@pytest.mark.slow
def test_by_the_rule_of_the_engine_it_would_be() -> None:
    """Why noise is per side: 1,024 like samples, one by one, are off by far more than a sum in float32."""
    problem = _problem((6, 8, 4, 2), 1024, alike=True)
    assert compare(_looping(problem), evaluation_of(problem), noise=rounding_noise(problem)).verdict is Status.MISMATCH


# the engine, and what it must not be accused of


@pytest.mark.parametrize("batch", [64, 1024, 4096])
@pytest.mark.parametrize("spread", [0.0, 1e-3, 1.0])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("level", [0, 20])
def test_samples_that_are_nearly_alike_stay_under_12(activation: str, spread: float, batch: int, level: int) -> None:
    """Years, with targets around a level: their errors repeat along the batch, whoever adds them up."""
    problem = _problem((6, 8, 4, 2), batch, activation)
    x, y = 2 + spread * problem.x.astype(float), level + 0.1 * problem.y.astype(float)
    w = {**problem.parameters, "dense_3/bias": np.full(2, level + 0.01, HALF)}
    problem = problem.mlp.problem(w, x.astype(HALF), y.astype(HALF), "mse")
    nodes = {n: a.astype(float) for n, a in evaluation_of(problem).nodes.items()}
    noise = rounding_noise(problem, anchors={n: a for n, a in nodes.items() if n.endswith("/u")})
    for node, array in nodes.items():
        assert noise.distance(node, array - noise.values[node], sides=1).max() < 12, node


def test_without_what_like_samples_repeat_they_would_be_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_alike", lambda equation, known, variance: 0.0)
    with pytest.raises(AssertionError, match="kernel"):
        test_samples_that_are_nearly_alike_stay_under_12("tanh", 1e-3, 1024, 20)


# and what it is: sharp


@pytest.mark.parametrize(
    ("widths", "batch", "activation", "wrong", "factor"),
    [((8, 16, 4), 32, "tanh", "dense_1/kernel", 0.9), ((3, 4, 4, 2), 64, "sigmoid", "dense_1/bias", -1)],
)
def test_what_passed_in_float16_is_a_mismatch(
    widths: tuple[int, ...], batch: int, activation: str, wrong: str, factor: float
) -> None:
    problem = _problem(widths, batch, activation)
    e = evaluation_of(problem)
    assert compare(e.gradients, e).verdict is Status.MATCH
    diff = compare({**e.gradients, wrong: e.gradients[wrong] * HALF.type(factor)}, e)
    assert [row.name for row in diff.rows if row.status is Status.MISMATCH] == [gradient_node(wrong)]
    assert diff.ok is False


def _wrong_run(problem: Problem, factor: float) -> Evaluation:
    e = evaluation_of(problem)
    node = "dense_1/dE_dkernel"
    return replace(e, nodes={**e.nodes, node: e.nodes[node] * HALF.type(factor)}, rerun=None)


def test_an_evaluation_is_judged_by_what_is_known_of_it_and_bare_arrays_are_not() -> None:
    """1,024 samples, one kernel 0.9 times: float32 sums show it; a loop in float16 could be as far off."""
    problem = _problem((6, 8, 4, 2), 1024)
    wrong, right = _wrong_run(problem, 0.9), evaluation_of(problem)
    assert compare(wrong, right)["dense_1/kernel"].status is Status.MISMATCH
    assert compare(wrong.gradients, right)["dense_1/kernel"].status is Status.MATCH


def _pair(hand: Evaluation | Arrays, reference: Evaluation | Arrays) -> Case:
    return Case.of(Pair.of(Side.of("hand", hand), Side.of("reference", reference)))


def test_noise_is_per_side() -> None:
    problem = _problem((6, 8, 4, 2), 256)
    e, fine = evaluation_of(problem), evaluation_of(problem.float64)
    loops = {
        "two runs": _pair(e, e),
        "arrays and a run": _pair(e.gradients, e),
        "arrays in float64 and a run": _pair(fine.gradients, e),
        "arrays and a run in float64": _pair(e.gradients, fine),
    }
    assert {k: case.noise.loops for k, case in loops.items() if case.noise} == {
        "two runs": 0.0,
        "arrays and a run": 0.5,
        "arrays in float64 and a run": 0.0,
        "arrays and a run in float64": 1.0,
    }
    hand, reference = loops["arrays and a run"].truth_noises
    assert hand is not None
    assert reference is not None
    assert (hand.loops, reference.loops) == (1.0, 0.0)


def test_half_of_two_rules_is_the_root_of_the_mean_square() -> None:
    problem, node = _problem((6, 8, 2), 256), "dense_1/dE_dkernel"
    sharp, half, wide = (rounding_noise(problem, loops=loops) for loops in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(half.sigma[node] ** 2, (sharp.sigma[node] ** 2 + wide.sigma[node] ** 2) / 2)
    np.testing.assert_allclose(half.bound[node] ** 2, (sharp.bound[node] ** 2 + wide.bound[node] ** 2) / 2)
    assert np.median(wide.tolerance(node) / sharp.tolerance(node)) > 5
    assert drawn_again(half, problem, MORE_DRAWS).loops == 0.5


def test_float32_does_not_ask_who_added_up() -> None:
    problem = _problem((6, 8, 2), 256)
    sharp, wide = (rounding_noise(problem, "float32", loops=loops) for loops in (0.0, 1.0))
    assert all(np.array_equal(sharp.sigma[n], wide.sigma[n]) for n in sharp.sigma)
    assert all(np.array_equal(sharp.bound[n], wide.bound[n]) for n in sharp.bound)


def _ratios(dtype: str) -> list[float]:
    """σ over the real rms error of every kernel that is not lost, on the calibration's networks."""
    found = []
    for seed in range(40):
        problem = random_net(seed, dtype, most_products=3e5).problem
        with np.errstate(all="ignore"):
            nodes = {n: a.astype(float) for n, a in evaluation_of(problem).nodes.items()}
        noise = rounding_noise(problem, anchors={n: a for n, a in nodes.items() if n.endswith("/u")})
        for node in (gradient_node(n) for n in problem.parameters if n.endswith("kernel")):
            off = nodes[node] - noise.values[node]
            if np.isfinite(off).all() and off.any() and (np.abs(noise.values[node]) > noise.tolerance(node)).any():
                found.append(float(np.sqrt(np.mean(noise.sigma[node] ** 2) / np.mean(off**2))))
    return found


@pytest.mark.parametrize(("dtype", "most", "seen"), [("float16", 4.0, 100), ("float32", 5.0, 150)])
def test_sigma_is_a_few_times_what_is_really_off_in_every_dtype(dtype: str, most: float, seen: int) -> None:
    """float16 stood at 9 on small nets, and had half as many kernels to show."""
    ratios = _ratios(dtype)
    assert 1 < np.median(ratios) < most
    assert len(ratios) > seen


# close to 0


def test_float16_keeps_its_subnormals() -> None:
    """η is a rounding to a grid 2⁻²⁴ wide: half a step at most, and 1/√12 of one on average."""
    fine = np.random.default_rng(0).uniform(0, 2.0**-14, 100_000)
    off = fine.astype(HALF).astype(float) - fine
    assert np.abs(off).max() <= 2.0**-25
    assert np.sqrt(np.mean(off**2)) == pytest.approx(LOST["float16"], rel=0.01)
    assert {d: LOST[d] for d in UNITS if d != "float16"} == {
        "float64": 2.0**-510,
        "float32": 2.0**-126,
        "bfloat16": 2.0**-126,
    }


def test_a_gradient_among_the_subnormals_is_still_judged() -> None:
    """Entries of 1e-5, well below the smallest normal number, 6e-5: seen, and seen to be doubled."""
    mlp = MLP(6, [Dense(8, "tanh"), Dense(2)])
    plain = _problem((6, 8, 2), 32)
    e = evaluation_of(mlp.problem(plain.parameters, plain.x, plain.y, Loss("mse", scale=2.0**-14)))
    assert max(float(np.abs(g).max()) for g in e.gradients.values()) < 2.0**-14
    assert compare(e.gradients, e).verdict is Status.MATCH
    assert {row.status for row in compare({n: 2 * g for n, g in e.gradients.items()}, e).rows} == {Status.MISMATCH}


@pytest.mark.parametrize("seed", range(40))
def test_what_is_lost_close_to_0_stays_under_12(seed: int) -> None:
    """Nets whose loss, gradients and factors are subnormal or overflow: scales from 1e-6 on."""
    problem = random_net(1000 + seed, "float16", most_products=3e5).problem
    with np.errstate(all="ignore"):
        nodes = {n: a.astype(float) for n, a in evaluation_of(problem).nodes.items() if np.isfinite(a).all()}
    noise = rounding_noise(problem, anchors={n: a for n, a in nodes.items() if n.endswith(("/u", "/z"))})
    for node, array in nodes.items():
        assert noise.distance(node, array - noise.values[node], sides=1).max() < 12, node


@pytest.mark.parametrize(("seed", "node"), [(2709, "dense_5/dE_dkernel"), (2937, "dense_11/dE_dkernel")])
def test_a_students_softmax_among_the_subnormals_stays_under_12(seed: int, node: str) -> None:
    """Nets of the calibration that stood at 15.5 and 13.5: entries of a Jacobian are stored, then multiplied by g."""
    problem = random_net(seed, "float16", most_products=2e6).problem
    with np.errstate(all="ignore"):
        nodes = {n: a.astype(float) for n, a in student_nodes(problem).items()}
    noise = rounding_noise(problem, anchors={n: a for n, a in nodes.items() if n.endswith("/u")}, loops=1.0)
    assert noise.distance(node, nodes[node] - noise.values[node], sides=1).max() < 12


def test_terms_that_are_stored_one_by_one_lose_as_much_each() -> None:
    """z δ = 0.1 · 5 steps of the grid is stored as 0, 512 times alike: no draw shows that, so the bound covers it."""
    mlp, node = MLP(1, [Dense(1)]), "dense_1/dE_dkernel"
    w = {"dense_1/kernel": np.zeros((1, 1), HALF), "dense_1/bias": np.full(1, 1.25, HALF)}
    x, y = np.full((512, 1), 0.1, HALF), np.zeros((512, 1), HALF)
    noise = rounding_noise(mlp.problem(w, x, y, Loss("mse", scale=2.0**-14)), loops=1.0)
    lost = float(noise.values[node][0, 0])
    assert lost == pytest.approx(512 * 0.49988 * 2.0**-24, rel=1e-4)
    assert lost <= noise.bound[node] < 2 * lost


def test_an_equation_by_itself_is_judged_by_what_is_known_of_its_side() -> None:
    """Bare nodes may have been added one by one in 16 bits; those of a run were not."""
    problem = _problem((6, 8, 2), 1024, alike=True)
    run, name = evaluation_of(problem), "dense_1/dE_dkernel"
    nodes = {**run.nodes, name: _product(problem.x.T, run.nodes["dense_1/dE_du"])}
    looped = replace(run, nodes=nodes, rerun=None)
    bare, whole = (isolated(_pair(hand, run), 0, name) for hand in (nodes, looped))
    assert bare is not None
    assert whole is not None
    assert bare < GATE < whole


def test_what_like_samples_repeat_by_hand() -> None:
    """Of a bias √3 Σ σ_δ, of a kernel √3 (|z|ᵀ σ_δ + σ_zᵀ |δ|), less what 16 σ of the sum cover."""
    problem = _problem((2, 3), 4)
    known = {**problem.environment, "dense_1/dE_du": np.full((4, 3), -2.0), "x": np.full((4, 2), -3.0)}
    errors = {"dense_1/dE_du": np.full((4, 3), 25.0), "x": np.full((4, 2), 49.0)}
    equations = {e.node: e for e in problem.equations}

    def alike(node: str, variance: Array) -> Array:
        return _alike(equations[node], known, {**errors, node: variance})

    np.testing.assert_allclose(alike("dense_1/dE_dbias", np.ones(3)), np.sqrt(3) * 4 * 5 - 16)
    by_hand = np.sqrt(3) * (4 * 3 * 5 + 4 * 7 * 2) - 16
    np.testing.assert_allclose(alike("dense_1/dE_dkernel", np.ones((2, 3))), by_hand)
    assert not alike("dense_1/dE_dbias", np.full(3, 9.0)).any()
