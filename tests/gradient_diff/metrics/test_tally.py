"""What blocks add up to: the entries furthest apart, and distances in floats."""

from typing import Any

import numpy as np
import pytest

from gradient_diff.metrics.tally import Tally, Worst, coarser, ulps


def test_blocks_add_up() -> None:
    tally = Tally(np.dtype(np.float64), Worst(1))
    tally.add(0, np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    tally.add(2, np.array([np.nan, -1.0]), np.array([1.0, 1.0]))
    assert (tally.finite, tally.differing, tally.opposite, tally.nan) == (3, 2, 1, (1, 0))
    assert (tally.dd.value, tally.largest_reference, tally.first) == (5.0, 3.0, 0)
    assert tally.worst.positions.tolist() == [3]


def test_the_first_finite_pair_may_be_anywhere() -> None:
    tally = Tally(np.dtype(np.float64), Worst(1))
    tally.add(0, np.full(2, np.inf), np.ones(2))
    tally.add(2, np.array([np.nan, 4.0]), np.ones(2))
    assert (tally.first, tally.finite, tally.inf) == (3, 1, (2, 0))


def test_the_worst_are_the_largest_and_of_equal_ones_the_first() -> None:
    worst = Worst(2)
    worst.add(np.array([0.0, 3.0, 1.0, 3.0]), start=10)
    assert worst.positions.tolist() == [11, 13]
    worst.add(np.array([3.0, 5.0]), start=14, kept=np.array([0, 7]))
    assert worst.positions.tolist() == [21, 11]


@pytest.mark.parametrize("most", [1, 3, 40])
def test_the_worst_are_those_that_sorting_finds(most: int) -> None:
    values = np.random.default_rng(0).integers(0, 50, 1000).astype(float)
    worst = Worst(most)
    for start in range(0, 1000, 300):
        worst.add(values[start : start + 300], start)
    assert worst.positions.tolist() == np.argsort(-values, kind="stable")[:most].tolist()


@pytest.mark.parametrize(
    ("h", "r", "name"),
    [
        ("f4", "f8", "float32"),
        ("f2", "f4", "float16"),
        ("i4", "f8", "float64"),
        ("?", "u1", "float64"),
        (">f4", "i8", "float32"),
    ],
)
def test_distances_are_counted_in_the_coarser_dtype(h: str, r: str, name: str) -> None:
    found = coarser(np.dtype(h), np.dtype(r))
    assert (found.name, found.isnative) == (name, True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_between_two(dtype: Any) -> None:
    one, tiny = np.ones(1, dtype), np.nextafter(np.zeros(1, dtype), dtype(1))
    h = np.concatenate([one, tiny, -np.zeros(1, dtype), one])
    r = np.concatenate([np.nextafter(one, dtype(0)), -tiny, np.zeros(1, dtype), one])
    distances, signs_differ = ulps(h, r)
    assert (distances.tolist(), signs_differ) == ([1, 2, 0, 0], True)
    assert not ulps(one, one)[1]
