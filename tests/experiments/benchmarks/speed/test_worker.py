"""What the engines are given; no times."""

from __future__ import annotations

import pytest

from experiments.benchmarks.speed import worker


def test_the_cases_are_of_the_sizes_that_the_table_names() -> None:
    assert worker.sine("float32")[0].units == (5, 5, 5, 1)
    assert worker.digits("float32")[2].shape == (100, 784)
    assert worker.wide("float32")[0].units == (2048, 2048, 10)
    assert worker.mnist_sized("float32", 5)[2].shape == (5, 784)
    assert sorted(worker.cases("article A's loop", "float64")) == ["sine"]


def test_the_article_s_loop_and_the_derivation_start_from_one_e() -> None:
    assert round(worker.by_hand(worker.sine("float64"))(), 4) == 26.8919
    assert round(worker.train_as_published("float64", 1)(), 4) == 26.8919


def test_a_measurement_tells_e_and_a_time() -> None:
    for e, seconds in (worker.measure_steps(lambda: 1.0, seconds=0.001), worker.measure_once(lambda: 1.0)):
        assert (e, seconds > 0) == (1.0, True)
    assert worker.measure_difference(lambda: 1.0, lambda: 2.0, 1)[0] == pytest.approx(2.0)
