"""`gradient-diff compare`: what says how much is rounding, and what a kink allows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from manual_mlp import MLP, Dense, Evaluation

ROOT = Path(__file__).parents[3]
Call = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]


def test_a_second_set_that_is_mine_is_refused(call: Call, answer: Evaluation, tmp_path: Path) -> None:
    old = {n: a.astype("f4") for n, a in answer.gradients.items()}
    bad = {**old, "dense_1/kernel": old["dense_1/kernel"] * np.float32(1.001)}
    for name, arrays in {"old": old, "bad": bad, "half": {n: a.astype("f2") for n, a in bad.items()}}.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
    np.savez(tmp_path / "short.npz", **{"dense_1/kernel": old["dense_1/kernel"]})
    paths = {name: tmp_path / f"{name}.npz" for name in ("old", "bad", "half", "short")}
    code, text, _ = call(paths["bad"], paths["old"], "--repeat", paths["bad"])
    assert (code, "is bit-equal to the second set" in " ".join(text.split())) == (2, True)
    code, text, told = call(paths["bad"], paths["old"], "--repeat", paths["half"])
    assert (code, text, "half.npz does not fit the reference." in told) == (4, "", True)
    assert "is float16 in the second set, but float32 in the reference" in told
    code, text, told = call(paths["bad"], paths["old"], "--repeat", paths["short"])
    assert (code, text, "The second set has no array of the right shape for dense_" in told) == (4, "", True)


def test_a_coarser_file_is_judged_in_its_own_rounding(call: Call, answer: Evaluation, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    exact = dict(answer.gradients)
    old, again = ({n: (a * (1 + 1e-7 * rng.normal(size=a.shape))).astype("f4") for n, a in exact.items()} for _ in "12")
    half = {n: a.astype("f2") for n, a in exact.items()}
    for name, arrays in {"exact": exact, "old": old, "again": again, "half": half}.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
    for option, value in (("--float64", "exact"), ("--repeat", "again")):
        code, text, _ = call(tmp_path / "half.npz", tmp_path / "old.npz", option, tmp_path / f"{value}.npz")
        assert (code, "Judged by the second set of gradients, widened to float16" in text) == (0, True)


def test_without_a_network_the_noise_must_be_named(call: Call, answer: Evaluation, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    exact = dict(answer.gradients)
    coarse, again, mine = (
        {n: (a * (1 + 1e-7 * rng.normal(size=a.shape))).astype("f4") for n, a in exact.items()} for _ in "123"
    )
    wrong = {**mine, "dense_1/bias": mine["dense_1/bias"] * np.float32(1.01)}
    paths = {}
    for name, arrays in {"exact": exact, "coarse": coarse, "again": again, "mine": mine, "wrong": wrong}.items():
        paths[name] = tmp_path / f"{name}.npz"
        np.savez(paths[name], **arrays)
    code, text, _ = call(paths["mine"], paths["coarse"])
    assert (code, text.split(":")[0]) == (2, "? INCONCLUSIVE")
    assert "relative L2" in text
    for option, value in (("--float64", paths["exact"]), ("--repeat", paths["again"]), ("--rtol", "1e-5")):
        assert call(paths["mine"], paths["coarse"], option, value)[0] == 0
        code, text, _ = call(paths["wrong"], paths["coarse"], option, value)
        assert (code, text.split(":")[0]) == (1, "✗ DIFFERENT")
    code, _, told = call(paths["mine"], paths["coarse"], "--float64", paths["again"])
    assert (code, "is float32. Compute this set in float64, or use --repeat" in told) == (4, True)
    code, _, told = call(paths["mine"], paths["coarse"], "--repeat", paths["coarse"])
    assert (code, "says nothing about rounding" in told) == (4, True)
    code, _, told = call(paths["mine"], paths["coarse"], "--rtol", "1e-5", "--repeat", paths["again"])
    assert (code, "twice how much is rounding" in told) == (4, True)


@pytest.mark.parametrize("rtol", ["0", "-1", "nan", "inf"])
def test_a_tolerance_that_makes_no_sense(call: Call, rtol: str, reference: Path) -> None:
    code, text, told = call(reference, reference, "--rtol", rtol)
    assert (code, text) == (4, "")
    assert "expected a finite number above 0" in told


def test_a_tensor_that_repeats_to_the_bit_accuses_nobody(call: Call, tmp_path: Path) -> None:
    """A repeated run says nothing about rounding where it rounds the same way."""
    first = {"a": np.float32([1, 2]), "b": np.float32([1, 2])}
    np.savez(tmp_path / "r.npz", **first)
    np.savez(tmp_path / "again.npz", **{**first, "a": np.float32([1 + 1e-7, 2])})
    np.savez(tmp_path / "mine.npz", **{**first, "b": np.float32([1 + 2e-7, 2])})
    code, text, _ = call(tmp_path / "mine.npz", tmp_path / "r.npz", "--repeat", tmp_path / "again.npz")
    assert (code, text.split(":")[0]) == (2, "? INCONCLUSIVE")


def test_kinks_are_allowed_only_on_demand(call: Call, tmp_path: Path) -> None:
    mlp = MLP(1, [Dense(2, "relu"), Dense(1)])
    parameters = {
        "dense_1/kernel": np.array([[1.0, 1.0]]),
        "dense_1/bias": np.array([-1.0, 0.5]),
        "dense_2/kernel": np.array([[1.0], [2.0]]),
        "dense_2/bias": np.array([0.0]),
    }
    e = mlp.backpropagate(parameters, np.array([[1.0], [2.0]]), np.array([[0.5], [0.0]]), "mse")  # u = 0 at [0, 0]
    other = {n: g.copy() for n, g in e.gradients.items()}
    delta = e.nodes["dense_1/dE_dz"][0, 0]
    other["dense_1/kernel"][0, 0] += delta
    other["dense_1/bias"][0] += delta
    np.savez(tmp_path / "mine.npz", **other)
    e.save(tmp_path / "r.npz")
    code, text, _ = call(tmp_path / "mine.npz", tmp_path / "r.npz")
    assert (code, text.split(":")[0]) == (1, "? KINK")
    assert call(tmp_path / "mine.npz", tmp_path / "r.npz", "--allow-kinks")[0] == 0
