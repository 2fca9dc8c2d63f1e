from __future__ import annotations

import numpy as np
import pytest

from experiments.benchmarks.calibration.random_nets import random_net
from experiments.benchmarks.calibration.study import DTYPES, LIMIT, MOST_PRODUCTS, SHARP, Sample, Sharpness, calibrate
from experiments.students.student import student_nodes
from gradient_diff import compare
from manual_mlp import evaluation_of, gradient_node
from manual_mlp.equations.local_rounding import Local
from manual_mlp.extend import LOST, SMALLEST

SMALL = 2e5  # products of a net at most, so that dozens take seconds

pytestmark = pytest.mark.slow  # sixty nets, in every mode of TensorFlow


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """A small version of the calibration: sixty nets, every dtype, everyone who computes gradients."""
    found: list[Sample] = []
    for seed in range(60):
        dtype = DTYPES[seed % len(DTYPES)]
        with np.errstate(all="ignore"):
            found += calibrate(random_net(seed, dtype, min(SMALL, MOST_PRODUCTS[dtype]), varied=seed >= 40), [])
    return found


def test_no_kind_of_node_exceeds_the_limit(samples: list[Sample]) -> None:
    worst = max(samples, key=lambda s: s.distance)
    assert worst.distance <= LIMIT, worst


def test_everyone_is_calibrated(samples: list[Sample]) -> None:
    sources = {s.source for s in samples}
    assert sources >= {"NumPy", "student", "permuted", "tape eager", "tape graph", "tape xla", "tape eager, isolated"}
    assert {s.dtype for s in samples} == {"float32", "float64", "float16", "bfloat16"}


def _of_the_tape(dtype: str) -> tuple[list[Sample], list[float]]:
    """What thirty nets of one dtype show: samples, and σ over the real error of every kernel that is not lost."""
    sharpness: list[Sharpness] = []
    found: list[Sample] = []
    for seed in range(100, 130):
        with np.errstate(all="ignore"):
            found += calibrate(random_net(seed, dtype, SMALL), sharpness)
    return found, [s.ratio for s in sharpness if not s.vacuous and np.isfinite(s.ratio)]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_sigma_is_as_sharp_in_16_bits_as_in_32(dtype: str) -> None:
    samples, ratios = _of_the_tape(dtype)
    assert max(s.distance for s in samples) <= LIMIT
    assert len(ratios) > 50
    assert 1 < np.median(ratios) <= SHARP


def test_sigma_is_blind_where_everybody_is_thought_to_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was: 16-bit products added in 16 bits, by everybody."""
    monkeypatch.setattr("manual_mlp.equations.local_rounding.SUMS", {})
    monkeypatch.setitem(LOST, "float16", SMALLEST["float16"])
    assert np.median(_of_the_tape("float16")[1]) > SHARP


def test_the_calibration_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "manual_mlp.equations.operations.product_rounding", lambda a, b, p, u, start=None: (0 * p, 0 * p)
    )
    net = random_net(2, "float32", SMALL)
    monkeypatch.setattr("experiments.benchmarks.calibration.study._same_in_keras", lambda problem: False)
    assert max(s.distance for s in calibrate(net, [])) > LIMIT


@pytest.mark.parametrize("seed", range(12))
def test_the_student_is_right(seed: int) -> None:
    problem = random_net(seed, "float64", SMALL).problem
    nodes = student_nodes(problem)
    mine = {n: nodes[gradient_node(n)] for n in problem.parameters}
    assert compare(mine, evaluation_of(problem)).verdict.exit_code != 1


def test_a_mask_that_rounds_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local term of ⊙ is needed: nothing else explains what x ⊙ m is off by."""
    nets = (random_net(seed, "float32", SMALL, varied=True) for seed in range(40))
    net = next(net for net in nets if net.problem.mlp.layers[0].kind == "dropout")
    monkeypatch.setattr("experiments.benchmarks.calibration.study._same_in_keras", lambda problem: False)
    assert max(s.distance for s in calibrate(net, []) if s.source == "NumPy") <= LIMIT
    monkeypatch.setattr(
        "manual_mlp.equations.operations.Multiply.rounding", lambda self, result, *operands, at: Local()
    )
    assert max(s.distance for s in calibrate(net, []) if s.source == "NumPy") > LIMIT


def test_varied_nets_leave_the_plain_ones_what_they_were() -> None:
    plain, varied = (random_net(7, "float64", SMALL, varied=v).problem for v in (False, True))
    assert all(np.array_equal(plain.parameters[n], varied.parameters[n]) for n in plain.parameters)
    assert np.array_equal(plain.x, varied.x)
    kinds = {
        layer.kind for seed in range(20) for layer in random_net(seed, "float64", SMALL, varied=True).problem.mlp.layers
    }
    assert kinds == {"dense", "dropout", "activation"}
    assert {layer.kind for layer in plain.mlp.layers} == {"dense"}
