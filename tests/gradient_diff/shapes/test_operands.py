"""Operands, and the part that each of their axes plays."""

import numpy as np
import pytest

from gradient_diff.shapes.operands import Operand, axes, equal_parts, letter, operand, sizes


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("z", ("batch", "inputs")),
        ("z_prev", ("batch", "inputs")),
        ("delta2", ("batch", "units")),
        ("dense_1/kernel", ("inputs", "units")),
        ("W_2", ("inputs", "units")),
        ("db", ("units",)),
        ("banana", ()),
    ],
)
def test_a_name_means_what_it_usually_means(name: str, usual: tuple[str, ...]) -> None:
    assert Operand(name, (2, 3)).usual == usual


def test_an_operand_is_an_array_or_its_shape() -> None:
    assert operand("z", (100, 784)).shape == (100, 784)
    assert operand("z", [[1.0, 2.0]]).shape == (1, 2)
    assert operand("z", (np.int64(3),)).array is None
    assert Operand("delta", (2,)).symbol == "δ"


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ((-1, 2), ValueError, "a shape has no negative lengths"),
        ("ab", TypeError, "expected an array of numbers, or its shape as a tuple"),
        ([[1], [1, 2]], TypeError, "z is no array"),
    ],
)
def test_anything_else_is_refused(given: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        operand("z", given)


def test_parts_are_told_from_shapes_and_where_those_are_mute_from_names() -> None:
    lengths = sizes([Operand("z", (100, 784)), Operand("delta", (100, 50))], (784, 50))
    assert lengths == {"batch": 100, "inputs": 784, "units": 50}
    assert axes(Operand("z", (100, 784)), lengths) == ("batch", "inputs")
    assert axes(Operand("q", (1, 3)), lengths) == ("1", "?")
    square = {"batch": 50, "inputs": 784, "units": 50}
    assert axes(Operand("delta", (50, 50)), square) == ("batch", "units")
    assert axes(Operand("q", (50,)), square) == ("batch or units",)
    assert equal_parts(square) == "batch and units are both 50"
    assert equal_parts(lengths) == ""
    assert (letter("batch", 0), letter("?", 1)) == ("N", "axis 1")


def test_a_kernel_tells_the_rest() -> None:
    forward = sizes([Operand("x", (7, 5)), Operand("W", (5, 3))], (7, 3))
    backward = sizes([Operand("delta", (7, 3)), Operand("W", (5, 3))], (7, 5))
    assert forward == backward == {"batch": 7, "inputs": 5, "units": 3}
