from __future__ import annotations

import numpy as np
from rich.progress import Progress

from experiments.article_a_sine.training import SineTraining, one_ulp_beside, sine_network
from experiments.frame.study import Settings


def test_what_is_kept_and_recorded_of_a_short_training(progress: Progress) -> None:
    training = SineTraining(Settings(), progress, steps=4, every=2)
    for run in (training.published, training.derived, training.beside):
        assert sorted(run.kept) == [0, 2, 4]
        assert sorted(run.losses) == [1, 2, 3, 4]
    assert round(training.derived.losses[1], 4) == 26.8919


def test_the_network_is_the_article_s() -> None:
    assert [layer.activation for layer in sine_network().layers] == ["sigmoid"] * 3 + ["linear"]
    assert sine_network().units == (5, 5, 5, 1)


def test_one_ulp_beside_is_the_next_number() -> None:
    start = {"dense_1/kernel": np.array([1.0]), "dense_1/bias": np.array([1.0])}
    beside = one_ulp_beside(start)
    assert beside["dense_1/kernel"] - 1 == 2.0**-52
    assert beside["dense_1/bias"] is start["dense_1/bias"]
