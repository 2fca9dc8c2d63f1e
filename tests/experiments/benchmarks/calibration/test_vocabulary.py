"""Random networks over the whole vocabulary: every node against the tape, and a wrong entry in each gradient."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import numpy as np
import pytest

from experiments.benchmarks.calibration.vocabulary import PENALTIES, both_sides, network
from experiments.benchmarks.calibration.vocabulary_part import judged
from experiments.frame.study import Mode
from gradient_diff import compare
from gradient_diff.noise.network import rounding_noise
from manual_mlp import LOSSES, MLP, evaluation_of, gradient_node
from manual_mlp.extend import GATE, Layer
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


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("times", [0.0, 2.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_penalty_forgotten_or_counted_twice_is_never_right(times: float, dtype: str) -> None:
    """Wherever it moves a gradient by more than twice what rounding explains; which it does in nearly all nets."""
    moved = 0
    penalised = [seed for seed in range(QUICK) if any(layer.penalties for layer in network(seed)[0].layers)]
    for seed in penalised:
        hand, tape = both_sides(seed, dtype, "eager")
        other = MLP(hand.problem.mlp.inputs, [_with_lambdas(layer, times) for layer in hand.problem.mlp.layers])
        wrong = evaluation_of(replace(hand.problem, mlp=other)).gradients
        noise = rounding_noise(hand.problem)
        far = (np.abs(wrong[n] - g) > 2 * noise.tolerance(gradient_node(n)) for n, g in hand.gradients.items())
        if any(entries.any() for entries in far):
            moved += 1
            assert not compare(wrong, tape).ok, seed
    assert len(penalised) > QUICK / 2
    assert moved >= 0.9 * len(penalised)


def _with_lambdas(layer: Layer, times: float) -> Layer:
    """The layer with each λ so many times."""
    names = [field.name for field in fields(layer) if re.search(r"(^|_)l[12]$", field.name)]  # type: ignore[arg-type]
    return replace(layer, **{name: times * getattr(layer, name) for name in names})  # type: ignore[type-var]


def test_the_vocabulary_is_whole() -> None:
    """Every kind of layer and every loss comes up among the five hundred."""
    drawn = [network(seed) for seed in range(MANY)]
    given = {name for mlp, _ in drawn for layer in mlp.layers for name in PENALTIES if getattr(layer, name, 0.0)}
    assert given == set(PENALTIES)
    assert {layer.kind for mlp, _ in drawn for layer in mlp.layers} == LAYERS.keys()
    assert {loss.name for _, loss in drawn} == LOSSES.keys()
