from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.diagnosis.factors import Known, fit, list_factors, may_be_a_rate, name_factor, whole
from manual_mlp import LOSSES

N, K = 7, 3


def test_fit_is_least_squares_over_the_arrays_whose_shapes_agree() -> None:
    hand = {"a": np.array([2.0, 4.0]), "b": np.array([6.0])}
    assert fit(hand, {"a": np.array([1.0, 2.0]), "b": np.array([[3.0]])}, ["a", "b"]) == 2.0
    assert fit(hand, {"a": np.zeros(2), "b": np.zeros(1)}, ["a", "b"]) is None


def test_whole_numbers_begin_at_3() -> None:
    assert [f for f in (7.0, 7.5, 2.0, 3.0, 7.00001, 7.001) if whole(f)] == [7.0, 3.0, 7.00001]


def test_no_rate_is_beyond_a_half() -> None:
    assert [f for f in (-0.05, 0.5, 0.999, 1.0001, 7.3, 0.0, None) if may_be_a_rate(f)] == [-0.05, 0.5]


def test_a_factor_is_named_by_the_sizes_that_are_known() -> None:
    assert [name for name, _, _ in name_factor(-1.0)] == ["sign"]
    (_, _, said), *_ = name_factor(10.5, Known(batch=N, outputs=K))
    assert said == "your gradients are 10.5 times the reference's; that is N·K/2, with N = 7 and K = 3"
    assert [name for name, _, _ in name_factor(7.0, Known(batch=N))] == ["missing_batch_mean"]


MEANS = {"K", "K/2", "N·K", "N·K/2", "1/K"}


@pytest.mark.parametrize(
    ("loss", "k", "ways", "batch"),
    [
        ("mean_squared_error", K, MEANS, ["missing_batch_mean", "batch_mean_twice"]),
        ("mean_squared_error", 1, MEANS - {"K", "1/K"}, ["missing_batch_mean", "batch_mean_twice"]),
        ("categorical_crossentropy", K, {"K", "N·K", "1/K", "N/K"}, ["missing_batch_mean", "batch_mean_twice"]),
        ("sum_squared_error", K, {"K", "N·K", "1/K"}, ["mean_for_sum"]),
        ("sum_squared_error", 1, set(), ["mean_for_sum"]),
        (None, K, MEANS | {"N/K"}, ["missing_batch_mean", "batch_mean_twice"]),
        (None, 1, MEANS - {"K", "1/K"}, ["missing_batch_mean", "batch_mean_twice"]),
    ],
)
def test_the_loss_says_which_factors_its_sizes_allow(
    loss: str | None, k: int, ways: set[str], batch: list[str]
) -> None:
    found = list(list_factors(N, k, LOSSES[loss] if loss else None))
    assert {f.words.split(",")[0].removeprefix("; that is ") for f in found if f.id == "missing_output_mean"} == ways
    assert [f.id for f in found if f.id in ("missing_batch_mean", "batch_mean_twice", "mean_for_sum")] == batch
    assert [f.value for f in found if f.id in ("factor_two", "accumulated")] == [2, 2, 0.5]


def test_one_sample_has_no_mean_over_the_batch() -> None:
    assert {f.id for f in list_factors(1, None)} == {"factor_two", "accumulated"}
