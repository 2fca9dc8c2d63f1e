from __future__ import annotations

import pytest

from gradient_diff.guide.book import ENTRIES
from gradient_diff.guide.page import page_of
from gradient_diff.guide.planting import planted
from gradient_diff.guide.symptoms import symptoms_of


@pytest.mark.parametrize("name", ENTRIES)
def test_each_mistake_can_be_looked_up_by_what_is_seen(name: str) -> None:
    assert page_of(name).symptoms


@pytest.mark.parametrize(
    ("name", "heading", "words"),
    [
        ("missing_batch_mean", "Every gradient is N times too large", "every gradient is N = 11 times the right one"),
        ("mean_for_sum", "Every gradient is N times too small", "every gradient is 1/N = 0.09091 times the right one"),
        ("sign", "Every gradient has the wrong sign", "every gradient is −1 times the right one"),
        ("bias_from_kernel", "Only biases are off", "dense_2/bias"),
        ("l1_as_l2", "Only kernels are off", "dense_2/kernel, dense_1/kernel"),
        (
            "transposed",
            "A gradient has another shape, such as (5, 7) for (7, 5)",
            "dense_1/dE_dkernel is (5, 7) where (7, 5) is right",
        ),
        (
            "bias_not_summed",
            "A gradient has an axis too many, such as (5, 7) for (7,)",
            "dense_2/dE_dbias is (11, 3) where (3,) is right",
        ),
        ("row_missing", "Zeros where there should be none", "dense_1/dE_dkernel is zero in 1 of 7 rows"),
        (
            "derivative_wrong",
            "The last layer is right, what lies below it is off",
            "dense_1/kernel, dense_1/bias",
        ),
        (
            "l2_sign",
            "What is off is a multiple of the weights, or of their signs",
            "dense_2/dE_dkernel is the right one − 0.4 times the weights",
        ),
    ],
)
def test_what_is_seen_is_said_with_the_numbers(name: str, heading: str, words: str) -> None:
    assert {s.heading: s.words for s in page_of(name).symptoms}[heading] == words


def test_of_right_gradients_nothing_is_seen() -> None:
    assert symptoms_of(planted(ENTRIES["sign"], wrong=False)) == []
