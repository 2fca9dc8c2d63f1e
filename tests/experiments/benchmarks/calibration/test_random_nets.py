from __future__ import annotations

import subprocess
import sys

from experiments import CHECKOUT
from experiments.benchmarks.calibration.random_nets import random_net


def test_a_net_is_its_seed_s() -> None:
    first, again = random_net(3), random_net(3)
    assert first.problem.dtype.name == "float32"
    assert (first.words, first.problem.mlp) == (again.words, again.problem.mlp)
    assert random_net(4).words != first.words


def test_a_process_may_begin_with_a_net_of_16_bits() -> None:
    """A sweep's process begins with any of them, and NumPy alone does not know bfloat16."""
    program = (
        "from experiments.benchmarks.calibration import random_nets as nets; print(nets.random_net(0, 'bfloat16', 1e4))"
    )
    command = [sys.executable, "-c", program]
    assert "bfloat16" in subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout
