import pytest

from gradient_diff.result.status import Status
from gradient_diff.wording import apart, entry, index, mark, near_one, number, printable, shape, shapes, sigmas, tone


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.21e-17, "3.2e-17"),
        (float("inf"), "∞"),
        (float("nan"), "NaN"),
        (None, "–"),
        (1e-324, "0"),
        (-2.5e200, "-2.5e+200"),
        (float("-inf"), "−∞"),
        (1.0, "1.0e+00"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1 - 3e-14, "1 − 3e-14"),
        (64.0, "64"),
        (1.0 + 2e-16, "1"),
        (0.98765, "0.9877"),
        (-1.0, "-1"),
        (0.01, "0.01"),
        (1 + 4e-4, "1 + 4e-04"),
        (-1 + 1e-9, "-1 − 1e-09"),
        (1.5, "1.5"),
        (1e9, "1e+09"),
    ],
)
def test_what_is_near_one_is_told_by_its_distance(value: float, text: str) -> None:
    assert near_one(value) == text


def test_two_values_are_told_apart_to_the_last_bit() -> None:
    assert apart(1.0, 1.0 + 2**-52) == ("1", "1.0000000000000002")
    assert apart(2.0, 2.0) == ("2", "2")
    assert apart(0.5, 0.25) == ("0.5", "0.25")
    assert apart(1.0, 1.0000000001) == ("1", "1.0000000001")


def test_control_characters_are_spelled_out_and_letters_stay() -> None:
    assert printable("δ₂\t\x1b[0m\u202e") == "δ₂\\t\\x1b[0m\\u202e"


def test_a_distance_in_sigma_has_a_tenth() -> None:
    assert list(map(sigmas, (0.0, 0.53, 15.94, 123456.0, float("inf")))) == ["0", "0.5", "15.9", "1.2e+05", "∞"]


def test_an_entry_a_shape_and_an_index() -> None:
    assert (entry(-0.25), entry(1.23456789e-8), entry(None)) == ("-0.25", "1.2346e-08", "–")
    assert (shape((5, 5)), shape(()), shape(None)) == ("(5, 5)", "()", "–")
    assert (shapes((5, 5), (5, 5)), shapes((4, 1), (4,)), shapes(None, (2,))) == ("(5, 5)", "(4, 1) ≠ (4,)", "– ≠ (2,)")
    assert (index((3, 2)), index(()), index(None)) == ("[3, 2]", "", "")


@pytest.mark.parametrize(
    ("status", "word", "sign"),
    [
        (Status.MATCH, "good", "✓"),
        (Status.SHAPE, "bad", "✗"),
        (Status.VACUOUS, "open", "?"),
        (Status.KINK, "open", "?"),
    ],
)
def test_a_status_has_a_tone_and_a_mark_beside_the_colour(status: Status, word: str, sign: str) -> None:
    assert (tone(status), mark(status)) == (word, sign)
