"""The worst entries, tensor by tensor."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from gradient_diff import GradientDiff, compare
from gradient_diff.render.entries import entries_to_data, entries_to_markdown, print_entries, worst_entries


@pytest.fixture
def diff() -> GradientDiff:
    rng = np.random.default_rng(0)
    reference = {"w": rng.normal(size=(30, 20)), "v": np.ones(3), "s": np.ones(2)}
    hand = {"w": reference["w"] + rng.normal(size=(30, 20)), "v": np.ones(3), "s": np.ones(3), "extra": np.ones(1)}
    return compare(hand, reference, rtol=1e-6)


@pytest.mark.parametrize("top", [1, 5, 50, 1000])
def test_they_are_those_that_sorting_finds(diff: GradientDiff, top: int) -> None:
    found = worst_entries(diff, top)
    assert list(found) == ["w"]  # equal, misshapen and missing ones are left out
    off = np.abs(diff.hand["w"] - diff.reference["w"])
    order = np.argsort(-off, axis=None)[:top]
    assert [e.index for e in found["w"]] == [tuple(map(int, np.unravel_index(i, off.shape))) for i in order]
    assert all(e.hand == diff.hand["w"][e.index] and e.reference == diff.reference["w"][e.index] for e in found["w"])


def test_none_is_no_number_of_entries(diff: GradientDiff) -> None:
    with pytest.raises(ValueError, match="top=0: expected 1 or more"):
        worst_entries(diff, 0)


def test_values_that_are_nearly_equal_are_written_apart(diff: GradientDiff) -> None:
    near = compare({"w": np.array([1.0 + 1e-12])}, {"w": np.ones(1)}, rtol=1e-6)
    console = Console(file=io.StringIO(), width=80, color_system=None)
    print_entries(worst_entries(near, 1), console)
    line = console.file.getvalue().splitlines()[2].split()  # type: ignore[attr-defined]  # the StringIO above
    assert line == ["w", "[0]", "1.000000000001", "1", "1.0e-12"]
    assert entries_to_data(worst_entries(near, 1)) == [
        {"node": "w", "index": [0], "hand": 1.0 + 1e-12, "reference": 1.0}
    ]


def test_where_all_is_equal_nothing_is_written() -> None:
    same = compare({"w": np.ones(2)}, {"w": np.ones(2)})
    assert entries_to_markdown(worst_entries(same, 3)) == ""


def test_hostile_names_are_shown_and_not_interpreted() -> None:
    name = "\x1b[31m<script>|"
    odd = worst_entries(compare({name: np.ones(1)}, {name: np.zeros(1)}, rtol=1.0), 1)
    console = Console(file=io.StringIO(), width=80, color_system=None)
    print_entries(odd, console)
    text = console.file.getvalue() + entries_to_markdown(odd)  # type: ignore[attr-defined]  # the StringIO above
    assert "\x1b" not in text
    assert "<script>" not in entries_to_markdown(odd)
