"""What names say of the layer and of the kind."""

from __future__ import annotations

import pytest

from gradient_diff.layouts.words import in_places, plain_spelling, read_word


@pytest.mark.parametrize(
    ("name", "bias", "layer", "numbers"),
    [
        ("W1", False, (), (1,)),
        ("db_12", True, (), (12,)),
        ("dE_dW2", False, (), (2,)),
        ("dLdb3", True, (), (3,)),
        ("Theta1_grad", False, (), (1,)),
        ("fc1.weight", False, ("fc",), (1,)),
        ("params/Dense_0/bias", True, ("params", "Dense"), (0,)),
        ("dense/kernel:0", False, ("dense",), ()),
        ("layers.2.weight", False, ("layers",), (2,)),
        ("intercepts_0", True, (), (0,)),
        ("W_hidden", False, ("hidden",), ()),
    ],
)
def test_a_name_is_taken_apart(name: str, bias: bool, layer: tuple[str, ...], numbers: tuple[int, ...]) -> None:
    word = read_word(name)
    assert word is not None
    assert (word.bias, word.layer, word.numbers) == (bias, layer, numbers)


@pytest.mark.parametrize("name", ["x", "theta_hat_of_z", "running_mean", "alpha", "", "3"])
def test_other_names_say_nothing(name: str) -> None:
    word = read_word(name)
    assert word is None or name == "theta_hat_of_z"


def test_places_are_all_or_nothing() -> None:
    assert in_places(["arr_1", "arr_0", "arr_2"]) == ["arr_0", "arr_1", "arr_2"]
    assert in_places(["0", "2"]) is None
    assert in_places(["0", "w"]) is None


def test_spelling_is_a_suffix_or_a_prefix_and_no_guess() -> None:
    known = ["dense/kernel", "dense_1/kernel"]
    assert plain_spelling("dense_1/kernel:0", known) == "dense_1/kernel"
    assert plain_spelling("sequential/dense/kernel", known) == "dense/kernel"
    assert plain_spelling("dense.kernel", known) == "dense/kernel"
    assert plain_spelling("my_dense/kernel", known) is None
