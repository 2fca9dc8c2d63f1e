"""σ: against what NumPy's float32 really does, on random networks; and that planted errors are seen."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from experiments.benchmarks.calibration.random_nets import random_net
from experiments.students.student import student_nodes
from gradient_diff import Noise, rounding_noise
from gradient_diff.noise import network as rounding
from gradient_diff.noise.network import _pooled, local_distance, on_branch, update_bound
from manual_mlp import MLP, Array, Dense, Problem, evaluation_of, gradient_node
from manual_mlp.equations.local_rounding import GATE
from manual_mlp.extend import UNITS

SEEDS = range(40)


def _net(seed: int) -> Problem:
    return random_net(seed, most_products=3e5).problem


def _along(problem: Problem, nodes: dict[str, Array]) -> Noise:
    """σ on the branches that these nodes take at kinks: another branch is no rounding error."""
    anchors = {n: a.astype(np.float64) for n, a in nodes.items() if n.endswith(("/u", "/z"))}
    return rounding_noise(problem, anchors=anchors)


def _finite(nodes: dict[str, Array]) -> dict[str, Array]:
    return {n: np.asarray(a, np.float64) for n, a in nodes.items() if np.isfinite(a).all()}


@pytest.mark.parametrize("seed", SEEDS)
def test_float32_by_numpy_and_as_a_student_writes_it_stays_under_12_sigma(seed: int) -> None:
    problem = _net(seed)
    with np.errstate(all="ignore"):
        sources = [_finite(evaluation_of(problem).nodes), _finite(student_nodes(problem))]
    for nodes in sources:
        noise = _along(problem, nodes)
        for node, array in nodes.items():
            distance = noise.distance(node, array - noise.values[node], sides=1).max()
            assert distance < 12, f"{node}: {distance}"


def test_the_equations_by_themselves_stay_under_12_too() -> None:
    for seed in SEEDS:
        problem = _net(seed)
        with np.errstate(all="ignore"):
            nodes = evaluation_of(problem).nodes
        environment = {**problem.environment, **nodes}
        for e in problem.equations:
            if all(np.isfinite(environment[n]).all() for n in (*e.operands, e.node)):
                assert local_distance(e, environment, nodes[e.node], "float32").max() < 12, (seed, e.node)


def test_a_thousandth_in_a_whole_kernel_is_seen_unless_the_gradient_is_lost() -> None:
    found = {"seen": 0, "lost": 0, "blurred": 0}
    for seed in SEEDS:
        problem = _net(seed)
        noise = rounding_noise(problem)
        for node in (gradient_node(name) for name in problem.parameters if name.endswith("kernel")):
            truth = noise.values[node]
            lost = bool((np.abs(truth) <= noise.tolerance(node)).all())
            seen = noise.distance(node, 1e-3 * truth).max() > GATE
            found["lost" if lost else "seen" if seen else "blurred"] += 1
    assert found["seen"] > 150
    assert found["blurred"] < 0.05 * found["seen"]
    assert found["lost"] < 0.25 * found["seen"]  # inputs and weights times ten saturate, and units die


def test_most_kernels_are_judged_ten_times_sharper_than_a_thousandth() -> None:
    smallest = []
    for seed in SEEDS:
        problem = _net(seed)
        noise = rounding_noise(problem)
        for node in (gradient_node(n) for n in problem.parameters if n.endswith("kernel")):
            truth, limit = np.abs(noise.values[node]), noise.tolerance(node)
            if (truth > limit).any():
                smallest.append(float(np.divide(limit, truth, out=np.full(truth.shape, np.inf), where=truth > 0).min()))
    assert np.quantile(smallest, 0.5) < 1e-4
    assert np.quantile(smallest, 0.9) < 1e-3


def _small(activation: str = "tanh", dtype: str = "float64") -> Problem:
    mlp = MLP(3, [Dense(5, activation), Dense(4, activation), Dense(2)])
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    return mlp.problem(mlp.initialize(0, dtype=dtype), x, y, "mse")


def test_float64_rounds_a_unit_roundoff_of_its_own_as_much_as_float32() -> None:
    fine, coarse = (rounding_noise(_small(), dtype) for dtype in ("float64", "float32"))
    for node in coarse.sigma:
        np.testing.assert_allclose(fine.sigma[node] * 2.0**29, coarse.sigma[node], rtol=1e-9)
        np.testing.assert_allclose(np.multiply(fine.bound[node], 2.0**29), coarse.bound[node], rtol=1e-9)


@pytest.mark.parametrize(("dtype", "unit"), [("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
def test_coarse_dtypes_are_known_and_round_in_proportion(dtype: str, unit: float) -> None:
    coarse, single = (rounding_noise(_small(), d) for d in (dtype, "float32"))
    assert UNITS[dtype] == unit
    for node in single.sigma:
        ratio = np.linalg.norm(coarse.sigma[node]) / np.linalg.norm(single.sigma[node])
        assert 0.4 < ratio * 2.0**-24 / unit < 2.5


def test_numpys_float16_stays_under_12_sigma() -> None:
    problem = _small(dtype="float16")
    assert problem.dtype == np.float16
    noise = rounding_noise(problem)
    for node, array in evaluation_of(problem).nodes.items():
        assert noise.distance(node, array.astype(np.float64) - noise.values[node], sides=1).max() < 12


def test_the_dtype_of_the_problem_is_the_default() -> None:
    assert rounding_noise(_small(dtype="float32")).dtype == "float32"


@pytest.mark.parametrize("dtype", ["longdouble", "int64", "float8"])
def test_a_dtype_whose_rounding_is_not_known_is_refused(dtype: str) -> None:
    text = f"No rounding is known for '{dtype}'. Known: float64, float32, float16, bfloat16."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        rounding_noise(_small(), dtype)


def test_one_seed_gives_one_sigma_and_another_nearly_the_same() -> None:
    first, again, other = (rounding_noise(_small(), seed=s) for s in (0, 0, 1))
    for node in first.sigma:
        assert np.array_equal(first.sigma[node], again.sigma[node])
        assert 1 / 3 < np.linalg.norm(first.sigma[node]) / np.linalg.norm(other.sigma[node]) < 3
    assert any(not np.array_equal(first.sigma[n], other.sigma[n]) for n in first.sigma)


def test_what_it_costs_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    plain = rounding.on_branch
    monkeypatch.setattr(rounding, "on_branch", lambda *args, **kw: runs.append(1) or plain(*args, **kw))
    noise = rounding_noise(_small(), draws=5)
    assert len(runs) == 6  # the truth, and five draws
    assert noise.evaluations == 9
    assert rounding_noise(_small()).evaluations <= 45


def test_values_are_the_derivation_in_float64() -> None:
    problem = _small(dtype="float32")
    exact = evaluation_of(problem.float64).nodes
    noise = rounding_noise(problem)
    assert noise.values.keys() == noise.sigma.keys() == exact.keys()
    for node, array in exact.items():
        np.testing.assert_allclose(noise.values[node], array, rtol=1e-15, atol=0)


def test_errors_that_repeat_along_the_batch_are_bounded_only_where_the_batch_is_summed() -> None:
    noise = rounding_noise(_small(), "float32")
    for node in noise.sigma:
        summed = node == "loss" or node.endswith(("kernel", "bias"))
        assert bool(np.any(np.asarray(noise.bound[node]) > 0)) is summed, node


def test_tolerance_and_distance_by_hand() -> None:
    noise = Noise("float32", {}, {"w": np.array([1.0, 0.0])}, {"w": np.array([2.0, 0.0])}, 0, gate=10.0)
    np.testing.assert_allclose(noise.tolerance("w"), [np.sqrt(2) * 12, 0])
    np.testing.assert_allclose(noise.tolerance("w", sides=1), [12, 0])
    np.testing.assert_allclose(noise.distance("w", np.array([-5.0, 0.0]), sides=1), [3, 0])
    np.testing.assert_allclose(noise.distance("w", np.array([1.0, 1e-300]), sides=1), [0, np.inf])


def test_what_lies_at_the_tolerance_is_at_the_gate() -> None:
    noise = rounding_noise(_small(), "float32")
    for node in noise.sigma:
        for sides in (1, 2):
            np.testing.assert_allclose(noise.distance(node, noise.tolerance(node, sides), sides), GATE, rtol=1e-12)


# kinks


def test_draws_do_not_jump_over_a_kink() -> None:
    """u = 0 for every unit: the slope stays the float64 derivation's, so that nothing of the other branch is in σ."""
    mlp = MLP(2, [Dense(3, "relu"), Dense(1)])
    w = mlp.initialize(0, dtype="float32")
    w["dense_1/kernel"][:] = 0
    noise = rounding_noise(mlp.problem(w, np.ones((4, 2)), np.ones((4, 1)), "mse"))
    assert noise.sigma["dense_1/dE_dkernel"].max() < 1e-30


def test_anchors_choose_the_branch() -> None:
    problem = _small("relu")
    u = evaluation_of(problem).nodes["dense_1/u"]
    turned = rounding_noise(problem, anchors={"dense_1/u": -u})
    np.testing.assert_array_equal(turned.values["dense_1/z"] != 0, u < 0)
    along = on_branch(problem.equations, problem.environment, {"dense_1/u": -u})
    np.testing.assert_array_equal(along["dense_1/dE_du"] != 0, (u < 0) & (along["dense_1/dE_dz"] != 0))


def test_no_derivation_needs_anchors_where_nothing_is_kinked() -> None:
    problem = _small()
    far = {n: np.full(a.shape, 9.0) for n, a in evaluation_of(problem).nodes.items()}
    plain, anchored = rounding_noise(problem), rounding_noise(problem, anchors=far)
    assert all(np.array_equal(plain.sigma[n], anchored.sigma[n]) for n in plain.sigma)


# one equation


def test_one_equation_by_itself_sees_a_thousandth_in_one_entry() -> None:
    problem = _small(dtype="float32")
    nodes = evaluation_of(problem).nodes
    environment = {**problem.environment, **nodes}
    for e in problem.equations:
        array = nodes[e.node].copy()
        entry = np.unravel_index(np.abs(array).argmax(), array.shape)
        assert local_distance(e, environment, array, "float32").max() < 12
        array[entry] *= np.float32(1.001)
        assert local_distance(e, environment, array, "float32")[entry] > GATE, e.node


# gradients inferred from an update


def test_the_bound_of_an_update_holds_for_stored_weights() -> None:
    rng = np.random.default_rng(0)
    for lr in (1e-4, 0.01, 1.0):
        w, g = rng.normal(size=1000).astype(np.float32), rng.normal(size=1000).astype(np.float32)
        after = w - np.float32(lr) * g
        inferred = (w.astype(np.float64) - after.astype(np.float64)) / lr
        error = np.abs(inferred - np.float32(lr).astype(np.float64) / lr * g)
        assert (error <= update_bound(w, after, lr) + 2.0**-23 * np.abs(g)).all()
        assert error.max() > update_bound(w, after, lr).max() / 8  # and is no mere guess


def test_the_bound_of_an_update_by_hand() -> None:
    bound = update_bound(np.array([1.0], np.float32), np.array([-3.0], np.float32), 0.5)
    assert bound[0] == 2.0**-24 * 4 / 0.5
    assert bound.dtype == np.float64


def test_class_indices_stay_whole_numbers() -> None:
    mlp = MLP(2, [Dense(3, "softmax")])
    w = mlp.initialize(0, dtype="float32")
    problem = mlp.problem(w, np.ones((4, 2)), np.array([0, 1, 2, 0]), "sparse_categorical_crossentropy")
    noise = rounding_noise(replace(problem, fused=False))
    assert "dense_1/dE_dz" in noise.sigma
    assert all(np.isfinite(a).all() for a in noise.sigma.values())


def test_few_draws_of_a_vector_are_steadied_by_its_mean_and_those_of_a_matrix_by_row_and_column() -> None:
    assert _pooled(np.array([0.0, 10.0])).tolist() == [0.5, 10.5]
    np.testing.assert_allclose(_pooled(np.array([[0.0, 2.0], [2.0, 4.0]])), [[0.5, 3.5], [3.5, 8.5]])
    assert _pooled(np.zeros((2, 2))).tolist() == [[0, 0], [0, 0]]
