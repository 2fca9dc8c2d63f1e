"""Random networks over all activations and losses, every node against the tape: no wrong verdict."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.benchmarks.calibration.vocabulary import WORDS, worded_net
from gradient_diff import Status, compare
from keras_mlp import backpropagate, to_keras
from manual_mlp import LOSSES, evaluation_of

RIGHT = (Status.MATCH, Status.VACUOUS, Status.KINK, Status.NONFINITE)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(20))
def test_a_right_derivation_is_right_and_a_thousandth_is_seen(seed: int, dtype: str) -> None:
    net = worded_net(seed, dtype)
    problem = net.problem
    with np.errstate(all="ignore"):  # an exponential of an exponential
        hand = evaluation_of(problem)
        tape = backpropagate(to_keras(problem.mlp, problem.parameters, dtype), problem.x, problem.y, problem.loss)
        diff = compare(hand, tape)
    assert diff.verdict in RIGHT, f"{net.words}\n{diff}"
    last = f"{[n for n in problem.parameters if n.endswith('kernel')][-1]}"
    gradient = hand.gradients[last]
    if diff.verdict is Status.MATCH and np.abs(gradient).max() > 1e-6:
        wrong = {**hand.gradients, last: (gradient * 1.01).astype(dtype)}
        assert compare(wrong, tape).verdict in (Status.MISMATCH, Status.INCONCLUSIVE)


def test_every_word_occurs() -> None:
    nets = [worded_net(seed).problem for seed in range(400)]
    assert {layer.activation for p in nets for layer in p.mlp.layers} >= {w for w in WORDS if "(" not in w}
    assert {p.loss.name for p in nets} == set(LOSSES)
