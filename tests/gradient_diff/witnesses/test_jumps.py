"""Where values jump: seen at the point alone, and not where they are steep, coarse or rough."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff.witnesses.along_a_line import Reach
from gradient_diff.witnesses.jumps import jump_of

REACH = Reach(1.0, 1.0, 2.0**-53, 2.0**-53)


@pytest.mark.parametrize(
    ("f", "x", "below", "above"),
    [
        (math.floor, 4.0, -1.0, 0.0),
        (math.ceil, 4.0, 0.0, 1.0),
        (lambda t: float(np.round(t)), 0.5, 0.0, 1.0),
        (lambda t: float(np.sign(t)), 0.0, -1.0, 1.0),
        (lambda t: float(t > 2), 2.0, 0.0, 1.0),
        (lambda t: float(t == 2), 2.0, -1.0, -1.0),
        (lambda t: t * math.floor(t), 4.0, -4.0, 0.0),
        (lambda t: math.fmod(t, 1.0) * 3 + t, 7.0, 3.0, 0.0),
    ],
)
def test_a_jump_is_seen_on_its_side(f: Callable[[float], float], x: float, below: float, above: float) -> None:
    jump = jump_of(lambda t: f(x + t) - f(x), REACH)
    assert jump is not None
    assert (jump.below, jump.above) == (pytest.approx(below, abs=1e-9), pytest.approx(above, abs=1e-9))
    continued = jump.continued(lambda t: f(x + t) - f(x))
    assert max(abs(continued(t)) for t in (-1e-9, 0.0, 1e-9)) < 1e-7


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (math.floor, 4.5),
        (math.sin, 1.0),
        (abs, 0.0),
        (lambda t: math.tanh(1e9 * t), 0.0),
        (lambda t: math.copysign(abs(t) ** 0.1, t), 0.0),
        (lambda t: float(np.float32(t)) ** 2, 0.7),
        (lambda t: (1e6 + t) - 1e6, 0.3),
        (lambda t: 0.0, 1.0),
        (lambda t: math.log(t) if t > 0 else math.nan, 0.0),
    ],
)
def test_what_is_steep_coarse_or_no_number_is_no_jump(f: Callable[[float], float], x: float) -> None:
    start = f(x)
    assert jump_of(lambda t: f(x + t) - start, REACH) is None


def test_a_jump_no_larger_than_rounding_is_none() -> None:
    assert jump_of(lambda t: 1e-15 * (t > 0), REACH) is None
