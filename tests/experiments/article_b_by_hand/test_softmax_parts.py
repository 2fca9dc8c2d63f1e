from __future__ import annotations

import numpy as np

from experiments.article_b_by_hand.softmax_parts import naive_softmax, numbers


def test_printed_numbers_are_read() -> None:
    assert numbers("[0.3, 2.9]") == [0.3, 2.9]


def test_the_plain_formula_overflows() -> None:
    np.testing.assert_array_equal(naive_softmax(np.array([1010.0, 1000.0, 0.0])), [np.nan, np.nan, 0])
    np.testing.assert_allclose(naive_softmax(np.array([0.0, np.log(3.0)])), [0.25, 0.75])
