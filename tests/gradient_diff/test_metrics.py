import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradient_diff import measure

Array = npt.NDArray[np.float64]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, max_side=6)
MODERATE = st.floats(-1e3, 1e3, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-3)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Array, Array]:
    shape = draw(SHAPES)
    h, r = (draw(hnp.arrays(np.float64, shape, elements=MODERATE)) for _ in range(2))
    return h, r


@given(pairs())
def test_every_metric_is_the_plain_formula(pair: tuple[Array, Array]) -> None:
    h, r = pair
    m, d = measure(h, r), np.abs(h - r)
    norm_h, norm_r = np.sqrt((h**2).sum()), np.sqrt((r**2).sum())
    assert m.shape == h.shape
    assert m.size == h.size
    assert m.norm_hand == pytest.approx(norm_h, rel=1e-13)
    assert m.norm_reference == pytest.approx(norm_r, rel=1e-13)
    assert m.max_abs_difference == d.max()
    assert d[m.worst_index] == d.max()
    assert (m.worst_hand, m.worst_reference) == (h[m.worst_index], r[m.worst_index])
    assert m.differing == sum(a != b for a, b in zip(h.ravel(), r.ravel(), strict=True))
    assert m.sign_disagreements == sum(a * b < 0 for a, b in zip(h.ravel(), r.ravel(), strict=True))
    if norm_r:
        assert m.relative_l2 == pytest.approx(np.sqrt((d**2).sum()) / norm_r, rel=1e-12)
        assert m.scale == pytest.approx((h * r).sum() / (r * r).sum(), rel=1e-9, abs=1e-9)
    if norm_h and norm_r:
        assert m.cosine == pytest.approx((h * r).sum() / (norm_h * norm_r), rel=1e-9, abs=1e-9)


def test_needed_rtol_is_relative_to_the_largest_entry_of_the_reference() -> None:
    assert measure(np.array([1.0, 8.5]), np.array([1.0, -8.0])).needed_rtol == 16.5 / 8
    assert measure(np.zeros(2), np.zeros(2)).needed_rtol == 0
    assert measure(np.ones(2), np.zeros(2)).needed_rtol == np.inf


def test_a_worked_example() -> None:
    m = measure(np.array([[3.0, -4.0], [0.0, 1.0]]), np.array([[3.0, 4.0], [0.0, 2.0]]))
    assert m.norm_hand == math.sqrt(26)
    assert m.norm_reference == math.sqrt(29)
    assert m.relative_l2 == pytest.approx(math.sqrt(65 / 29))
    assert (m.max_abs_difference, m.worst_index, m.worst_hand, m.worst_reference) == (8.0, (0, 1), -4.0, 4.0)
    assert m.scale == pytest.approx((9 - 16 + 2) / 29)
    assert m.cosine == pytest.approx(-5 / math.sqrt(26 * 29))
    assert (m.sign_disagreements, m.differing, m.size) == (1, 2, 4)


def test_zeros_on_either_side() -> None:
    zero, one = np.zeros(3), np.ones(3)
    assert measure(zero, zero).relative_l2 == 0
    assert measure(one, zero).relative_l2 == math.inf
    assert math.isnan(measure(one, zero).scale)
    assert math.isnan(measure(one, zero).cosine)
    assert (measure(zero, one).relative_l2, measure(zero, one).scale) == (1.0, 0.0)
    assert math.isnan(measure(zero, one).cosine)


@pytest.mark.parametrize("magnitude", [5e-324, 1e-200, 1e-30, 1e30, 1e200, 1e307])
def test_magnitudes_whose_squares_are_no_floats(magnitude: float) -> None:
    r = np.array([3.0, 4.0]) * magnitude
    m = measure(2 * r, r)
    assert m.norm_reference == pytest.approx(5 * magnitude, rel=1e-14)
    assert m.relative_l2 == pytest.approx(1, rel=1e-14)
    assert m.scale == pytest.approx(2, rel=1e-14)
    assert m.cosine == pytest.approx(1, rel=1e-14)


def test_two_sides_of_magnitudes_far_apart() -> None:
    large, small = np.full(4, 1e200), np.full(4, 1e-200)
    over = measure(large, small)
    assert (over.relative_l2, over.scale) == (math.inf, math.inf)
    under = measure(small, large)
    assert (under.relative_l2, under.scale) == (1.0, 0.0)
    assert over.cosine == pytest.approx(1)


def test_a_difference_beyond_the_largest_float_is_infinite_and_not_a_warning() -> None:
    m = measure(np.array([1.7e308]), np.array([-1.7e308]))
    assert m.max_abs_difference == math.inf
    assert not m.relative_l2 <= 1e300
    assert m.sign_disagreements == 1


def test_signs_of_products_that_underflow_still_count() -> None:
    assert measure(np.array([1e-200]), np.array([-1e-200])).sign_disagreements == 1


def test_a_scale_of_64_is_seen_where_cosine_is_blind() -> None:
    r = np.random.default_rng(0).normal(size=(20, 30))
    m = measure(64 * r, r)
    assert m.cosine == pytest.approx(1, abs=1e-14)
    assert m.scale == pytest.approx(64)
    assert m.relative_l2 == pytest.approx(63)


def test_entries_that_differ_in_their_last_bit_differ() -> None:
    r = np.array([1.0, 1e-300, 0.0, -0.0])
    assert measure(np.nextafter(r, 9), r).differing == 4
    assert measure(-0.0 * r, 0.0 * r).differing == 0  # equal in value


def test_unequal_dtypes_are_measured_in_float64() -> None:
    m = measure(np.float32([0.1]), np.float64([0.1]))
    assert m.max_abs_difference == abs(float(np.float32(0.1)) - 0.1) > 0


def test_the_first_of_equal_differences_is_the_worst() -> None:
    assert measure(np.ones((2, 2)), np.zeros((2, 2))).worst_index == (0, 0)


@pytest.mark.parametrize(("h", "r"), [((3, 1), (3,)), ((3,), (1, 3)), ((1,), ()), ((2, 3), (3, 2)), ((0,), (0,))])
def test_nothing_is_broadcast_and_empty_arrays_have_no_metrics(h: tuple[int, ...], r: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected two arrays of one shape, not empty") as caught:
        measure(np.ones(h), np.ones(r))
    assert str(h) in str(caught.value)
    assert str(r) in str(caught.value)
