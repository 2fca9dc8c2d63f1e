"""`gradient-diff capture`, and two captures in `compare`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from gradient_diff.files.capture import read_capture

pytestmark = pytest.mark.filterwarnings(  # Keras's own, as it saves and loads
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
Called = Callable[..., Any]


def _model(policy: str, seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    hidden = layers.Dense(4, "tanh", dtype=policy, name="a")
    return keras.Sequential([layers.Input((3,)), hidden, layers.Dense(2, dtype=policy, name="b")], name="net")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One net in two policies, another net, and data."""
    for name, policy, seed in (("single", "float32", 0), ("mixed", "mixed_float16", 0), ("other", "float32", 1)):
        model = _model(policy, seed)
        model.compile("sgd", "mse")
        model.save(tmp_path / f"{name}.keras")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 3)).astype(np.float32), rng.normal(size=(9, 2)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    np.savez(tmp_path / "weighed.npz", x=x, y=y, sample_weight=np.arange(9.0))
    return tmp_path


def test_two_precisions_are_one_function_and_a_changed_entry_is_seen(folder: Path, call: Called) -> None:
    for name in ("single", "mixed", "other"):
        code, said, _ = call(folder / f"{name}.keras", folder / "data.npz", "--out", folder / name, verb="capture")
        assert code == 0
        assert said.endswith("4 gradients, with a float64 run\n")
    single, mixed, other = (folder / f"{name}.npz" for name in ("single", "mixed", "other"))
    code, said, _ = call(mixed, single)
    assert code == 0
    assert "In float64 the two agree" in " ".join(said.split())
    found = read_capture(mixed)
    assert found is not None
    wrong = {n: a.copy() for n, a in found.gradients.items()}
    wrong["a/kernel"][np.unravel_index(np.abs(wrong["a/kernel"]).argmax(), (3, 4))] *= 1.1
    replace(found, gradients=wrong).save(folder / "wrong")
    assert call(folder / "wrong.npz", single)[0] == 1
    code, said, _ = call(other, single)
    assert code == 2
    assert "captured with other weights" in said


def test_settings_are_part_of_what_is_captured(folder: Path, call: Called) -> None:
    model = folder / "single.keras"
    assert call(model, folder / "weighed.npz", "--out", folder / "one", verb="capture")[0] == 0
    assert (
        call(model, folder / "data.npz", "--out", folder / "two", "--loss", "mae", "--inference", verb="capture")[0]
        == 0
    )
    one, two = (read_capture(folder / f"{n}.npz") for n in ("one", "two"))
    assert one is not None
    assert two is not None
    assert one.facts["data"] != two.facts["data"]
    assert one.facts["E"] == "the compiled loss mse, training"
    assert two.facts["E"].endswith(", inference")


def test_what_is_refused(folder: Path, call: Called) -> None:
    out = folder / "there.npz"
    out.write_bytes(b"")
    for arguments, words in (
        (("single.keras", "data.npz", out), "is there already"),
        (("single.keras", "data.npz", folder / "none" / "a.npz"), "is no folder"),
        (("none.keras", "data.npz", folder / "a.npz"), "no such file"),
        (("single.keras", "single.keras", folder / "a.npz"), "single.keras"),
    ):
        model, data, place = arguments
        code, _, error = call(folder / model, folder / data, "--out", place, verb="capture")
        assert code == 4
        assert words in error
    assert out.read_bytes() == b""
