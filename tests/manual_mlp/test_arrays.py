"""An array is read at one place, whoever hands it over."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from manual_mlp.extend import read_array

MASKED = np.ma.array([1.0, 2.0], mask=[True, False])


class _WithoutValues:
    """As a tensor of a graph that is being traced."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("Cannot convert a symbolic tensor.")


@pytest.mark.parametrize("given", [MASKED, [MASKED, MASKED], (1.0, [MASKED]), np.ma.masked, np.ma.array([1.0])])
def test_no_mask_is_read_through(given: object) -> None:
    with pytest.raises(TypeError, match=r"^x is a masked array: what is masked is no number\. Pass array\.filled\(0\)"):
        read_array("x", given)


def test_an_array_is_taken_as_it_is_and_numbers_in_lists_are_one() -> None:
    array = np.ones(2)
    assert read_array("x", array) is array
    assert read_array("x", [[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]


def test_what_numpy_cannot_read_is_a_sentence_with_a_hint() -> None:
    text = "x cannot be read as an array: Cannot convert a symbolic tensor. Give numbers."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        read_array("x", _WithoutValues(), "Give numbers.")
    with pytest.raises(ValueError, match=r"^x cannot be read as an array: .*[^.]\.$"):
        read_array("x", [[1], [1, 2]])
