from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gradient_diff import compare, write_report
from gradient_diff.diagnosis.smallest import is_wrong, smallest_case
from manual_mlp import MLP, Dense, Evaluation, Problem, evaluation_of

Arrays = Mapping[str, np.ndarray]


def problem(dtype: str = "float64") -> Problem:
    mlp, rng = MLP(7, [Dense(11, "tanh"), Dense(5, "tanh"), Dense(3)]), np.random.default_rng(0)
    x, y = rng.normal(size=(13, 7)).astype(dtype), rng.normal(size=(13, 3)).astype(dtype)
    return mlp.problem(mlp.initialize(rng, dtype=dtype), x, y, "mse")


def derive(parameters: Arrays, x: np.ndarray, y: np.ndarray, *, units: slice, factor: float) -> dict[str, np.ndarray]:
    """By hand, but for δ² of some units, to which `factor` times its own square is added: no mistake of the list."""
    w = [parameters[f"dense_{i}/kernel"] for i in (1, 2, 3)]
    b = [parameters[f"dense_{i}/bias"] for i in (1, 2, 3)]
    z1 = np.tanh(x @ w[0] + b[0])
    z2 = np.tanh(z1 @ w[1] + b[1])
    d3 = 2 * (z2 @ w[2] + b[2] - y) / y.size
    d2 = d3 @ w[2].T * (1 - z2**2)
    d2[:, units] += factor * d2[:, units] ** 2
    d1 = d2 @ w[1].T * (1 - z1**2)
    layers = ((x, d1), (z1, d2), (z2, d3))
    return {
        f"dense_{i}/{n}": a for i, (z, d) in enumerate(layers, 1) for n, a in (("kernel", z.T @ d), ("bias", d.sum(0)))
    }


def wrong(parameters: Arrays, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    return derive(parameters, x, y, units=slice(1, 2), factor=1.0)


def right(parameters: Arrays, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    return derive(parameters, x, y, units=slice(0, 0), factor=1.0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_derivation_is_called_on_the_problem_of_the_reference(dtype: str) -> None:
    reference = evaluation_of(problem(dtype))
    assert compare(right, reference).ok
    assert not is_wrong(right, problem(dtype))
    assert compare(wrong, reference).verdict.name == "MISMATCH"
    assert is_wrong(wrong, problem(dtype))


def test_what_no_known_mistake_explains_is_cut_down_to_the_unit_in_which_it_sits() -> None:
    diff = compare(wrong, evaluation_of(problem()))
    assert diff.causes == ()
    assert diff.smallest is not None
    small = diff.smallest.problem
    assert (small.batch, small.mlp.inputs, small.mlp.units) == (1, 1, (1, 2, 1))  # its second unit is the wrong one
    assert is_wrong(wrong, small)
    assert diff.unexplained.endswith("batch 1 (sample 0) and 1-1-2-1, cut from 13 and 7-11-5-3.")


def test_one_bad_sample_is_found_among_many() -> None:
    found = smallest_case(lambda p: bool((p.x == whole.x[7]).all(1).any()), whole := problem())
    assert found.samples == (7,)
    assert found.problem.batch == 1


def test_two_samples_that_must_meet_are_both_kept() -> None:
    whole = problem()
    found = smallest_case(lambda p: {whole.x[3, 0], whole.x[11, 0]} <= set(p.x[:, 0]), whole)
    assert found.samples == (3, 11)


def test_a_derivation_made_for_one_net_alone_is_cut_by_samples_only() -> None:
    def one_net(parameters: Arrays, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        if x.shape[1] != 7 or parameters["dense_2/kernel"].shape != (11, 5):
            raise ValueError("made for 7-11-5-3")
        return wrong(parameters, x, y)

    found = compare(one_net, evaluation_of(problem())).smallest
    assert found is not None
    assert (found.problem.batch, found.problem.mlp.units) == (1, (11, 5, 1))  # of the outputs it says nothing


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("kind", [AssertionError, RuntimeError, NotImplementedError, AttributeError])
def test_a_derivation_may_refuse_a_smaller_case_in_any_way(kind: type[Exception]) -> None:
    def whole_batch(parameters: Arrays, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        if x.shape != (13, 7):
            raise kind("made for 13 samples of 7 features")
        return wrong(parameters, x, y)

    found = compare(whole_batch, evaluation_of(problem())).smallest
    assert found is not None
    assert (found.problem.batch, found.problem.mlp.inputs) == (13, 7)


def test_a_smaller_case_is_tried_on_copies() -> None:
    whole = problem()

    def spoiling(parameters: Arrays, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        gradients = wrong(parameters, x, y)
        x *= 0
        for array in parameters.values():
            array[...] = 0
        return gradients

    found = compare(spoiling, evaluation_of(whole)).smallest
    assert found is not None
    assert is_wrong(wrong, found.problem)
    assert all(a.any() for a in found.problem.parameters.values() if a.size > 2)


def test_a_buffer_that_a_derivation_uses_again_keeps_what_was_compared() -> None:
    buffer: dict[str, np.ndarray] = {}

    def reusing(parameters: Arrays, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        for name, gradient in wrong(parameters, x, y).items():
            buffer.setdefault(name, np.zeros_like(gradient))[...] = gradient
        return buffer

    whole = problem()
    diff = compare(reusing, evaluation_of(whole))
    right_now = wrong(whole.parameters, whole.x, whole.y)
    assert diff.smallest is not None  # so it was called again
    assert all(np.array_equal(diff.hand[f"dense_{i}/dE_dkernel"], right_now[f"dense_{i}/kernel"]) for i in (1, 2, 3))


def test_the_search_ends_after_so_many_tries() -> None:
    whole = problem()
    assert smallest_case(lambda p: True, whole, most_tries=3).tries == 3
    assert smallest_case(lambda p: False, whole).samples == tuple(range(13))


def test_a_known_mistake_needs_no_smallest_case() -> None:
    diff = compare(lambda w, x, y: {n: -g for n, g in right(w, x, y).items()}, evaluation_of(problem()))
    assert diff.causes[0].id == "sign"
    assert diff.smallest is None


def test_a_function_needs_an_evaluation_to_be_called_on() -> None:
    with pytest.raises(TypeError, match="only an Evaluation as reference says what to call it on"):
        compare(right, evaluation_of(problem()).gradients)


def test_the_report_keeps_the_smallest_case(tmp_path: Path) -> None:
    diff = compare(wrong, evaluation_of(problem()))
    write_report(diff, tmp_path / "report")
    assert is_wrong(wrong, Evaluation.load(tmp_path / "report" / "smallest.npz").problem)


def test_of_fewer_samples_each_keeps_its_weight() -> None:
    whole = replace(problem(), sample_weight=np.arange(13.0))
    found = smallest_case(lambda p: {3.0, 11.0} <= set(p.sample_weight), whole)
    assert found.samples == (3, 11)
    assert found.problem.sample_weight.tolist() == [3, 11]
