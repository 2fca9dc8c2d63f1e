"""The part over the whole vocabulary: what it counts, and that it can fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.benchmarks.calibration.vocabulary import both_sides
from experiments.benchmarks.calibration.vocabulary_part import Judged, judged, mode_of, part
from gradient_diff import Status
from manual_mlp import Evaluation
from manual_mlp.extend import GATE, is_gradient

SEEDS = (1003, 1004)  # float32 and float32, eager


@pytest.fixture(scope="module")
def found() -> list[Judged]:
    return [judged(seed) for seed in SEEDS]


def test_every_layer_activation_and_loss_of_a_network_gets_a_row(found: list[Judged]) -> None:
    frame = part(found).tables["Sigma by vocabulary"].frame
    assert set(frame["kind"]) == {"layer", "activation", "loss"}
    assert frame[frame["kind"] == "loss"]["times"].sum() == len(SEEDS)
    assert (frame["largest"] < GATE).all()
    assert (frame["smallest visible change, median"].dropna() > 0).all()
    assert all(part(found).claims.values())


def test_a_wrong_verdict_and_a_slip_that_passes_are_counted(found: list[Judged]) -> None:
    spoilt = part([replace(found[0], wrong=Status.MISMATCH.name), replace(found[1], missed=True)])
    assert list(spoilt.tables["Wrong verdicts"].frame["seed"]) == list(SEEDS)
    assert [holds for text, holds in spoilt.claims.items() if "verdict" in text or "passes" in text] == [False, False]


def test_a_wrong_node_of_the_hand_is_a_wrong_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(seed: int, dtype: str, mode: str) -> tuple[Evaluation, Evaluation]:
        hand, tape = both_sides(seed, dtype, mode)
        node = next(n for n in reversed(hand.nodes) if is_gradient(n) and hand.nodes[n].any())
        return replace(hand, nodes={**hand.nodes, node: hand.nodes[node] * np.float32(1 + 1e-3)}), tape

    monkeypatch.setattr("experiments.benchmarks.calibration.vocabulary_part.both_sides", off)
    assert all(judged(seed).wrong for seed in SEEDS)


def test_every_way_to_run_comes_up() -> None:
    ways = [mode_of(seed) for seed in range(100)]
    assert {way: ways.count(way) for way in np.unique(ways)} == {"eager": 70, "graph": 20, "xla": 10}
