from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from rich.progress import Progress

from experiments.beyond.vanishing import training as study
from experiments.beyond.vanishing.nets import BATCH, LOSS, deep_network
from experiments.beyond.vanishing.pictures import by_training
from experiments.frame.study import Settings
from experiments.support.datasets import digits
from manual_mlp import train

DEPTH = 20
Courses = dict[str, study.DeepTraining]


@pytest.fixture(scope="module")
def courses() -> Courses:
    """Two epochs of another seed than that of the run which the other tests read."""
    with Progress(disable=True) as bars:
        return {name: study.train_deep(digits(), DEPTH, name, Settings(seed=1, epochs=2), bars) for name in study.RUNS}


@pytest.fixture(scope="module")
def bound() -> float:
    return study.entropy(digits().labels())


def failing(courses: Courses, bound: float) -> list[str]:
    return [claim for claim, holds in study.claims(courses, bound).items() if not holds]


def test_all_claims_hold_for_another_seed_and_few_epochs(courses: Courses, bound: float) -> None:
    assert len(study.claims(courses, bound)) == 7
    assert failing(courses, bound) == []


def test_a_look_is_the_gradient_of_the_weights_of_that_epoch(courses: Courses) -> None:
    data = digits()
    x, y, mlp = data.images(), data.one_hot(), deep_network(64, DEPTH, "tanh")
    start = mlp.initialize(1, "glorot_uniform")
    end, _ = train(mlp, start, x, y, LOSS, optimizer=study.USUAL, epochs=2, batch_size=BATCH, seed=1)
    course, name = courses[study.TANH], "dense_1/kernel"
    assert list(course.looks) == [0, 1, 2]
    for epoch, weights in ((0, start), (2, end)):
        expected = mlp.backpropagate(weights, x[:BATCH], y[:BATCH], LOSS).gradients[name]
        np.testing.assert_array_equal(course.looks[epoch].gradients[name], expected)
    ratio = np.linalg.norm(end[name] - start[name]) / np.linalg.norm(start[name])
    assert course.moved(2)[0] == pytest.approx(ratio, rel=1e-12)
    assert course.moved(0) == [0.0] * (DEPTH + 1)
    assert course.moved(1)[0] not in (0.0, course.moved(2)[0])  # halfway is neither end: no live view was kept


def test_loss_and_spread_are_those_of_all_training_images(courses: Courses) -> None:
    data, course = digits(), courses[study.TANH]
    mlp, weights = deep_network(64, DEPTH, "tanh"), course.looks[2].problem.parameters
    whole = mlp.backpropagate(weights, data.images(), data.one_hot(), LOSS)
    assert course.loss == pytest.approx(whole.loss, rel=1e-12)
    z = whole.nodes[f"dense_{DEPTH + 1}/z"]
    assert course.spread == pytest.approx(float((z.max(axis=0) - z.min(axis=0)).max()), rel=1e-12)
    right = mlp.predict(weights, data.images("test")).argmax(axis=1) == data.labels("test")
    assert course.accuracy == right.mean()


def test_one_look_less_where_one_epoch_has_no_middle(progress: Progress) -> None:
    course = study.train_deep(digits(), 2, study.RELU, Settings(epochs=1), progress)
    assert (list(course.looks), course.last) == ([0, 1], 1)


def test_after_one_epoch_nothing_is_promised_of_relu(courses: Courses, bound: float) -> None:
    short = dataclasses.replace(courses[study.RELU], looks={0: courses[study.RELU].looks[0]})
    assert len(study.claims({**courses, study.RELU: short}, bound)) == 6


def test_no_answer_that_is_the_same_for_all_is_better_than_the_frequencies(bound: float) -> None:
    shares = np.bincount(digits().labels()) / len(digits().labels())
    assert bound == pytest.approx(-float(np.log(shares) @ shares), rel=1e-12)
    others = np.random.default_rng(0).dirichlet(np.ones(10), size=1000)
    assert (-(np.log(others) @ shares) > bound).all()


@pytest.mark.parametrize(
    ("swapped", "words"),
    [
        ({study.PLAIN: study.TANH}, ["within 1e-09", "not below the entropy"]),
        ({study.ADAM: study.TANH}, ["within 1e-09", "not below", "more than 1000 times as far with tanh", "Keras's ε"]),
        ({study.SMALL_EPSILON: study.ADAM}, ["more than 1000 times as far as with Keras's ε"]),
        ({study.SMALL_EPSILON: study.TANH}, ["even then its E stays above"]),
        ({study.TANH: study.ADAM}, ["tanh brings E below", "as far with tanh", "even then its E stays above"]),
        ({study.RELU: study.ADAM}, ["ReLU brings E below it, too"]),
    ],
)
def test_each_claim_fails_where_the_trainings_are_others(
    swapped: dict[str, str], words: list[str], courses: Courses, bound: float
) -> None:
    failed = failing({**courses, **{name: courses[other] for name, other in swapped.items()}}, bound)
    assert len(failed) == len(words)
    assert all(word in claim for word, claim in zip(words, failed, strict=True))


@pytest.mark.slow
def test_a_part_of_one_epoch(progress: Progress) -> None:
    part = study.training_part(digits(), DEPTH, Settings(epochs=1), progress)
    assert all(part.claims.values())
    assert all(comparison.as_expected for comparison in part.comparisons.values())
    assert len(part.comparisons) == len(study.RUNS)
    assert "for 1 epoch in batches" in part.paragraphs[0]
    frame = part.tables["Gradients and kernels along the training"].frame
    assert len(frame) == len(study.RUNS) * 2 * (DEPTH + 1)
    before, after, _, moved = by_training(frame).axes
    assert [len(axes.lines) for axes in (before, after, moved)] == [5, 5, 5]
    tanh = frame[(frame["network"] == study.TANH) & (frame["epoch"] == 1)]
    np.testing.assert_allclose(moved.lines[3].get_ydata(), tanh["moved"])
    np.testing.assert_allclose(after.lines[3].get_ydata(), tanh["‖dE/dW‖"])


def test_how_long_is_trained() -> None:
    assert study.epochs_of(Settings(), "digits") == 40
    assert study.epochs_of(Settings(full=True), "mnist") == 5
    assert study.epochs_of(Settings(epochs=3), "") == 3
