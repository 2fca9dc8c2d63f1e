from __future__ import annotations

import numpy as np

from experiments.article_c_stages.pictures import lit_edges, numbers
from experiments.article_c_stages.stages import Stage


def test_delta_comes_down_the_weights_of_the_next_layer() -> None:
    assert lit_edges(Stage("", (), ("dense_2/dE_dz", "dense_2/dE_du"), "delta", 2)) == 3
    assert lit_edges(Stage("", (), ("dense_3/dE_du",), "delta", 3)) == 0  # that of the output comes from the cost
    assert lit_edges(Stage("", (), (), "gradient", 2)) == 2


def test_numbers_have_four_digits_and_no_exponents() -> None:
    shown = numbers(np.array([[0.5, -0.25], [1e-5, 0.0]]))
    assert shown.splitlines() == ["[[ 0.5000, -0.2500]", " [ 0.0000,  0.0000]]"]
