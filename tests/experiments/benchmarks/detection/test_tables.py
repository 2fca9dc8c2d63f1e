from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from experiments.benchmarks.detection.sizes import BELOW, MISSED
from experiments.benchmarks.detection.tables import (
    frame_of,
    not_named,
    our_misses,
    percent,
    rates,
    unplanted,
    unseen,
    wrongly_refused,
)
from experiments.benchmarks.detection.trials import Asked, Tools
from gradient_diff import MISTAKES

Make = Callable[..., Asked]


def test_misses_and_false_alarms_are_counted(asked: Make, nobody: Tools) -> None:
    frame = frame_of(
        [
            asked("mistake", True, first=True),
            asked("mistake", False),
            asked("mistake", False, sigma=3.0),
            asked("correct", True, sigma=0.0),
            asked("correct", False, sigma=0.0),
        ]
    )
    ours = rates(frame, nobody).iloc[0]
    assert (ours["mistakes that show"], ours["missed"], ours["correct pairs"], ours["false alarms"]) == (2, 1, 2, 1)
    assert ours["named rightly"] == "100.0%"
    assert (len(our_misses(frame)), len(wrongly_refused(frame)), len(not_named(frame))) == (1, 1, 0)
    assert list(unseen(frame)["why"]) == [BELOW, MISSED]


def test_a_percentage_is_0_or_100_only_where_it_is() -> None:
    shares = ((0, 10), (1, 100_000), (99_999, 100_000), (1, 8), (0, 0))
    assert [percent(*share) for share in shares] == ["0", "< 0.1", "> 99.9", "12.5", "—"]


def test_a_mistake_that_was_planted_nowhere_is_listed() -> None:
    planted = pd.DataFrame({"id": [name for name in MISTAKES if name != "sign"]})
    assert unplanted(planted)["id"].tolist() == ["sign"]
