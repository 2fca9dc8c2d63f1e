from __future__ import annotations

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import pandas as pd
import pytest

from experiments.beyond.vanishing import dtypes as study
from experiments.frame.study import Settings
from experiments.support.datasets import digits
from gradient_diff import Status, compare, rounding_noise
from manual_mlp.extend import SMALLEST

STUDY = "vanishing_gradients"
Tables = Callable[[str], pd.DataFrame]


@pytest.fixture(scope="module")
def coarse() -> study.Lost:
    return study.losing(digits(), "float32", Settings())


def test_the_tape_computed_in_the_dtype_and_the_hand_in_float64(coarse: study.Lost) -> None:
    assert coarse.tape.gradients["dense_1/kernel"].dtype.name == "float32"
    assert coarse.hand.gradients["dense_1/kernel"].dtype.name == "float64"
    for name, array in coarse.tape.problem.parameters.items():
        np.testing.assert_array_equal(array, coarse.hand.problem.parameters[name])


@pytest.mark.slow
def test_float16_loses_what_is_below_its_range(table: Tables) -> None:
    rows = table("norm_of_de_dw_by_layer_and_dtype")
    lost = rows["float64"] < 2.0**-26  # a quarter of its smallest subnormal number, so that every entry rounds to 0
    assert lost.sum() > 20
    assert (rows.loc[lost, "float16"] == 0).all()
    assert (rows.loc[lost, "float16: relative L2"] == 1).all()
    assert set(rows.loc[lost, "float16: status"]) == {"VACUOUS"}


def test_statuses_stand_with_their_layers(coarse: study.Lost, table: Tables) -> None:
    rows = table("norm_of_de_dw_by_layer_and_dtype")
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


@pytest.mark.matrix(most=2)
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


@pytest.mark.slow
def test_a_dtype_without_any_match_has_no_lowest_layer(nothing_kept: study.Part) -> None:
    rows = nothing_kept.tables["Where each dtype ends"].frame.set_index("dtype")
    assert rows["layers that are MATCH"].tolist() == [27, 3, 0]
    assert rows["the lowest of them"].tolist()[:2] == [7, 31]
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
        for dtype, small in SMALLEST.items()
        if dtype != "float64"
    }
    assert products == {"float32": 0.0, "float16": 2.0**-17, "bfloat16": 0.0}
