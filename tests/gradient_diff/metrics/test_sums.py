"""Sums as value · 2ᵉ: neither overflow nor loss, whatever the magnitude."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradient_diff.metrics.sums import NOTHING, Sum, cosine, dot, plus, products, quotient, relative, root, square


def _exact(a: Sum) -> Fraction:
    return Fraction(a.value) * Fraction(2) ** a.exponent


def test_sums_of_two_exponents_are_added() -> None:
    assert plus(Sum(3.0, 0), Sum(1.0, 2)) == Sum(1.75, 2)
    assert plus(NOTHING, Sum(5.0, 7)) == plus(Sum(5.0, 7), NOTHING) == Sum(5.0, 7)
    assert math.isinf(plus(Sum(math.inf), Sum(1.0, 4)).value)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=20), st.integers(1, 19))
def test_blocks_add_up_to_the_exact_sum_of_squares(numbers: list[float], cut: int) -> None:
    a = np.array(numbers)
    with np.errstate(all="ignore"):
        parts = [square(part) for part in (a[:cut], a[cut:]) if part.size]
    found = _exact(plus(*parts, *[NOTHING] * (2 - len(parts))))
    right = sum(Fraction(n) ** 2 for n in numbers)
    assert abs(found - right) <= right * Fraction(1, 10**12)


def test_plain_where_that_is_right_else_scaled_by_powers_of_two() -> None:
    assert products(np.array([3.0, 4.0]), np.array([1.0, 1.0])) == (Sum(25.0), Sum(2.0), Sum(7.0))
    with np.errstate(all="ignore"):
        assert square(np.array([2.0**700])) == Sum(0.25, 1402)
        aa, bb, ab = products(np.array([2.0**-600]), np.array([2.0**600]))
    assert [_exact(s) for s in (aa, bb, ab)] == [Fraction(2) ** -1200, Fraction(2) ** 1200, 1]


@pytest.mark.parametrize("size", [1, 8192, 8193, 20_000])
def test_a_product_in_rows_is_the_whole_product(size: int) -> None:
    assert dot(np.ones(size), np.full(size, 2.0)) == 2.0 * size


def test_roots_and_ratios_reach_where_their_squares_are_no_floats() -> None:
    assert root(Sum(9.0, 4)) == 12.0
    assert root(Sum(1.0, 4000)) == math.inf
    assert quotient(Sum(1.0, 1000), Sum(2.0, 998)) == 2.0
    assert math.isnan(quotient(Sum(1.0), NOTHING))
    assert relative(Sum(4.0), Sum(16.0)) == 0.5
    assert (relative(NOTHING, NOTHING), relative(Sum(1.0), NOTHING)) == (0.0, math.inf)
    assert cosine(Sum(20.0), Sum(5.0), Sum(10.0)) == 1.0
    assert cosine(Sum(1e-200, 800), Sum(1e300, -800), Sum(-1e50)) == pytest.approx(-1.0, rel=1e-15)
    assert math.isnan(cosine(NOTHING, Sum(1.0), NOTHING))
