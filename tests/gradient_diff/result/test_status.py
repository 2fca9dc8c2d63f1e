import itertools

import pytest

from gradient_diff import Status
from gradient_diff.result.status import gravest

GRAVITY = [
    "SHAPE",
    "MISSING",
    "NONFINITE",
    "MISMATCH",
    "REFERENCE_OFF",
    "DIFFERENT",
    "INCONCLUSIVE",
    "KINK",
    "MATCH",
    "VACUOUS",
]


def test_statuses_stand_in_the_order_of_gravity_of_the_plan() -> None:
    assert [status.name for status in Status] == GRAVITY


@pytest.mark.parametrize("pair", list(itertools.combinations(GRAVITY, 2)), ids=" over ".join)
def test_the_graver_of_two_decides_in_either_order(pair: tuple[str, str]) -> None:
    graver, lighter = (Status[name] for name in pair)
    assert gravest([graver, lighter]) is gravest([lighter, graver]) is graver


def test_vacuous_decides_only_where_nothing_matches() -> None:
    assert gravest([Status.VACUOUS, Status.MATCH]) is Status.MATCH
    assert gravest([Status.VACUOUS, Status.VACUOUS]) is Status.VACUOUS


def test_no_rows_prove_nothing() -> None:
    assert gravest([]) is Status.VACUOUS


def test_exit_codes_tell_right_wrong_and_unproved_apart() -> None:
    codes = {status.name: status.exit_code for status in Status}
    assert [name for name, code in codes.items() if code == 0] == ["KINK", "MATCH"]
    assert [name for name, code in codes.items() if code == 2] == ["INCONCLUSIVE", "VACUOUS"]
    assert {name for name, code in codes.items() if code == 1} == set(GRAVITY[:6])


def test_only_match_is_ok_and_only_exit_code_1_is_bad() -> None:
    assert [status for status in Status if status.ok] == [Status.MATCH]
    assert [status for status in Status if status.bad] == [status for status in Status if status.exit_code == 1]


@pytest.mark.parametrize("status", Status, ids=lambda status: status.name)
def test_each_status_carries_a_message_and_an_advice_of_its_own(status: Status) -> None:
    assert status.message
    assert not status.message.endswith(".")
    assert status.advice.endswith(".")
    assert [other for other in Status if other.message == status.message] == [status]


def test_it_shows_itself_in_one_line_and_in_a_cell() -> None:
    assert repr(Status.MATCH) == "<Status.MATCH: the difference is no larger than rounding explains>"
    assert Status.SHAPE._repr_html_().startswith("<p><strong>SHAPE</strong>: the two sides have different shapes. ")
