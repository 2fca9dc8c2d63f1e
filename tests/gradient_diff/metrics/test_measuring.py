import math
import tracemalloc
from bisect import bisect_right
from collections import Counter
from dataclasses import fields
from fractions import Fraction
from functools import partial
from typing import Any
from unittest import mock

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradient_diff import Metrics, measure
from gradient_diff.metrics import measuring
from gradient_diff.metrics.measuring import BLOCK, blocks

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


@pytest.mark.parametrize(("h", "r"), [((3, 1), (3,)), ((3,), (1, 3)), ((1,), ()), ((2, 3), (3, 2)), ((0,), (0, 1))])
def test_nothing_is_broadcast(h: tuple[int, ...], r: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected two arrays of one shape") as caught:
        measure(np.ones(h), np.ones(r))
    assert str(h) in str(caught.value)
    assert str(r) in str(caught.value)


@pytest.mark.parametrize("bad", [np.ones(2, complex), np.array(["a", "b"]), np.array([None, 1])])
def test_what_holds_no_real_numbers_is_refused(bad: npt.NDArray[Any]) -> None:
    with pytest.raises(TypeError, match=rf"reference is {bad.dtype}: expected an array of real numbers"):
        measure(np.ones(2), bad)


def test_a_top_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"measure\(top=0\): expected how many"):
        measure(np.ones(2), np.ones(2), top=0)


# every metric against a plain, slow reference, over dtypes, layouts, blocks and entries that are not finite


def _plain(h: npt.NDArray[Any], r: npt.NDArray[Any], top: int) -> dict[str, Any]:
    """Entry by entry in Python, on exact fractions where sums are concerned."""
    a, b = h.astype(np.float64), r.astype(np.float64)
    finite = [i for i in np.ndindex(h.shape) if math.isfinite(a[i]) and math.isfinite(b[i])]
    with np.errstate(over="ignore"):
        apart = {i: float(np.abs(a[i] - b[i])) for i in finite}
    hh, rr, hr = (sum(Fraction(p[i]) * Fraction(q[i]) for i in finite) for p, q in ((a, a), (b, b), (a, b)))
    descending = sorted(apart.values(), reverse=True)
    return {
        "finite": len(finite),
        "nan_hand": int(np.isnan(a).sum()),
        "nan_reference": int(np.isnan(b).sum()),
        "inf_hand": int(np.isinf(a).sum()),
        "inf_reference": int(np.isinf(b).sum()),
        "differing": sum(d > 0 for d in apart.values()),
        "sign_disagreements": sum(Fraction(a[i]) * Fraction(b[i]) < 0 for i in finite),
        "max_abs_difference": descending[0] if finite else math.nan,
        "largest": [d for d in descending if d > 0][:top],
        "apart": apart,
        "sums": (hh, rr, hr),
        "ascending": descending[::-1],
    }


def _ulp_distance(x: Any, y: Any, dtype: np.dtype[Any]) -> int:
    """Steps of nextafter would take for ever: the floats of a dtype, counted from zero, by sign and magnitude."""

    def count(value: Any) -> int:
        bits = int(np.asarray(value).astype(dtype).view(f"u{dtype.itemsize}"))
        half = 1 << (8 * dtype.itemsize - 1)
        return bits if bits < half else half - bits

    with np.errstate(over="ignore"):
        return abs(count(x) - count(y))


DTYPES = [np.dtype(t) for t in (np.float64, np.float32, np.float16, ml_dtypes.bfloat16, np.int32, np.uint8, ">f4")]
ANY = st.one_of(
    st.floats(-100, 100, width=16),
    st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1.0, 1.0 + 2**-7, 1e-7, -3e-5, 250.0]),
)
WILD = st.floats(allow_nan=True, allow_infinity=True)


def _laid_out(array: npt.NDArray[Any], layout: str) -> npt.NDArray[Any]:
    if layout == "F":
        return np.array(array, order="F")  # asfortranarray gives scalars an axis
    if layout == "strided" and array.ndim:
        wide = np.repeat(array, 2, axis=-1)
        return wide[..., ::2]
    if layout == "reversed" and array.ndim:
        return np.ascontiguousarray(array[::-1])[::-1]
    return array


@st.composite
def any_pairs(draw: st.DrawFn) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
    sides = []
    elements = draw(st.sampled_from([ANY, WILD]))
    base = draw(hnp.arrays(np.float64, shape, elements=elements))
    for _ in range(2):
        values = base if draw(st.booleans()) else draw(hnp.arrays(np.float64, shape, elements=elements))
        dtype = draw(st.sampled_from(DTYPES))
        if dtype.kind in "iu":
            values = np.clip(np.nan_to_num(values), 0, 200)
        with np.errstate(over="ignore"):
            sides.append(_laid_out(values.astype(dtype), draw(st.sampled_from(["C", "F", "strided", "reversed"]))))
    return sides[0], sides[1]


@settings(max_examples=300, deadline=None)  # a loaded machine is slow at times
@given(pair=any_pairs(), top=st.integers(1, 4), block=st.integers(1, 20))
def test_every_metric_is_that_of_a_plain_loop(
    pair: tuple[npt.NDArray[Any], npt.NDArray[Any]], top: int, block: int
) -> None:
    h, r = pair
    with mock.patch.object(measuring, "blocks", partial(blocks, size=block)):
        m = measure(h, r, top=top)
    plain = _plain(h, r, top)
    for name in ("finite", "nan_hand", "nan_reference", "inf_hand", "inf_reference", "differing", "sign_disagreements"):
        assert getattr(m, name) == plain[name], name
    np.testing.assert_equal(m.max_abs_difference, plain["max_abs_difference"])
    _check_sums(m, *plain["sums"])
    _check_worst(m, h, r, plain)
    _check_ulps(m, h, r, plain)
    _check_spread(m, plain["ascending"])


def _check_sums(m: Metrics, hh: Fraction, rr: Fraction, hr: Fraction) -> None:
    if not m.finite:
        assert math.isnan(m.norm_hand) and math.isnan(m.relative_l2) and math.isnan(m.needed_rtol)  # noqa: PT018  # nan all
        return
    # squares of doubles: the norm of each is compared through its exponent, as the square itself may be no float
    for norm, square in ((m.norm_hand, hh), (m.norm_reference, rr)):
        if math.isinf(norm):
            assert square > Fraction(np.finfo(np.float64).max) ** 2
        else:
            unit = Fraction(5e-324)  # by as much is a norm among the subnormal numbers rounded, or less
            stored = 2 * Fraction(norm) * unit + unit**2
            assert abs(Fraction(norm) ** 2 - square) <= Fraction(1e-12) * square + stored
    if rr and hh:
        assert abs(Fraction(m.cosine)) <= 1 + Fraction(1e-12)
        difference = Fraction(m.cosine) ** 2 * hh * rr - hr**2
        assert abs(difference) <= Fraction(1e-12) * hh * rr
        assert m.cosine * float(np.sign(hr)) >= 0


def _check_worst(m: Metrics, h: npt.NDArray[Any], r: npt.NDArray[Any], plain: dict[str, Any]) -> None:
    apart = plain["apart"]
    assert [apart[entry.index] for entry in m.worst] == plain["largest"]
    assert len({entry.index for entry in m.worst}) == len(m.worst)
    for entry in m.worst:
        assert (entry.hand, entry.reference) == (float(h[entry.index]), float(r[entry.index]))
    if m.finite:
        assert apart[m.worst_index] == m.max_abs_difference
        assert (m.worst_hand, m.worst_reference) == (float(h[m.worst_index]), float(r[m.worst_index]))


def _check_ulps(m: Metrics, h: npt.NDArray[Any], r: npt.NDArray[Any], plain: dict[str, Any]) -> None:
    coarseness = ["float64", "float32", "float16", "bfloat16"]
    name = max((n for a in (h, r) if (n := a.dtype.name) in coarseness), key=coarseness.index, default="float64")
    dtype = np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)
    distances = [_ulp_distance(h[i], r[i], dtype) for i in plain["apart"]]
    assert m.max_ulps == max(distances, default=0)
    assert m.within_1_ulp == sum(d <= 1 for d in distances)
    assert m.within_16_ulps == sum(d <= 16 for d in distances)


def _check_spread(m: Metrics, ascending: list[float]) -> None:
    powers = [float(f"1e{k}") for k in range(-308, 309)]
    expected = Counter(bisect_right(powers, d) - 309 for d in ascending if d)
    assert m.decades == tuple(sorted(expected.items()))
    for share, found in ((0.5, m.median_difference), (0.9, m.p90_difference), (0.99, m.p99_difference)):
        if not ascending:
            assert math.isnan(found)
            continue
        true = ascending[math.ceil(share * len(ascending)) - 1]
        assert true <= found <= ascending[-1]
        assert found <= true * 1.125 or 0 < true < 2.0**-1021  # below, floats have fewer bits


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_blocks_do_not_show(dtype: str) -> None:
    """Three blocks and a rest, against the whole as one block; only the last bits of sums may differ."""
    rng = np.random.default_rng(0)
    r = rng.normal(size=3 * BLOCK + 17).astype(dtype)
    h = (r * (1 + 1e-6 * rng.normal(size=r.size))).astype(dtype)
    h[5 * BLOCK // 2] = np.nan
    h[-1] += 1
    pieces = measure(h, r)
    with mock.patch.object(measuring, "blocks", partial(blocks, size=r.size)):
        whole = measure(h, r)
    for name in (f.name for f in fields(Metrics) if f.name != "spread"):
        a, b = getattr(pieces, name), getattr(whole, name)
        assert a == pytest.approx(b, rel=1e-13) if isinstance(a, float) else a == b, name
    assert pieces.decades == whole.decades
    assert pieces.p90_difference == whole.p90_difference
    assert pieces.worst_index == (r.size - 1,)


def test_memory_is_that_of_a_few_blocks() -> None:
    """8 million entries, 32 MB a side; the bound on 50 million is 16 MB, and blocks do not grow."""
    r = np.ones(8_000_000, np.float32)
    h = r.reshape(2000, 4000)[::-1]  # a layout that must be copied
    tracemalloc.start()
    measure(h, r.reshape(2000, 4000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0 < peak < 6e6


def test_an_empty_array_and_one_without_finite_pairs_know_nothing() -> None:
    for h in (np.zeros((0, 3)), np.full((2, 2), np.nan)):
        m = measure(h, h)
        assert (m.worst_index, m.worst, m.differing, m.max_ulps, m.decades) == ((), (), 0, 0, ())
        known = (m.relative_l2, m.norm_hand, m.max_abs_difference, m.needed_rtol, m.median_difference, m.worst_hand)
        assert all(math.isnan(value) for value in known)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
def test_distances_in_ulps_are_steps_from_float_to_float(dtype: Any) -> None:
    steps = [0, 1, 2, 16, 17, 20]
    r = np.ones(len(steps), dtype)
    whole = f"i{r.itemsize}"
    m = measure((r.view(whole) + np.array(steps, whole)).view(dtype), r)
    assert (m.max_ulps, m.within_1_ulp, m.within_16_ulps) == (20, 2, 4)
    smallest = np.ones(1, whole).view(dtype)
    assert measure(smallest, -smallest).max_ulps == 2
    assert measure(np.zeros(1, dtype), -np.zeros(1, dtype)).max_ulps == 0
