from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradient_diff.diagnosis.whereabouts import where_it_sits


@pytest.mark.parametrize(
    ("shape", "places", "words"),
    [
        ((5,), (1,), "in entry 1"),
        ((9,), [1, 2], "in entries 1, 2"),
        ((4, 5), (1, 2), "in row 1, and in column 2"),
        ((4, 5), (slice(None), 2), "in column 2"),
        ((4, 5, 3), (1, [0, 2], 1), "in index 1 of axis 0, and in indices 0, 2 of axis 1, and in index 1 of axis 2"),
        ((4, 5), (...,), "everywhere"),
    ],
)
def test_the_place_is_said_axis_by_axis(shape: tuple[int, ...], places: Any, words: str) -> None:
    wrong = np.zeros(shape)
    wrong[places] += 1
    text = where_it_sits("w", {"w": wrong}, {"w": np.zeros(shape)})
    assert text == f"In w the difference sits {words}."
