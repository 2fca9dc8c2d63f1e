"""What one operation rounds: worked by hand, and against sums in every order that a library may choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from manual_mlp import Array
from manual_mlp.dtypes import UNITS
from manual_mlp.equations.local_rounding import (
    STORED_AS_ONE,
    Local,
    Precision,
    entry,
    product_rounding,
    row_sum_rounding,
    sum_rounding,
)

U32 = 2.0**-24
RNG = np.random.default_rng(0)


def _one_by_one(terms: Array) -> Array:
    total = np.zeros(terms.shape[1:], np.float32)
    for term in terms:
        total = total + term
    return total


def _blocked(terms: Array, lanes: int = 8) -> Array:
    """Eight running sums side by side, as vector instructions have them."""
    sums = [_one_by_one(terms[lane::lanes]) for lane in range(lanes)]
    return _one_by_one(np.stack(sums))


ORDERS: dict[str, Callable[[Array], Array]] = {
    "one by one": _one_by_one,
    "backwards": lambda terms: _one_by_one(terms[::-1]),
    "blocked": _blocked,
    "pairwise": lambda terms: np.add.reduce(np.ascontiguousarray(np.moveaxis(terms, 0, -1)), axis=-1),
}
KINDS: dict[str, Callable[[int], Array]] = {
    "normal": lambda n: RNG.normal(size=(n, 40)),
    "positive": lambda n: RNG.random((n, 40)),
    "sorted": lambda n: np.sort(RNG.normal(size=(n, 40)), axis=0),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 5, 16, 17, 100, 1000])
def test_a_product_summed_in_any_order_stays_within_its_rounding(n: int, kind: str, order: str) -> None:
    a, b = KINDS[kind](n).astype(np.float32), RNG.normal(size=(n, 40)).astype(np.float32)
    exact = np.einsum("nk,nk->k", a.astype(np.float64), b.astype(np.float64))
    summed = ORDERS[order](a * b)
    for k in range(40):
        left, right = a[:, k : k + 1].T.astype(np.float64), b[:, k : k + 1].astype(np.float64)
        variance, worst = product_rounding(left, right, left @ right, U32)
        error = abs(float(summed[k]) - exact[k])
        assert error <= 8 * float(np.sqrt(variance[0, 0]))
        assert error <= float(worst[0, 0]) + U32 * abs(exact[k])


@pytest.mark.parametrize("n", [4, 100, 1000])
def test_product_rounding_is_not_far_above_what_is_seen(n: int) -> None:
    a, b = RNG.normal(size=(300, n)).astype(np.float32), RNG.normal(size=(300, n)).astype(np.float32)
    exact = (a.astype(np.float64) * b).sum(axis=1)
    seen = np.sqrt(np.mean(np.square(_one_by_one((a * b).T) - exact)))
    variance = []
    for x, y in zip(a.astype(np.float64), b.astype(np.float64), strict=True):
        variance.append(product_rounding(x[None], y[:, None], np.array([[x @ y]]), U32)[0])
    assert seen <= np.sqrt(np.mean(variance)) <= 4 * seen


def test_a_single_product_by_hand() -> None:
    """6 = 2 · 3, n = 1: ℓ² = ⅓ · 2 · (36/6 + 36/3) = 12; no running sum is larger than 6."""
    variance, worst = product_rounding(np.array([[2.0]]), np.array([[3.0]]), np.array([[6.0]]), 1.0)
    assert (float(variance[0, 0]), float(worst[0, 0])) == (pytest.approx(12.0), 6.0)


def test_a_sum_that_starts_with_its_bias_rounds_by_the_bias() -> None:
    one = np.array([[1.0]])
    small, _ = product_rounding(one, one, one, 1.0)
    large, _ = product_rounding(one, one, one, 1.0, start=np.array([[100.0]]))
    assert float((large - small)[0, 0]) == pytest.approx(2 / 3 * 100**2)


def test_a_sum_by_hand() -> None:
    """Running sums of 1, 2, −3 are 1, 3, 0: ℓ² = 10/3 and u N max = 1 · 3 · 3."""
    variance, worst = sum_rounding(np.array([[1.0], [2.0], [-3.0]]), 1.0)
    assert (float(variance[0]), float(worst[0])) == (pytest.approx(10 / 3), 9.0)


def test_the_worst_case_looks_at_the_partial_sums_from_either_end() -> None:
    """−3 + 5: summed from the left |−3| comes first, from the right |5|, and 5 is the larger."""
    _, worst = product_rounding(np.array([[1.0, 1.0]]), np.array([[-3.0], [5.0]]), np.array([[2.0]]), 1.0)
    assert float(worst[0, 0]) == 2 * 5
    _, worst = sum_rounding(np.array([[-3.0], [5.0]]), 1.0)
    assert float(worst[0]) == 2 * 5


@pytest.mark.parametrize("order", ORDERS)
def test_a_sum_in_any_order_stays_within_variance_and_worst_case(order: str) -> None:
    terms = RNG.normal(size=(500, 40)).astype(np.float32)
    variance, worst = sum_rounding(terms.astype(np.float64), U32)
    error = np.abs(ORDERS[order](terms) - terms.astype(np.float64).sum(axis=0))
    assert (error <= 16 * np.sqrt(variance) + worst).all()
    assert (error <= worst).all()


def test_like_terms_repeat_their_error_beyond_sigma_and_within_the_bound() -> None:
    """What the bound beside σ is for: 20,000 equal terms, one by one."""
    terms = np.full((20_000, 30), RNG.random(30), np.float32)
    variance, worst = sum_rounding(terms.astype(np.float64), U32)
    error = np.abs(_one_by_one(terms) - terms.astype(np.float64).sum(axis=0))
    assert (error > 16 * np.sqrt(variance)).any()
    assert (error <= worst).all()


def test_rounding_is_in_proportion_to_the_unit_roundoff() -> None:
    a, b = RNG.normal(size=(3, 50)), RNG.normal(size=(50, 2))
    fine, coarse = (product_rounding(a, b, a @ b, u) for u in (2.0**-53, 2.0**-24))
    assert np.sqrt(coarse[0] / fine[0]) == pytest.approx(2.0**29)
    assert coarse[1] / fine[1] == pytest.approx(2.0**29)


def _of_the_rounding(computed: Array, exact: Array, *amplitudes: Array) -> float:
    """The largest error over the root of the sum of squares."""
    sigma = np.sqrt(sum(np.square(a) for a in amplitudes) + (2.0**-126) ** 2)
    return float((np.abs(computed - exact) / sigma).max())


def test_a_row_sum_stays_within_its_rounding() -> None:
    terms = RNG.normal(size=(300, 9)).astype(np.float32)
    exact = terms.astype(np.float64).sum(axis=-1, keepdims=True)
    assert 0.2 < _of_the_rounding(_one_by_one(terms.T)[:, None], exact, row_sum_rounding(terms.astype(float), U32)) < 6


# draws


def test_variances_of_terms_add_up() -> None:
    local = Local(((np.full((2, 3), 3.0), "entry"), (np.full((2, 3), 4.0), "unit")))
    assert (local.variance == 25).all()
    assert Local().variance == 0
    assert (entry(np.array([2.0])).variance == 4).all()


@pytest.mark.parametrize(("share", "equal_along"), [("entry", ()), ("unit", (0,)), ("row", (1,)), ("all", (0, 1))])
def test_what_shares_an_error_gets_the_same_draw(share: Any, equal_along: tuple[int, ...]) -> None:
    result = np.zeros((4, 3))
    Local(((np.ones((4, 3)), share),)).add_draw(result, np.random.default_rng(0), 0.0)
    for axis in (0, 1):
        same = bool((result == result.take([0], axis=axis)).all())
        assert same is (axis in equal_along)


def test_draws_have_mean_0_and_the_variance_that_is_asked_for() -> None:
    result = np.zeros((400, 500))
    entry(np.full((400, 500), 2.0)).add_draw(result, np.random.default_rng(0), 1.0)
    assert result.mean() == pytest.approx(0, abs=0.05)
    assert result.std() == pytest.approx(3, rel=0.01)  # η adds to the amplitude of an entry
    assert np.abs(result).max() <= 3 * np.sqrt(3)


def test_a_scalar_and_a_vector_can_be_drawn_upon() -> None:
    for shape in ((), (3,)):
        for share in ("entry", "unit", "row", "all"):
            result = np.zeros(shape)
            Local(((np.ones(shape), share),)).add_draw(result, np.random.default_rng(0), 0.0)  # type: ignore[arg-type]
            assert np.abs(result).max() > 0


def test_what_is_lost_close_to_0_is_drawn_with_its_multiple_by_those_who_share_it() -> None:
    result = np.zeros((400, 500))
    none = np.zeros((400, 500))
    local = Local(((none, "entry"), (none, "all")), lost=((np.full((400, 500), 4.0), "entry"),))
    local.add_draw(result, np.random.default_rng(0), 0.5)
    assert result.std() == pytest.approx(2, rel=0.01)
    assert (local.lost_variance == 16).all()
    together = np.zeros((400, 500))
    Local(((none, "all"),), lost=((np.ones(()), "all"),)).add_draw(together, np.random.default_rng(0), 0.5)
    assert together.std() == 0
    assert together[0, 0] != 0


# how finely somebody computes


def test_products_of_16_bits_are_added_in_float32_unless_somebody_loops() -> None:
    of = {d: (Precision.of(d).sums, Precision.of(d, loops=True).sums) for d in UNITS}
    assert of == {
        "float64": (2.0**-53, 2.0**-53),
        "float32": (2.0**-24, 2.0**-24),
        "float16": (2.0**-24, 2.0**-11),
        "bfloat16": (2.0**-24, 2.0**-8),
    }
    drawn = Precision.of("float64", least=2.0**-24)
    assert (drawn.u, drawn.sums, drawn.own) == (2.0**-24, 2.0**-24, 2.0**-53)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("n", [16, 100, 1024, 4096])
def test_numpys_float16_products_are_one_rounding_off(n: int, positive: bool) -> None:
    """What `SUMS` says, measured: with one sign, so that nothing cancels, and in any sign beside Σ |a b|."""
    a, b = RNG.normal(size=(20, n)) / np.sqrt(n), RNG.normal(size=(n, 20))
    a, b = ((np.abs(m) if positive else m).astype(np.float16) for m in (a, b))
    exact = a.astype(float) @ b.astype(float)
    size = np.abs(exact) + 2.0**-13 * n * np.abs(a).astype(float) @ np.abs(b).astype(float)
    for product in (a @ b, a.dot(b), np.ascontiguousarray(a.T).T.dot(b)):
        assert (np.abs(product - exact) <= 1.01 * 2.0**-11 * size).all()


def test_what_is_stored_as_1_is_off_by_the_gap_and_by_nothing_else() -> None:
    u = 2.0**-11
    z = np.array([[1.0, 1 - u * STORED_AS_ONE / 2, 1 - u, 0.5]])
    terms: Any = ((np.full((1, 4), u), "entry"), (np.full((1, 4), u), "unit"))
    (entry_, _), (unit, _), (gap, share) = Precision.plain(u).settled(terms, z, 1.0)
    assert entry_.tolist() == [[0.0, 0.0, u, u]]
    assert unit.tolist() == [[0.0, 0.0, u, u]]
    assert (gap.tolist(), share) == ([[0.0, u * STORED_AS_ONE / 2, 0.0, 0.0]], "all")
    *_, (down, _) = Precision.plain(u).settled(terms, -z, 1.0)
    assert (down == -gap).all()  # each is stored further from 0 than it is
    assert Precision.plain(u).settled(terms, z, None) is terms
    finer = Precision.of("float64", least=2.0**-24)  # what float32 stores as 1, float64 does not
    assert finer.settled(terms, np.full((1, 4), 1 - 1e-9), 1.0) is terms
    assert finer.settled(terms, np.ones((1, 4)), 1.0) is terms  # it may have been 1 - 6e-17, which not all store as 1
