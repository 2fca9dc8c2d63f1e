"""Derivatives from values alone: the stated error has to hold where the function is unkind."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff.witnesses.along_a_line import Estimate, Reach, derivative, sided, value_noise

DOUBLE, SINGLE = 2.0**-53, 2.0**-24
SCALES = [1e-6, 1e-3, 1.0, 1e3, 1e6]


def reach(x: float, unit: float = DOUBLE, out: float = 0.0) -> Reach:
    return Reach(abs(x) or 1.0, max(abs(x), 1.0), unit * abs(x), unit * out)


@pytest.mark.parametrize("x", SCALES)
@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (math.sin, math.cos),
        (math.sqrt, lambda x: 0.5 / math.sqrt(x)),
        (math.log, lambda x: 1 / x),
        (math.atan, lambda x: 1 / (1 + x * x)),
    ],
)
def test_the_error_holds_at_every_scale(f: Callable[[float], float], slope: Callable[[float], float], x: float) -> None:
    def line(t: float) -> float:
        return f(x + t) if f is not math.sqrt or x + t >= 0 else math.nan

    def safe(t: float) -> float:
        try:
            return line(t)
        except ValueError:
            return math.nan

    found = derivative(safe, reach(x, out=abs(f(x))))
    assert found.known
    assert abs(found.value - slope(x)) <= found.error
    assert found.error <= 1e-5 * abs(slope(x))


@pytest.mark.parametrize("x", SCALES)
def test_float32_values_have_a_larger_error_that_holds_as_well(x: float) -> None:
    start = float(np.float32(x))
    found = derivative(lambda t: float(np.sin(np.float32(start + t))), reach(x, SINGLE, abs(math.sin(x))))
    assert abs(found.value - math.cos(start)) <= found.error


def test_a_narrow_peak_is_not_overlooked() -> None:
    found = derivative(lambda t: math.exp(-((t + 5e-4) ** 2) * 1e6), reach(1.0, out=1.0))
    truth = -2 * 5e-4 * 1e6 * math.exp(-0.25)
    assert abs(found.value - truth) <= found.error < 1e-3 * abs(truth)


def test_values_that_do_not_move_are_flat_without_doubt() -> None:
    assert derivative(lambda t: 3.0, reach(1.0)) == Estimate(0.0, 0.0)


def test_a_step_function_of_fine_stairs_is_not_taken_for_flat() -> None:
    """What a part in bfloat16 does: from too near nothing moves."""
    found = derivative(lambda t: round((0.3 + t) * 128) / 128, reach(0.3))
    assert abs(found.value - 1) <= found.error


@pytest.mark.parametrize("natural", [1e-3, 1.1, 30.0])
def test_what_is_flat_up_to_a_kink_nearby_is_flat(natural: float) -> None:
    """From afar such a line looks smooth enough to extrapolate to half of its slope."""
    close = 0
    for gap in np.geomspace(1e-9, 3.0, 30) * natural:
        for sign in (1, -1):

            def line(t: float, sign: int = sign, gap: float = float(gap)) -> float:
                return 1.3 * max(sign * t - gap, 0.0)

            found = [derivative(line, reach(natural)), *sided(line, reach(natural))]
            assert all(abs(f.value) <= f.error for f in found), gap
            close += found[0].error < 1e-3
    assert close > 40  # of 60: where a kink is at the edge of a step, more cannot be said


@pytest.mark.parametrize("power", [2, 4])
def test_a_minimum_is_resolved(power: int) -> None:
    """At 0 its values are 0 and round to nothing; beside it they do."""
    for found in (
        derivative(lambda t: t**power, Reach(1.0, 1.0, 0.0)),
        *sided(lambda t: t**power, Reach(1.0, 1.0, 0.0)),
    ):
        assert found.known
        assert abs(found.value) <= found.error < 1e-6


def test_both_sides_of_a_kink() -> None:
    left, right = sided(lambda t: 3 * max(t, 0.0) - t, reach(1.0))
    assert abs(left.value + 1) <= left.error + 1e-12
    assert abs(right.value - 2) <= right.error + 1e-12
    assert not left.agrees(right)


def test_beyond_its_domain_nothing_is_known() -> None:
    assert not derivative(lambda t: 0.0 if t == 0 else math.nan, reach(1.0)).known


def test_noise_is_what_is_left_of_high_differences() -> None:
    rng = np.random.default_rng(0)
    for sigma in (1e-12, 1e-6):
        found = [value_noise(lambda t: math.exp(t) + sigma * rng.normal(), 1e-3) for _ in range(20)]  # noqa: B023  # called at once
        assert sigma / 3 < np.median(found) < 3 * sigma
