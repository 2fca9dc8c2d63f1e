"""Of a matrix of cases the quick tier runs enough that each value of each axis appears; all of it, the slow tier.

A matrix is a test marked `matrix`, with parameters that go through the same code: four models by three rates are
twelve checks, of which four show every model and every rate. Each word counts where the mark names the axis: of "known
float64", "known float32", "functional float64" and "functional float32" two show all. Where a mark says `most`, so many
cases stand for all, from the first to the last of them: a list of kinds that go through the same code for seconds each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

Value = tuple[str, str | int]
"""The axis, and which of its objects, or a word of it."""


def needless(cases: Sequence[set[Value]]) -> list[int]:
    """Which cases show no value that the others do not show."""
    rest, unseen = list(range(len(cases))), set().union(*cases)
    while unseen:
        best = max(rest, key=lambda case: len(cases[case] & unseen))
        rest.remove(best)
        unseen -= cases[best]
    return rest if len(rest) < len(cases) else rest[1:]


def thinned(items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
    """What the quick tier can do without; what is slow already stands for nothing."""
    matrices = defaultdict(list)
    for item in items:
        if item.get_closest_marker("matrix") and not item.get_closest_marker("slow"):
            matrices[item.nodeid.partition("[")[0]].append(item)
    for matrix in matrices.values():
        most = next((m.kwargs["most"] for m in matrix[0].iter_markers("matrix") if "most" in m.kwargs), None)
        cases = needless([set(_values(item)) for item in matrix]) if most is None else beyond(most, len(matrix))
        yield from (matrix[case] for case in cases)


def beyond(most: int, count: int) -> list[int]:
    """All but so many of them, which lie as far apart as they can."""
    stay = {place * (count - 1) // max(most - 1, 1) for place in range(most)}
    return [case for case in range(count) if case not in stay]


def _values(item: pytest.Item) -> Iterator[Value]:
    spec = getattr(item, "callspec", None)
    in_words = {axis for mark in item.iter_markers("matrix") for axis in mark.args}
    for axis, value in spec.params.items() if spec else ():
        yield from ((axis, part) for part in (value.split() if axis in in_words else [id(value)]))
