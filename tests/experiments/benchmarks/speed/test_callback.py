"""What the callback costs: measured in turn, and told."""

from __future__ import annotations

from experiments.benchmarks.speed.callback import SEEN, measure_fits, part


def test_both_ways_are_measured() -> None:
    found = measure_fits(3, 1)
    assert found.keys() == set(SEEN)
    assert all(ratio > 0 for ratio in found.values())


def test_a_ratio_is_told_and_not_judged() -> None:
    told = part(2_000, {"a probe": 1.01, "batch": 3.0})
    assert told.tables["The callback on other steps"].frame["ratio"].tolist() == [1.01, 3.0]
    assert not told.claims
