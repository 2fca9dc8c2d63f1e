from __future__ import annotations

import numpy as np
import pytest

from experiments.benchmarks.naming.gallery import NETS, _draw, evaluation
from experiments.frame.study import Settings
from gradient_diff import compare


@pytest.mark.parametrize("net", range(len(NETS)))
def test_the_nets_are_evaluated_in_their_own_batch(net: int) -> None:
    found = evaluation(net, Settings())
    assert (found.problem.mlp, found.problem.batch) == NETS[net][:2]


def test_a_picture_shows_both_sides_and_the_difference_where_shapes_allow() -> None:
    right = evaluation(0, Settings()).gradients
    off, turned = ({n: change(g) for n, g in right.items()} for change in (lambda g: 2 * g, np.transpose))
    titles = [axes.get_title() for axes in _draw(compare(off, right, rtol=1e-6)).axes]
    assert [title.split()[0] for title in titles if title] == ["hand", "reference", "difference"]
    assert _draw(compare(turned, right, rtol=1e-6)).axes
