"""How differences are spread."""

import math

import numpy as np
import pytest

from gradient_diff.metrics.histogram import LOWEST_DECADE, Histogram, Spread
from manual_mlp import Array


def _spread(values: Array) -> Spread:
    histogram = Histogram()
    for part in np.array_split(values, 3):
        histogram.add(part)
    return histogram.spread(int((values == 0).sum()), float(values.max()))


def test_a_few_entries() -> None:
    spread = _spread(np.array([0.0, 0.5, 0.25, 3.0]))
    assert spread.decades() == ((-1, 2), (0, 1))
    assert (spread.quantile(0.25), spread.quantile(0.75), spread.quantile(1.0)) == (0.0, 0.5625, 3.0)


def test_nothing_has_neither_decades_nor_quantiles() -> None:
    assert Spread().decades() == ()
    assert math.isnan(Spread().quantile(0.5))


@pytest.mark.parametrize("power", [-307, -20, -1, 0, 1, 22, 23, 308])
def test_a_power_of_ten_begins_its_decade_and_the_float_below_ends_the_one_before(power: int) -> None:
    ten = float(f"1e{power}")
    assert _spread(np.array([np.nextafter(ten, 0), ten, ten])).decades() == ((power - 1, 1), (power, 2))


def test_the_smallest_floats_share_a_decade() -> None:
    assert _spread(np.array([5e-324, 1e-310, 1e-308])).decades() == ((LOWEST_DECADE, 2), (-308, 1))


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.99, 1.0])
def test_a_quantile_is_never_too_small_and_an_eighth_too_large_at_most(share: float) -> None:
    values = np.abs(np.random.default_rng(0).normal(size=999)) * 1e-7
    right = float(np.sort(values)[math.ceil(share * values.size) - 1])
    assert right <= _spread(values).quantile(share) <= 1.125 * right
