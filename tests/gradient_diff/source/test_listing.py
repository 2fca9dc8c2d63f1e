"""The listing says what is true: one number or sample by its index, many in general, a mask never by chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradient_diff import compare
from gradient_diff.source.known import Known
from manual_mlp import MLP, Dense
from tests.gradient_diff.source.test_run_again import evaluation, two_layers, written

__all__ = ["written"]  # a fixture


def listed(function: Callable[..., Any], line: int, **asked: Any) -> str:
    return str(compare(function, evaluation(**asked), trace=True).code.listing[line])


def test_one_number_has_its_index(written: Callable[..., Any]) -> None:
    assert listed(written(two_layers("w = p['dense_1/kernel'][1, 2]", slope="1 - z**2")), 3) == "W of dense_1[1, 2]"


def test_many_numbers_are_one(written: Callable[..., Any]) -> None:
    loop = "w = [float(v) for v in p['dense_1/kernel'][:, 1]]"
    assert listed(written(two_layers(loop, slope="1 - z**2")), 3) == "W of dense_1, entry by entry"


def test_one_sample_is_that_one_and_many_are_one(written: Callable[..., Any]) -> None:
    assert listed(written(two_layers("first = x[0]", slope="1 - z**2")), 3) == "x (sample 0)"
    assert (
        listed(written(two_layers("rows = [x[i] for i in range(len(x))]", slope="1 - z**2")), 3)
        == "x, sample by sample"
    )


def test_what_is_said_in_brackets_stays() -> None:
    """`(1 − y) / (1 − z)` was cut at its second bracket."""
    rng = np.random.default_rng(0)
    mlp = MLP(3, [Dense(2, "sigmoid")])
    problem = mlp.backpropagate(mlp.initialize(rng), rng.normal(size=(4, 3)), rng.random((4, 2)), "bce").problem
    known = Known(problem)
    piece = known.by_node["dense_1/(1 − y) / (1 − z)"]
    name = known.recognise(piece.array[1])
    assert name is not None
    assert name.of_all == "(1 − y) / (1 − z) of dense_1"


def test_the_other_half_of_a_mask_is_no_f_prime() -> None:
    """Its rows are, by chance, those of other samples."""
    known = Known(evaluation(8, "relu").problem)
    mask = known.by_node["dense_1/f′"].array.astype(bool)
    rows = mask[[1, 0, 0, 1, 1]]
    assert known.recognise(mask) is not None
    assert known.recognise(rows) is None
    assert known.recognise(mask[:3]) is not None
