"""Damaged files end in arrays or in a sentence: a seeded share of what `tools/fuzz_files.py` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import fuzz_files
from tools.fuzz_files import DAMAGES, originals, outcome_of, outcomes


def test_three_hundred_damaged_files(tmp_path: Path) -> None:
    found = dict(outcomes(300, tmp_path))
    odd = {title: outcome for title, outcome in found.items() if outcome not in ("arrays", "a sentence")}
    assert odd == {}
    assert {"arrays", "a sentence"} == set(found.values())


def test_whole_files_are_arrays(tmp_path: Path) -> None:
    for name, content in originals(tmp_path).items():
        (tmp_path / name).write_bytes(content)
        assert outcome_of(tmp_path / name) == "arrays", name


@pytest.mark.parametrize("title", DAMAGES)
def test_every_damage_does_some(title: str, tmp_path: Path) -> None:
    import numpy as np

    for content in originals(tmp_path).values():
        assert any(DAMAGES[title](np.random.default_rng(seed), content) != content for seed in range(5))


@pytest.mark.parametrize("error", [SystemError("x"), TimeoutError("longer"), ValueError("a\x1bb")])
def test_anything_else_is_found(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(fuzz_files, "read_within", broken)
    assert outcome_of(tmp_path / "x") not in ("arrays", "a sentence")


def test_memory_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_files, "read_within", lambda *_: bytes(80 * 2**20))
    assert outcome_of(tmp_path / "x") == "arrays, but 80 MB"
