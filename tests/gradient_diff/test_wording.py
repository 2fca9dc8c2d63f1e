import pytest

from gradient_diff.wording import apart, near_one, number, printable


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-324, "0"), (-2.5e200, "-2.5e+200"), (float("-inf"), "−∞"), (1.0, "1.0e+00")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01, "0.01"), (1 + 4e-4, "1 + 4e-04"), (-1 + 1e-9, "-1 − 1e-09"), (0.0, "0"), (1.5, "1.5"), (1e9, "1e+09")],
)
def test_what_is_near_one_is_told_by_its_distance(value: float, text: str) -> None:
    assert near_one(value) == text


def test_two_values_are_told_apart_to_the_last_bit() -> None:
    assert apart(1.0, 1.0 + 2**-52) == ("1", "1.0000000000000002")
    assert apart(2.0, 2.0) == ("2", "2")


def test_control_characters_are_spelled_out_and_letters_stay() -> None:
    assert printable("δ₂\t\x1b[0m\u202e") == "δ₂\\t\\x1b[0m\\u202e"
