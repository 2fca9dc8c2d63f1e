"""Random networks over the whole vocabulary: every node against the tape, and a wrong entry in each gradient."""

from __future__ import annotations

import pytest

from experiments.benchmarks.calibration.vocabulary import network
from experiments.benchmarks.calibration.vocabulary_part import judged
from experiments.frame.study import Mode
from manual_mlp import LOSSES
from manual_mlp.extend import GATE
from manual_mlp.network.layers.table import LAYERS

QUICK, MANY = 40, 500


def _is_judged_rightly(seed: int, mode: Mode | None = None) -> None:
    found = judged(seed, mode)
    assert not found.wrong, seed
    assert not found.missed, seed
    assert all(seen.distance < GATE for seen in found.seen), seed


@pytest.mark.parametrize("seed", range(QUICK))
def test_every_node_is_the_tapes_and_a_wrong_entry_is_seen(seed: int) -> None:
    _is_judged_rightly(seed, "eager")


@pytest.mark.slow
@pytest.mark.parametrize("block", range((MANY - QUICK) // 20))
def test_five_hundred_of_them(block: int) -> None:
    for seed in range(QUICK + 20 * block, QUICK + 20 * (block + 1)):
        _is_judged_rightly(seed)


def test_the_vocabulary_is_whole() -> None:
    """Every kind of layer and every loss comes up among the five hundred."""
    drawn = [network(seed) for seed in range(MANY)]
    assert {layer.kind for mlp, _ in drawn for layer in mlp.layers} == LAYERS.keys()
    assert {loss.name for _, loss in drawn} == LOSSES.keys()
