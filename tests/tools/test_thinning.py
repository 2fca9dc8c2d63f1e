"""Of a matrix each value of each axis stays in the quick tier, and nothing leaves both tiers."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from tools.thinning import beyond, needless

pytest_plugins = ["pytester"]

CONFTEST = (Path(__file__).parents[1] / "conftest.py").read_text("utf-8")
TESTS = """
import pytest

KINDS = ["known float64", "known float32", "functional float64", "functional float32"]

@pytest.mark.matrix("kind")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("used", "given"), [(1, 2), (3, 4), (5, 6)])
def test_matrix(kind, used, given): pass

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [1, 2])
def test_unmarked(kind, rate): pass

@pytest.mark.matrix
@pytest.mark.parametrize("kind", KINDS)
def test_one_axis(kind): pass

@pytest.mark.matrix
@pytest.mark.parametrize("a", [pytest.param(1, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize("b", [True, False])
def test_slow_stands_for_nothing(a, b): pass

@pytest.mark.matrix
def test_no_axis(): pass

@pytest.mark.matrix(most=3)
@pytest.mark.parametrize("a", range(10))
def test_some(a): pass
"""


def test_each_value_is_quick_once_and_the_rest_is_slow(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nmarkers =\n    slow: .\n    matrix: .\n")
    items, _ = pytester.inline_genitems(pytester.makepyfile(test_it=TESTS))
    quick = [item.nodeid.partition("::")[2] for item in items if not item.get_closest_marker("slow")]
    tests = Counter(name.partition("[")[0] for name in quick)
    assert tests == {
        "test_matrix": 3,
        "test_unmarked": 8,
        "test_one_axis": 4,
        "test_slow_stands_for_nothing": 2,
        "test_no_axis": 1,
        "test_some": 3,
    }
    assert [name for name in quick if name.startswith("test_some")] == ["test_some[0]", "test_some[4]", "test_some[9]"]
    matrix = [name.partition("[")[2].rstrip("]").split("-") for name in quick if name.startswith("test_matrix")]
    assert {word for *_, kind in matrix for word in kind.split()} == {"known", "functional", "float64", "float32"}
    assert {used for used, *_ in matrix} == {"1", "3", "5"}


@pytest.mark.parametrize("sizes", [(1,), (5,), (2, 2), (4, 3), (3, 5, 2)])
def test_what_stays_shows_all(sizes: tuple[int, ...]) -> None:
    cases = [set(enumerate(places)) for places in product(*map(range, sizes))]
    gone = needless(cases)
    stays = [case for place, case in enumerate(cases) if place not in gone]
    assert set().union(*stays) == set().union(*cases)
    assert len(stays) == max(sizes)


@pytest.mark.parametrize(
    ("most", "count", "stay"), [(1, 5, [0]), (2, 5, [0, 4]), (3, 5, [0, 2, 4]), (9, 5, [0, 1, 2, 3, 4])]
)
def test_the_first_and_the_last_and_some_between_stand_for_all(most: int, count: int, stay: list[int]) -> None:
    assert [case for case in range(count) if case not in beyond(most, count)] == stay
