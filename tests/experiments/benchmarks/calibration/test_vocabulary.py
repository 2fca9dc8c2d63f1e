"""Random networks over the whole vocabulary: every node against the tape, and a wrong entry in each gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experiments.benchmarks.calibration.vocabulary import both_sides, network
from gradient_diff import Status, compare
from manual_mlp import LOSSES
from manual_mlp.extend import GATE
from manual_mlp.network.layers.table import LAYERS

QUICK, MANY = 40, 500
HARMLESS = {Status.MATCH, Status.KINK, Status.VACUOUS}


def _is_judged_rightly(seed: int, compiled: bool) -> None:
    mode: Any = "xla" if compiled and seed % 10 == 9 else "graph" if seed % 4 == 1 else "eager"
    hand, tape = both_sides(seed, "float32" if seed % 3 else "float64", mode)
    diff = compare(hand, tape)
    assert {row.status for row in diff} <= HARMLESS, str(diff)
    name, gradient = max(hand.gradients.items(), key=lambda item: np.abs(item[1]).max())
    largest = np.unravel_index(np.argmax(np.abs(gradient)), gradient.shape)
    wrong = {n: a.copy() for n, a in hand.gradients.items()}
    wrong[name][largest] *= 1.01
    assert not compare(wrong, tape).ok
    assert all(row.distance is None or row.distance < GATE for row in diff if row.status is Status.MATCH)


@pytest.mark.parametrize("seed", range(QUICK))
def test_every_node_is_the_tapes_and_a_wrong_entry_is_seen(seed: int) -> None:
    _is_judged_rightly(seed, compiled=False)


@pytest.mark.slow
@pytest.mark.parametrize("block", range((MANY - QUICK) // 20))
def test_five_hundred_of_them(block: int) -> None:
    for seed in range(QUICK + 20 * block, QUICK + 20 * (block + 1)):
        _is_judged_rightly(seed, compiled=True)


def test_the_vocabulary_is_whole() -> None:
    """Every kind of layer and every loss comes up among the five hundred."""
    drawn = [network(seed) for seed in range(MANY)]
    assert {layer.kind for mlp, _ in drawn for layer in mlp.layers} == LAYERS.keys()
    assert {loss.name for _, loss in drawn} == LOSSES.keys()
