from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.benchmarks.detection.cases import TARGETS, UNCHANGED, DrawnNet, correct, mistakes, scale_right
from experiments.benchmarks.detection.nets import draw_normalised
from experiments.benchmarks.detection.study import settings_of_mistakes
from experiments.frame.study import Settings
from gradient_diff import MISTAKES
from manual_mlp import Evaluation

Net = Callable[..., DrawnNet]


OF_PENALTIES = {name for name in MISTAKES if name.startswith(("l1_", "activity_"))} | {"l2_as_l1"}
"""Nine mistakes that need a penalty which no network of the study has; `test_penalties` and the gallery plant them."""


def test_every_mistake_that_applies_is_planted() -> None:
    planted = {fault.id for s in settings_of_mistakes(Settings()) for fault in mistakes(s)}
    assert len(OF_PENALTIES) == 9
    assert MISTAKES.keys() - OF_PENALTIES <= planted


@pytest.mark.parametrize("number", range(8))
def test_those_who_are_right_are_right(number: int, net: Net) -> None:
    s = net(number)
    for who, hand in correct(s):
        gradients = hand.gradients if isinstance(hand, Evaluation) else hand
        assert all(
            np.allclose(gradients[n], np.asarray(g, float), rtol=1e-9, atol=1e-12) for n, g in s.exact.items()
        ), who


@pytest.mark.parametrize("number", [0, 1, 2, 3, 8, 9, 12])  # over the units, and from 8 on over the batch
@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_those_who_normalise_rightly_are_right(number: int, scale: float) -> None:
    s = DrawnNet(number, draw_normalised(number, "float64", scale))
    derived = dict(correct(s))
    assert list(derived) == ["engine", "student", "batch in another order"]
    for who, hand in derived.items():
        gradients = hand.gradients if isinstance(hand, Evaluation) else hand
        for name, g in s.exact.items():
            width = 1e-9 * max(float(np.abs(a).max()) for a in s.exact.values())
            assert np.abs(gradients[name] - np.asarray(g, float)).max() <= width, (who, name)


def test_scaling_touches_what_it_says(net: Net) -> None:
    s, changed = net(), {}
    for fault in scale_right(s):
        if fault.epsilon == 0.1:
            (name,) = [n for n, g in fault.hand.items() if not np.array_equal(g, s.right[n])]
            changed[fault.id] = fault.hand[name] != s.right[name]
            np.testing.assert_allclose(
                np.asarray(fault.effect[name], float)[changed[fault.id]], 0.1 * s.right[name][changed[fault.id]]
            )
    rows, columns = changed["one row"].any(axis=1).sum(), changed["one column"].any(axis=0).sum()
    assert (changed["one entry"].sum(), rows, columns) == (1, 1, 1)
    assert list(changed) == list(TARGETS)


def test_what_is_scaled_is_shown_unchanged_first(net: Net) -> None:
    faults = list(scale_right(net(1)))
    assert (faults[0].words, faults[0].epsilon) == (UNCHANGED, 0)
    assert len(faults) == 57


def test_who_derives_rightly(net: Net) -> None:
    assert [who for who, _ in correct(net(0, "float32"))] == [
        "engine",
        "student",
        "batch in another order",
        "sample by sample",
    ]
