from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.benchmarks.detection.cases import DrawnNet, mistakes
from experiments.benchmarks.detection.sizes import AT_KINKS, BELOW, MISSED, NO_EFFECT, SHOWS, reason, shows, size_of
from gradient_diff import compare

Net = Callable[..., DrawnNet]


def test_a_bias_mean_over_one_sample_has_no_effect(net: Net) -> None:
    alone, several = net(6), net(4)
    for s, none in ((alone, True), (several, False)):
        fault = next(f for f in mistakes(s) if f.id == "bias_mean")
        assert (size_of(fault.effect, s)[0] == 0.0) is none
        assert compare(fault.hand, s.tape).verdict.bad is not none


def test_an_effect_is_measured_in_sigma(net: Net) -> None:
    s = net()
    sigma = s.noise.sigma["dense_1/dE_dbias"]
    effect = {n: np.zeros_like(g) for n, g in s.exact.items()}
    effect["dense_1/bias"] = effect["dense_1/bias"] + 50 * np.sqrt(2) * sigma  # two sides round
    measured, relative, _ = size_of(effect, s)
    assert measured == pytest.approx(50, rel=0.2)  # the bound for repeated errors is taken off first
    assert 0 < relative < 1e-9
    assert size_of(None, s)[0] == np.inf


@pytest.mark.parametrize(
    ("sigma", "relative", "verdict", "why"),
    [
        (0.0, 0.0, "MATCH", NO_EFFECT),
        (0.0, 1e-9, "MATCH", BELOW),  # no larger than rounding that repeats along the batch
        (5.0, 1e-6, "MATCH", BELOW),
        (SHOWS + 1, 1e-3, "KINK", AT_KINKS),
        (SHOWS + 1, 1e-3, "VACUOUS", MISSED),
    ],
)
def test_each_reason(sigma: float, relative: float, verdict: str, why: str) -> None:
    assert reason(sigma, relative, verdict) == why


def test_nothing_added_is_of_no_size_and_what_is_large_shows(net: Net) -> None:
    small = net()
    assert size_of({n: 0 * g for n, g in small.exact.items()}, small) == (0, 0, 0)
    assert (shows(100.0), shows(20.0)) == (True, False)
