from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.benchmarks.detection import trials
from experiments.benchmarks.detection.cases import DrawnNet
from experiments.benchmarks.detection.peers.energy import Energy
from experiments.benchmarks.detection.peers.peer import HandAndTape
from experiments.benchmarks.detection.peers.table import PEERS
from experiments.benchmarks.detection.sizes import SHOWS
from experiments.benchmarks.detection.tables import frame_of, our_misses, wrongly_refused
from experiments.benchmarks.detection.trials import Tools, trials_of_correct, trials_of_mistakes
from gradient_diff import compare
from manual_mlp import MLP, Dense

Net = Callable[..., DrawnNet]


@pytest.mark.slow
def test_nothing_is_missed_and_nobody_accused_in_one_network(net: Net, nobody: Tools) -> None:
    s = net()
    frame = frame_of([*trials_of_mistakes(s, nobody, lambda _: False), *trials_of_correct(s, nobody, slow=False)])
    assert our_misses(frame).empty
    assert wrongly_refused(frame).empty
    assert (frame.loc[frame["what"] == "mistake", "sigma"] > SHOWS).mean() > 0.8


@pytest.mark.slow
def test_a_blind_judge_is_noticed(monkeypatch: pytest.MonkeyPatch, net: Net, nobody: Tools) -> None:
    monkeypatch.setattr(trials, "compare", lambda hand, reference, **_: compare(reference, reference))
    frame = frame_of(trials_of_mistakes(net(), nobody, lambda _: False))
    assert len(our_misses(frame)) > 50


def test_a_judge_who_cries_wolf_is_noticed(monkeypatch: pytest.MonkeyPatch, net: Net, nobody: Tools) -> None:
    mlp = MLP(1, [Dense(1)])
    e = mlp.backpropagate(mlp.initialize(0), np.ones((2, 1)), np.zeros((2, 1)), "mse")
    wolf = compare({n: 2 * g for n, g in e.gradients.items()}, e)
    monkeypatch.setattr(trials, "compare", lambda hand, reference, **_: wolf)
    assert len(wrongly_refused(frame_of(trials_of_correct(net(), nobody, slow=False)))) == 4


def test_a_tool_is_asked_for_the_pair(net: Net) -> None:
    drawn = net()
    twice = {name: 2 * gradient for name, gradient in drawn.right.items()}
    tools = Tools({PEERS[0].name: PEERS[0].load()}, {})
    for hand, refused in ((twice, True), (drawn.right, False)):
        asked = HandAndTape(hand, drawn.right, Energy(drawn.problem))
        assert tools.refused(asked, slow=False) == {PEERS[0].name: refused}
