from __future__ import annotations

from experiments.benchmarks.calibration.random_nets import random_net


def test_a_net_is_its_seed_s() -> None:
    first, again = random_net(3), random_net(3)
    assert first.problem.dtype.name == "float32"
    assert (first.words, first.problem.mlp) == (again.words, again.problem.mlp)
    assert random_net(4).words != first.words
