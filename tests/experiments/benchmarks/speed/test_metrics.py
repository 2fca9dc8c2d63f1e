"""The structure of the measurement; no absolute times, which belong to no test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.benchmarks.speed import metrics as metrics_speed
from experiments.benchmarks.speed.metrics import (
    ENTRIES_FULL,
    MOST_MB,
    SLOWEST,
    measure_apart,
    measure_both,
    pair,
    part,
    study,
)

ROW = {"entries": ENTRIES_FULL, "seconds": 0.4, "seconds of assert_allclose": 1.0, "ratio": SLOWEST, "memory": MOST_MB}


def test_targets_are_claims_that_may_not_hold() -> None:
    assert all(part([ROW]).claims.values())
    slow, large = part([ROW | {"ratio": 2 * 0.51}]).claims, part([ROW | {"memory": 16.1}]).claims
    what = "all metrics of two float32 arrays of 50,000,000 entries: at most"
    assert [name for name, holds in slow.items() if not holds] == [
        f"{what} 1 times as long as np.testing.assert_allclose (the target is 0.5)"
    ]
    assert [name for name, holds in large.items() if not holds] == [f"{what} 16 MB on top of them"]


def test_the_target_of_the_time_is_one_of_the_full_size() -> None:
    (claim,) = part([ROW | {"entries": 1000, "ratio": 9.0}]).claims
    assert "MB on top" in claim


def test_the_arrays_are_nearly_equal_whatever_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_speed, "_PIECE", 100)
    h, r = pair(250)
    assert h.dtype == r.dtype == np.float32
    np.testing.assert_allclose(h, r, rtol=1e-5)
    assert 0 < np.count_nonzero(h != r) < 250


def test_the_memory_is_that_of_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measure that copies an array is found out."""
    honest = measure_both(1_000_000, 1)["memory"]
    monkeypatch.setattr(metrics_speed, "measure", lambda h, r: (h.copy(), r.copy()))
    assert honest < 4 < 8 <= measure_both(1_000_000, 1)["memory"]


def test_a_process_of_its_own_tells_the_same_things() -> None:
    found = measure_apart(1000, 2)
    assert found.keys() == measure_both(1000, 2).keys() | {"entries"}
    assert found["ratio"] > 0


def test_the_size_is_the_full_one_only_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_speed, "measure_apart", lambda entries, rounds: ROW | {"entries": entries})
    assert "50,000,000" in next(iter(study(full=True).claims))
    assert "10,000,000" in next(iter(study(full=False).claims))


def test_a_folder_of_the_users_with_the_same_name_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    assert measure_apart(100, 1)["entries"] == 100
