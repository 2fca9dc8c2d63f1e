"""The structure of the speed study; no absolute times, which belong to no test."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress

from experiments.benchmarks.speed import study as speed
from experiments.benchmarks.speed import worker as speed_worker
from experiments.benchmarks.speed.study import HAND, RACES, SINE, START, TARGETS, WIDE, Race, worker
from experiments.frame.study import Settings


def measurements(seconds: dict[tuple[str, str], float], e: float = 1.0) -> pd.DataFrame:
    """Three rounds of every race; a time is 1 unless given by (race, engine), and rounds differ by their speed."""
    return pd.DataFrame(
        [
            {
                "round": n,
                "race": race.title,
                "engine": engine,
                "E": e,
                "seconds": seconds.get((race.title, engine), 1.0) * (1 + n),
            }
            for race in (*RACES, START)
            for n in range(3)
            for engine in race.engines
        ]
    )


def ratios(frame: pd.DataFrame) -> pd.DataFrame:
    return speed.result(frame).tables["Ratios"].frame


def test_every_target_has_its_line_and_its_claim() -> None:
    result = speed.result(measurements({}))
    assert (result.tables["Ratios"].frame["target"] != "").sum() == len(TARGETS) == 8
    assert len(result.claims) == 9
    assert not result.tables["All measurements"].in_report


def test_all_reached() -> None:
    fast = {(t.race.title, HAND): 1 / 30 for t in TARGETS if not t.at_most}
    result = speed.result(measurements(fast))
    assert result.failed == []
    frame = result.tables["Ratios"].frame
    assert frame.loc[frame["what"] == SINE.title, "ratio"].tolist() == [30.0, 30.0]


@pytest.mark.parametrize("ratio", [1.3, 2.4])
def test_a_target_that_is_missed_is_told_in_the_table_and_fails_no_run(ratio: float) -> None:
    """Other work on the machine may do that."""
    result = speed.result(slow_by(ratio))
    assert result.failed == []
    frame = result.tables["Ratios"].frame
    assert frame.loc[frame["reached?"] == "missed", "ratio"].tolist() == [ratio]


def test_a_target_that_is_missed_by_far_is_a_claim_that_does_not_hold() -> None:
    (failed,) = speed.result(slow_by(2.6)).failed
    words = "one step of 1024-2048-2048-10, batch 256: at most 2.5 times as long as its matrix products alone"
    assert failed == f"does not hold: {words} (the target is 1.25)"


def test_a_lower_bound_has_room_as_well() -> None:
    fast = {(t.race.title, HAND): 1 / 30 for t in TARGETS if not t.at_most}
    assert speed.result(measurements(fast | {(SINE.title, HAND): 1 / 11})).failed == []
    (failed,) = speed.result(measurements(fast | {(SINE.title, HAND): 1 / 9})).failed
    assert "at least 10 times as fast as train_on_batch (the target is 20)" in failed


def slow_by(ratio: float) -> pd.DataFrame:
    """All targets are reached, but that of the wide network."""
    fast = {(t.race.title, HAND): 1 / 30 for t in TARGETS if not t.at_most}
    return measurements(fast | {(WIDE.title, HAND): ratio})


def test_the_ratio_is_the_median_within_rounds() -> None:
    """A machine that is slow in one round is slow for both."""
    frame = measurements({(SINE.title, HAND): 0.25})
    frame.loc[frame["round"] == 1, "seconds"] *= 1000
    found = ratios(frame)
    assert found.loc[found["what"] == SINE.title, "ratio"].tolist() == [4.0, 4.0]


def test_engines_that_compute_something_else_are_noticed() -> None:
    frame = measurements({})
    assert speed.result(frame).claims["all engines find the same E"]
    frame.loc[(frame["race"] == RACES[0].title) & (frame["engine"] == "XLA"), "E"] = 1.001
    assert not speed.result(frame).claims["all engines find the same E"]


def test_times_are_declared_as_not_reproducible() -> None:
    assert set(speed.result(measurements({})).tables["Ratios"].reproducible) == {"what", "against", "target"}


def test_times_are_written_in_a_unit_that_suits_them() -> None:
    found = ratios(measurements({(SINE.title, HAND): 4.5e-5, (SINE.title, "article A's loop"): 1.25e-3}))
    (line,) = found[found["against"] == "article A's loop"].to_dict("records")
    assert (line["ours"], line["its time"]) == ("90 µs", "2.5 ms")  # of the second round, which takes twice as long
    assert (line["ratio"], line["target"], line["reached?"]) == (27.78, "≥ 2", "reached")


@pytest.mark.slow
def test_a_small_run_end_to_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    race = Race(SINE.title, "sine", (HAND, "article A's loop"))
    monkeypatch.setattr(speed, "RACES", (race,))
    monkeypatch.setattr(speed, "ROUNDS", 2)
    monkeypatch.setattr(speed, "STARTS", 0)
    row = {"optimizer": "SGD", "data, MB": 1.0, "parameters and state, MB": 0.1, "target": "≤ 64", "reached?": "missed"}
    monkeypatch.setattr(speed.training_memory, "measure_apart", lambda name: {**row, "optimizer": name})
    monkeypatch.setattr(speed.metrics_speed, "ENTRIES", 1000)
    result = speed.run(Settings("float32"), Progress(disable=True))
    assert "Metrics of large arrays" in result.tables
    frame = result.tables["All measurements"].frame
    assert frame["engine"].tolist() == [HAND, "article A's loop"] * 2  # in turn
    assert (frame["seconds"] > 0).all()
    words = "does not hold: peak memory of an epoch by {}: at most 64 MB beside data, parameters and state"
    assert [claim for claim in result.failed if "memory" in claim] == [words.format(name) for name in ("SGD", "Adam")]
    assert "article A's loop" in capsys.readouterr().out


def test_a_worker_that_fails_is_quoted() -> None:
    with worker(HAND, "float64") as hand, pytest.raises(RuntimeError, match=r"(?s)'unknown' has failed.*KeyError"):
        hand.ask("unknown")


def test_a_worker_ends_with_its_input() -> None:
    with worker("article A's loop", "float64") as article:
        process = article.process
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("engine", [HAND, "article A's loop"])
def test_engines_without_tensorflow_do_not_load_it(engine: str) -> None:
    """Its thread pool would disturb BLAS's."""
    code = (
        "import sys; from experiments.benchmarks.speed.worker import cases; "
        f"print(cases({engine!r}, 'float64')['sine']()()[1] > 0, 'tensorflow' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "False"]


@pytest.mark.parametrize("engine", speed.TAPES)
def test_the_tape_finds_the_same_E(engine: str) -> None:
    problem = speed_worker.sine("float64")
    assert speed_worker.by_tape(problem, engine)() == pytest.approx(speed_worker.by_hand(problem)(), rel=1e-12)


def test_all_trainers_start_where_the_others_start() -> None:
    """E is that before the last step, for each of them."""
    problem = speed_worker.sine("float64")
    published = speed_worker.train_as_published("float64", 1)()
    assert speed_worker.train_by_hand(problem, 1)() == pytest.approx(published, rel=1e-12)
    assert speed_worker.train_on_batch(problem, 1)() == pytest.approx(published, rel=1e-6)  # Keras tells it in float32


EPOCHS = {"by hand": speed_worker.epoch_by_hand, **speed_worker.EPOCHS}


@pytest.mark.parametrize("engine", EPOCHS)
def test_an_epoch_of_each_engine_sees_every_sample(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a rate of nearly 0, E is that of the start, which scikit-learn draws for itself: ln 10 and a little."""
    monkeypatch.setattr(speed_worker, "EPOCH_RATE", 1e-30)
    problem = speed_worker.mnist_sized("float32", 250)
    mlp, parameters, x, y, loss = problem
    expected = mlp.backpropagate(parameters, x, y, loss).loss
    near = {"rel": 0.2} if engine == "scikit-learn" else {"rel": 1e-5}
    assert EPOCHS[engine](problem)() == pytest.approx(expected, **near)


def test_the_products_are_those_of_a_training_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """u of each layer, dE/dW of each, dE/dz of all but the last, counted by what they multiply."""
    shapes: list[tuple[Any, ...]] = []
    dot = np.dot

    def counted(a: Any, b: Any, out: Any) -> Any:
        shapes.append((a.shape, b.shape, out.shape))
        return dot(a, b, out=out)

    monkeypatch.setattr(np, "dot", counted)
    problem = speed_worker.digits("float32")
    speed_worker.products(problem)()
    assert shapes == [
        ((100, 784), (784, 50), (100, 50)),
        ((100, 50), (50, 100), (100, 100)),
        ((100, 100), (100, 10), (100, 10)),
        ((100, 100), (100, 10), (100, 10)),
        ((100, 10), (10, 100), (100, 100)),
        ((50, 100), (100, 100), (50, 100)),
        ((100, 100), (100, 50), (100, 50)),
        ((784, 100), (100, 50), (784, 50)),
    ]
