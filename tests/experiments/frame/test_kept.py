"""A sweep that was cut off goes on where it was, and gives what it would have given in one go."""

from __future__ import annotations

import math
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.benchmarks.calibration.vocabulary_part import Judged, Seen
from experiments.frame import kept as keeping
from experiments.frame.kept import Kept, computed_by
from experiments.frame.sweep import sweep
from gradient_diff import Status

ITEMS = range(6)


def _marked(folder: str, n: int) -> tuple[int, float]:
    """Each call leaves a mark; where there is a file `stop`, it is at 4 as if somebody pressed Ctrl-C."""
    if n == 4 and (Path(folder) / "stop").exists():
        raise KeyboardInterrupt
    (Path(folder) / f"{uuid.uuid4()}.mark").touch()
    return n, n / 3


def test_what_was_done_is_not_computed_again(tmp_path: Path) -> None:
    marked, kept, seen = partial(_marked, str(tmp_path)), Kept(tmp_path / "kept"), list[int]()
    (tmp_path / "stop").touch()
    with pytest.raises(KeyboardInterrupt):
        sweep(marked, ITEMS, pool=lambda: ThreadPoolExecutor(1), kept=kept, block=2)
    assert len(list(tmp_path.glob("*.mark"))) == 4
    (tmp_path / "stop").unlink()
    found = sweep(marked, ITEMS, None, seen.append, lambda: ThreadPoolExecutor(1), kept, 2)
    assert found == [(n, n / 3) for n in ITEMS]
    assert len(list(tmp_path.glob("*.mark"))) == 6
    assert seen == [2, 2, 2]


@pytest.mark.parametrize("other", ["items", "function", "code"])
def test_of_another_question_nothing_is_taken(other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(tmp_path)
    kept.save(_marked, [1, 2], [0, 0])
    assert kept.load(_marked, [1, 2]) == [0, 0]
    if other == "code":
        monkeypatch.setattr(keeping, "computed_by", lambda: "another version")
    function = partial(_marked, "elsewhere") if other == "function" else _marked
    assert kept.load(function, [1, 3] if other == "items" else [1, 2]) is None


def test_a_block_is_known_by_the_code_that_computed_it(tmp_path: Path) -> None:
    (tmp_path / "manual_mlp").mkdir()
    digests = []
    for text in ("a = 1", "a = 2"):
        (tmp_path / "manual_mlp" / "a.py").write_text(text)
        computed_by.cache_clear()
        digests.append(computed_by(tmp_path))
    assert digests[0] != digests[1]


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    results = [
        Judged(
            3,
            "xla",
            (Seen("float32", "Dense", "tanh", 0.1 + 0.2, math.inf), Seen("a", "b", "c", 5e-324, 1.0)),
            "",
            True,
        ),
        (1, [2, (3,)], {"a": None, "b": -0.0}, Status.MATCH),
        np.float64(1 / 3),
    ]
    kept = Kept(tmp_path / "new" / "folder")
    assert kept.save(_marked, [1], results) == results
    assert kept.load(_marked, [1]) == results
    kept.clear()
    assert kept.load(_marked, [1]) is None
    kept.clear()  # there is none


@dataclass(frozen=True)
class _Elsewhere:
    a: int


@pytest.mark.parametrize("value", [np.zeros(2), {1: 2}, {"is a": "tuple"}, object()])
def test_what_cannot_be_kept_is_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="A sweep keeps records"):
        Kept(tmp_path).save(_marked, [1], [value])
    assert list(tmp_path.iterdir()) == []


def test_a_file_makes_no_object_of_somebody_elses(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no record of this project"):
        Kept(tmp_path).save(_marked, [1], [_Elsewhere(1)])
