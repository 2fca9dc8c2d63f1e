"""A capture: there and back, its rounding, and what is no pair."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from gradient_diff import read_gradients
from gradient_diff.files.capture import FORMAT, MARK, Capture, read_capture, two_captures
from manual_mlp import Array

FACTS = {"weights": "w", "data": "d", "E": "mse, training", "policy": "float32", "mode": "graph", "device": "CPU"}
EXACT = np.array([[1.0, -2.0], [0.5, 3.0]])


def _capture(sigma: float = 1e-7, dtype: str = "float32", fine: Array | None = EXACT, **facts: str) -> Capture:
    gradients = {"a/kernel": EXACT.astype(dtype)}
    own = {} if fine is None else {"a/kernel": fine}
    return Capture(gradients, own, {"a/kernel": np.full((2, 2), sigma)}, {**FACTS, **facts})


def test_there_and_back(tmp_path: Path) -> None:
    path = _capture().save(tmp_path / "one")
    again = read_capture(path)
    assert again is not None
    assert again.facts == FACTS
    for before, after in ((_capture().gradients, again.gradients), (_capture().sigma, again.sigma)):
        assert before.keys() == after.keys()
        assert before["a/kernel"].dtype == after["a/kernel"].dtype
        np.testing.assert_array_equal(before["a/kernel"], after["a/kernel"])
    read = read_gradients(path)
    assert isinstance(read, dict)
    assert list(read) == ["a/kernel"]


def test_bfloat16_is_kept_in_float32(tmp_path: Path) -> None:
    own = EXACT.astype(ml_dtypes.bfloat16)
    found = read_capture(replace(_capture(), gradients={"a/kernel": own}).save(tmp_path / "one"))
    assert found is not None
    np.testing.assert_array_equal(found.gradients["a/kernel"], own.astype(np.float32))


def test_other_files_are_no_captures(tmp_path: Path) -> None:
    np.savez(tmp_path / "plain.npz", **{"a/kernel": EXACT})
    assert read_capture(tmp_path / "plain.npz") is None
    assert read_capture(tmp_path / "plain.h5") is None


def test_of_two_the_larger_rounding_counts() -> None:
    noise = _capture(1e-7).noise(_capture(1e-3))
    assert noise.sigma["a/kernel"].tolist() == [[1e-3] * 2] * 2
    np.testing.assert_array_equal(noise.values["a/kernel"], EXACT)
    assert _capture(1e-7).noise(None).sigma["a/kernel"].tolist() == [[1e-7] * 2] * 2


@pytest.mark.parametrize("what", ["weights", "data", "E"])
def test_captures_of_different_things_are_refused(what: str) -> None:
    with pytest.raises(ValueError, match=f"^It was captured with other {what} than the reference. Capture both"):
        _capture().noise(_capture(**{what: "other"}))


@pytest.mark.parametrize(
    ("fine", "words"),
    [
        (EXACT, "In float64 the two agree: both compute one function"),
        (EXACT * (1 + 1e-15), "In float64 the two agree: both compute one function"),
        (EXACT * (1 + 1e-10), "In float64, too, a/kernel differ by more than rounding: these are not one function."),
        (None, "Of one of them there is no float64 run."),
    ],
)
def test_in_float64_it_shows_whether_both_are_one_function(fine: Array | None, words: str) -> None:
    told = two_captures(_capture(fine=fine, policy="mixed_float16"), _capture())
    assert told.startswith("Captured as mixed_float16 graph CPU (")
    assert words in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is a damaged capture"),
        ("[1]", "is a damaged capture"),
        (json.dumps({"format": FORMAT + 1}), f"has format {FORMAT + 1}; this version reads {FORMAT}"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, text: str, words: str) -> None:
    np.savez(tmp_path / "one.npz", **{MARK: np.array(text), "gradients/a/kernel": EXACT})
    with pytest.raises(ValueError, match=re.escape(words)):
        read_capture(tmp_path / "one.npz")
