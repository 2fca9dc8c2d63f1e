"""The worst entries of several arrays."""

import numpy as np
import pytest

from gradient_diff.metrics.measuring import worst_entries
from manual_mlp import Array

Sides = tuple[dict[str, Array], dict[str, Array]]


@pytest.fixture
def sides() -> Sides:
    rng = np.random.default_rng(0)
    reference = {"w": rng.normal(size=(30, 20)), "v": np.ones(3), "s": np.ones(2)}
    hand = {"w": reference["w"] + rng.normal(size=(30, 20)), "v": np.ones(3), "s": np.ones(3), "extra": np.ones(1)}
    return hand, reference


@pytest.mark.parametrize("top", [1, 5, 50, 1000])
def test_the_worst_entries_are_those_that_sorting_finds(sides: Sides, top: int) -> None:
    hand, reference = sides
    found = worst_entries(*sides, ["v", "w", "s", "extra"], top)
    assert list(found) == ["w"]  # equal, misshapen and missing ones are left out
    off = np.abs(hand["w"] - reference["w"])
    order = np.argsort(-off, axis=None)[:top]
    assert [e.index for e in found["w"]] == [tuple(map(int, np.unravel_index(i, off.shape))) for i in order]
    assert all(e.hand == hand["w"][e.index] and e.reference == reference["w"][e.index] for e in found["w"])


def test_none_is_no_number_of_entries(sides: Sides) -> None:
    with pytest.raises(ValueError, match="top=0: expected 1 or more"):
        worst_entries(*sides, ["w"], 0)
