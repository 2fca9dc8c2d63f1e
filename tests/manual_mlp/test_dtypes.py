"""Units and smallest numbers are those of the formats."""

from __future__ import annotations

import ml_dtypes
import pytest

from manual_mlp.extend import SMALLEST, UNITS


def test_each_dtype_has_both() -> None:
    assert UNITS.keys() == SMALLEST.keys() == {"float64", "float32", "float16", "bfloat16"}


@pytest.mark.parametrize("dtype", UNITS)
def test_units_and_smallest_normal_numbers_are_those_of_the_format(dtype: str) -> None:
    known = ml_dtypes.finfo(dtype)
    assert UNITS[dtype] == float(known.eps) / 2
    if dtype != "float64":
        assert SMALLEST[dtype] == float(known.smallest_normal)


def test_the_square_of_the_smallest_number_of_float64_can_be_computed() -> None:
    smallest = SMALLEST["float64"]
    assert smallest**2 > float(ml_dtypes.finfo("float64").smallest_normal)
