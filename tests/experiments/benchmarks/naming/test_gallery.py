from __future__ import annotations

import numpy as np
import pytest

from experiments.benchmarks.naming.gallery import NETS, _distance, _table, evaluation
from experiments.frame.study import Settings
from experiments.students.slips import Slip
from gradient_diff import compare


@pytest.mark.parametrize("net", range(len(NETS)))
def test_the_nets_are_evaluated_in_their_own_batch(net: int) -> None:
    found = evaluation(net, Settings())
    assert (found.problem.mlp, found.problem.batch) == NETS[net][:2]


def test_a_line_tells_what_was_planted_what_it_is_named_and_how_far_it_is_off() -> None:
    right = evaluation(0, Settings())
    diff = compare({n: -g for n, g in right.gradients.items()}, right)
    (line,) = _table({"sign": (Slip("sign"), diff)}).frame.to_dict("records")
    assert line == {
        "mistake": "sign",
        "what was done": "the sign is turned round",
        "planted": "sign",
        "on": "7-5-3, mean_squared_error, batch 11",
        "named": "sign",
        "tied with": "derivative_sign",
        "distance": "2.00e+00",
    }


def test_what_is_named_otherwise_would_be_seen() -> None:
    right = evaluation(0, Settings())
    diff = compare({n: 2 * g for n, g in right.gradients.items()}, right)
    (line,) = _table({"sign": (Slip("sign"), diff)}).frame.to_dict("records")
    assert line["named"] != "sign"


def test_where_a_shape_is_another_one_the_two_are_told() -> None:
    right = evaluation(0, Settings()).gradients
    turned = {n: np.transpose(g) if g.shape == (7, 5) else g for n, g in right.items()}
    assert _distance(compare(turned, right, rtol=1e-6)) == "(5, 7) for (7, 5)"
