from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from rich.progress import Progress

from experiments.frame.study import Settings
from experiments.support.watched_training import Task, look_epochs, train_watched
from manual_mlp import MLP, Dense, train

MLP_ = MLP(3, [Dense(4, "tanh"), Dense(2)])


def task(epochs: int) -> Task:
    rng = np.random.default_rng(0)
    return Task(MLP_, rng.normal(size=(30, 3)), rng.normal(size=(30, 2)), "mse", 0.1, epochs, 7, looked_at=11)


def test_the_looks_are_evenly_spread() -> None:
    assert look_epochs(60) == [12, 24, 36, 48, 60]


@pytest.mark.parametrize("epochs", [1, 2, 5, 6, 60, 1000])
def test_the_last_epoch_is_looked_at_and_few_others(epochs: int) -> None:
    looks = look_epochs(epochs)
    assert looks[-1] == epochs
    assert looks == sorted(set(looks))
    assert 1 <= len(looks) <= 5


def test_it_is_the_training_of_train(progress: Progress) -> None:
    start = MLP_.initialize(1)
    plan = task(4)
    mine = train_watched(plan, start, Settings(seed=5), progress, "")
    theirs, history = train(MLP_, start, plan.x, plan.y, "mse", learning_rate=0.1, epochs=4, batch_size=7, seed=5)
    assert all(np.array_equal(mine.course.parameters[name], theirs[name]) for name in theirs)
    assert list(mine.course.losses.values()) == history.loss
    assert mine.course.seconds > 0


def test_what_is_kept_is_what_a_shorter_training_ends_with(progress: Progress) -> None:
    start, kept = MLP_.initialize(1), train_watched(task(4), MLP_.initialize(1), Settings(), progress, "").course.kept
    assert sorted(kept) == [0, *look_epochs(4)]
    for epochs in (1, 3):
        short = train_watched(task(epochs), start, Settings(), progress, "").course.parameters
        assert all(np.array_equal(short[name], array) for name, array in kept[epochs].items())


def test_what_is_kept_is_of_its_own_epoch(progress: Progress) -> None:
    mine = train_watched(task(4), MLP_.initialize(1), Settings(), progress, "")
    for epoch, (hand, _) in mine.pairs.items():
        assert np.array_equal(hand.problem.parameters["dense_1/kernel"], mine.course.kept[epoch]["dense_1/kernel"])
        assert hand.problem.batch == 11
    kernels = [kept["dense_1/kernel"] for kept in mine.course.kept.values()]
    assert all(not np.array_equal(a, b) for a, b in pairwise(kernels))


def test_a_disagreement_is_told(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.support import watched_training

    right = watched_training.backpropagate

    def other(model: object, x: np.ndarray, y: np.ndarray, loss: str, mode: str) -> object:
        return right(model, x, y * 1.001, loss, mode)  # type: ignore[arg-type]  # as it is called

    monkeypatch.setattr(watched_training, "backpropagate", other)
    with pytest.raises(ValueError, match="different problems: y differ"):
        train_watched(task(1), MLP_.initialize(1), Settings(), progress, "")
