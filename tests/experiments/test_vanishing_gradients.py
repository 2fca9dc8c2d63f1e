from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from experiments import vanishing_gradients as study
from experiments.datasets import digits
from experiments.running import Outcome
from experiments.study import Settings
from experiments.vanishing_pictures import by_depth, by_dtype, by_layer
from gradient_diff import Status, compare
from manual_mlp import rounding_noise


@pytest.fixture(scope="module")
def folder(fresh: Callable[[str], Outcome]) -> Path:
    return fresh("vanishing_gradients").report.parent


@pytest.fixture(scope="module")
def coarse() -> study.Lost:
    return study.losing(digits(), "float32", Settings())


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "tables" / f"{name}.csv")


def test_all_is_as_expected(fresh: Callable[[str], Outcome]) -> None:
    outcome = fresh("vanishing_gradients")
    assert outcome.failed == ()
    assert outcome.summary == "MATCH, 3 shown mistakes found, 5 of 5 claims hold"


def test_the_norms_are_those_of_the_gradients(folder: Path) -> None:
    mlp, data = study.network(64, study.DEPTH, "tanh"), digits()
    x, y = data.images("train", study.BATCH), data.one_hot("train", study.BATCH)
    e = mlp.backpropagate(mlp.initialize(0, "he_normal"), x, y, study.LOSS)
    expected = [np.linalg.norm(e.gradients[f"dense_{k}/kernel"]) for k in range(1, study.DEPTH + 2)]
    np.testing.assert_allclose(table(folder, "norm_of_de_dw_by_layer")["tanh, he_normal"], expected, rtol=1e-9)


def test_one_hidden_layer_of_the_table_by_depth(folder: Path) -> None:
    mlp, data = study.network(64, 1, "sigmoid"), digits()
    x, y = data.images("train", study.BATCH), data.one_hot("train", study.BATCH)
    g = mlp.backpropagate(mlp.initialize(0, "glorot_uniform"), x, y, study.LOSS).gradients
    ratio = np.linalg.norm(g["dense_1/kernel"]) / np.linalg.norm(g["dense_2/kernel"])
    rows = table(folder, "lowest_over_highest_by_depth").set_index("hidden layers")
    assert rows.loc[1, "sigmoid, glorot_uniform"] == pytest.approx(ratio, rel=1e-9)


def test_the_tape_computed_in_the_dtype_and_the_hand_in_float64(coarse: study.Lost) -> None:
    assert coarse.tape.gradients["dense_1/kernel"].dtype.name == "float32"
    assert coarse.hand.gradients["dense_1/kernel"].dtype.name == "float64"
    for name, array in coarse.tape.problem.parameters.items():
        np.testing.assert_array_equal(array, coarse.hand.problem.parameters[name])


def test_float16_loses_what_is_below_its_range(folder: Path) -> None:
    rows = table(folder, "norm_of_de_dw_by_layer_and_dtype")
    lost = rows["float64"] < 2.0**-26  # a quarter of its smallest subnormal number, so that every entry rounds to 0
    assert lost.sum() > 20
    assert (rows.loc[lost, "float16"] == 0).all()
    assert (rows.loc[lost, "float16: relative L2"] == 1).all()
    assert set(rows.loc[lost, "float16: status"]) == {"VACUOUS"}


def test_statuses_stand_with_their_layers(coarse: study.Lost, folder: Path) -> None:
    rows = table(folder, "norm_of_de_dw_by_layer_and_dtype")
    assert rows["float32: status"].tolist() == [status.name for status in coarse.statuses]
    assert rows["float32: status"].iloc[-1] == "MATCH"


def test_the_lowest_layers_are_vacuous_and_higher_ones_are_not(coarse: study.Lost) -> None:
    part = study.vacuous_part(coarse, "eager")
    assert [c.diff.verdict for c in part.comparisons.values()] == [Status.VACUOUS, Status.VACUOUS, Status.DIFFERENT]
    assert all(part.claims.values())
    noise = rounding_noise(coarse.tape.problem)
    node = "dense_30/dE_dkernel"
    wrong = {node: -coarse.hand.nodes[node]}
    assert compare(wrong, {node: coarse.tape.nodes[node]}, noise=noise).verdict is Status.DIFFERENT


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("dtype", study.DTYPES)
def test_other_seeds_lose_the_lowest_layer_too(dtype: str, seed: int) -> None:
    found = study.losing(digits(), dtype, Settings(seed=seed))
    assert found.statuses[0] is Status.VACUOUS
    assert found.diff.verdict is Status.MATCH


@pytest.fixture(scope="module")
def nothing_kept() -> study.Part:
    """With seed 6 every layer of bfloat16 is lost in the noise."""
    return study.dtypes_part({dtype: study.losing(digits(), dtype, Settings(seed=6)) for dtype in study.DTYPES})


def test_a_dtype_without_any_match_has_no_lowest_layer(nothing_kept: study.Part) -> None:
    rows = nothing_kept.tables["Where each dtype ends"].frame.set_index("dtype")
    assert rows["layers that are MATCH"].tolist() == [27, 1, 0]
    assert rows["the lowest of them"].tolist()[:2] == [7, 33]
    assert rows.loc["bfloat16", "the lowest of them"] is pd.NA


def test_bfloat16_may_be_vacuous_and_the_claims_hold_still(nothing_kept: study.Part) -> None:
    found = nothing_kept.comparisons["The tape in bfloat16"]
    assert found.diff.verdict is Status.VACUOUS
    assert found.as_expected
    assert all(nothing_kept.claims.values())


def test_other_verdicts_of_bfloat16_are_not_expected(coarse: study.Lost) -> None:
    flipped = {node: -array for node, array in coarse.tape.gradients.items()}
    wrong = compare(coarse.hand, flipped)
    assert wrong.verdict is not Status.VACUOUS
    found = dataclasses.replace(coarse, dtype="bfloat16", diff=wrong)
    assert (
        study.dtypes_part({"float32": coarse, "float16": coarse, "bfloat16": found})
        .comparisons["The tape in bfloat16"]
        .as_expected
        is False
    )


def test_float32_and_bfloat16_are_flushed_and_float16_is_not() -> None:
    """What the text says of products below the smallest normal number."""
    products = {
        dtype: float((keras.ops.convert_to_tensor(small, dtype) * keras.ops.convert_to_tensor(2.0**-3, dtype)).numpy())
        for dtype, small in study.SMALLEST.items()
    }
    assert products == {"float32": 0.0, "float16": 2.0**-17, "bfloat16": 0.0}


def test_pictures_are_drawn_from_the_saved_tables(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "tables", tmp_path / "tables")
    assert len(by_layer(tmp_path).axes[0].lines) == len(by_depth(tmp_path).axes[0].lines) == 9
    assert len(by_dtype(tmp_path).axes[0].lines) == 3 * 3
