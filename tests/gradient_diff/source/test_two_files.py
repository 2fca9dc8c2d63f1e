"""Two files with the same text: what is said of one names that one, though Python takes their code for equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradient_diff import compare
from gradient_diff.source import positions
from manual_mlp import MLP, Dense

TEXT = """
def gradients(parameters, x, y):
    d = 2.0 * (y - (x @ parameters["dense_1/kernel"] + parameters["dense_1/bias"])) / y.size
    return {"dense_1/kernel": x.T @ d, "dense_1/bias": d.sum(axis=0)}
"""
LINE = 3
MLP_SMALL = MLP(3, [Dense(2)])


def said_of(path: Path) -> list[tuple[str, int, bool]]:
    """(file, line, whether it is mended) of each finding."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEXT, encoding="utf-8")
    space: dict[str, Any] = {"__name__": path.stem}
    exec(compile(TEXT, str(path), "exec"), space)
    rng = np.random.default_rng(0)
    e = MLP_SMALL.backpropagate(MLP_SMALL.initialize(rng), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), "mse")
    code = compare(space["gradients"], e).code
    assert code is not None
    return [(f.file, f.line, bool(f.fix)) for f in code.findings]


def test_each_of_two_files_with_one_text_is_named_itself(tmp_path: Path) -> None:
    for folder in ("ada", "bob"):
        path = tmp_path / folder / "mine.py"
        assert said_of(path) == [(str(path), LINE, True)]


def test_what_is_kept_of_places_is_bounded_and_forgetting_it_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(positions, "_MOST_CODES", 1)
    path = tmp_path / "eve" / "mine.py"
    assert said_of(path) == [(str(path), LINE, True)]
    assert len(positions._places) == 1  # noqa: SLF001  # nothing else tells of it
