from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from experiments.benchmarks.detection import cases
from experiments.benchmarks.detection.cases import TARGETS, UNCHANGED, DrawnNet
from experiments.benchmarks.detection.sharpness import power, smallest_of
from experiments.benchmarks.detection.tables import frame_of
from experiments.benchmarks.detection.trials import US, Asked, Tools, trials_of_scaling

Net = Callable[..., DrawnNet]
Make = Callable[..., Asked]


def test_the_smallest_error_seen_is_unbroken_and_needs_the_right_gradient_accepted(asked: Make) -> None:
    said = {1e-1: True, 1e-2: True, 1e-3: False, 1e-4: True}
    tries = [asked("scaled", refused, id=t, epsilon=e) for t in TARGETS for e, refused in said.items()]
    unchanged = asked("scaled", False, sigma=0.0, id=UNCHANGED)
    assert set(smallest_of(frame_of([unchanged, *tries]), US)["smallest"]) == {1e-2}
    always = replace(unchanged, refused={US: True})
    assert smallest_of(frame_of([always, *tries]), US).empty


def test_an_error_of_1e_11_is_seen_in_float64_and_one_of_1e_17_by_nobody(
    monkeypatch: pytest.MonkeyPatch, net: Net, nobody: Tools
) -> None:
    monkeypatch.setattr(cases, "EPSILONS", (1e-1, 1e-11, 1e-17))
    frame = frame_of(trials_of_scaling(net(), nobody, slow=False))
    assert set(smallest_of(frame, US)["smallest"]) == {1e-11}


def test_an_epsilon_as_text() -> None:
    assert [power(e) for e in (1e-12, np.inf, np.nan)] == ["1e-12", "none", "—"]
