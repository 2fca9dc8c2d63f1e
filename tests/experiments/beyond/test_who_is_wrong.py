from __future__ import annotations

from dataclasses import replace

import pytest

from experiments.beyond.who_is_wrong import CASES, Comparing, right
from experiments.frame.study import Comparison, Settings
from gradient_diff import Status


@pytest.mark.parametrize(
    ("status", "case"), [(status, case) for status, _, _, case in CASES], ids=lambda v: getattr(v, "__name__", "")
)
def test_each_case_comes_to_its_status(status: Status, case: Comparing) -> None:
    assert case(Settings()).verdict is status


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_seeds_come_to_the_same(seed: int) -> None:
    assert [case(Settings(seed=seed)).verdict for *_, case in CASES] == [status for status, *_ in CASES]


def test_every_status_is_shown() -> None:
    assert {status for status, *_ in CASES} == set(Status)


def test_an_unexpected_verdict_is_noticed() -> None:
    diff = right(Settings())
    assert Comparison(diff, Status.MATCH).as_expected
    assert not Comparison(diff, Status.MISMATCH).as_expected
    assert not Comparison(replace(diff, rows=(replace(diff.rows[0], status=Status.DIFFERENT),))).as_expected
