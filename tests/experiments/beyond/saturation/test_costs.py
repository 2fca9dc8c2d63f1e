from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.progress import Progress

from experiments.beyond.saturation import costs as study
from experiments.beyond.saturation import training as saturation_training
from experiments.beyond.saturation.pictures import LOGITS, LOST
from experiments.beyond.saturation.training import (
    WAYS,
    KerasTraining,
    Start,
    from_logits,
    from_probabilities,
    small_network,
    train_by_keras,
)
from experiments.frame.study import Part, Settings
from experiments.support.datasets import digits
from gradient_diff import Status


@pytest.fixture(scope="module")
def start() -> Start:
    return Start.of(digits(), Settings())


def as_expected(part: Part) -> bool:
    return all(part.claims.values()) and all(c.as_expected for c in part.comparisons.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "dtype", "of_the_clipped"),
    [(1, "float32", Status.MATCH), (3, "float64", Status.MATCH), (4, "float64", Status.VACUOUS)],
)
def test_one_epoch_is_enough_to_tell(seed: int, dtype: str, of_the_clipped: Status, progress: Progress) -> None:
    part = study.training_part(digits(), Settings(dtype, seed=seed, epochs=1), progress)
    assert as_expected(part)
    verdicts = [c.diff.verdict for c in part.comparisons.values()]
    assert verdicts == [Status.MATCH, Status.REFERENCE_OFF, of_the_clipped]
    assert "for 1 epoch:" in part.paragraphs[0]


@pytest.mark.slow
def test_where_no_image_is_certain_and_wrong_keras_is_not_accused(
    monkeypatch: pytest.MonkeyPatch, progress: Progress
) -> None:
    monkeypatch.setattr(saturation_training, "FACTOR", 1.0)
    part = study.training_part(digits(), Settings(epochs=1), progress)
    assert [c.diff.verdict for c in part.comparisons.values()] == [Status.MATCH, Status.MATCH]
    assert not part.claims["after every epoch fewer images are certain and wrong from logits, and E is smaller"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "value", "broken"),
    [(LOST, from_logits, [1, 2]), (LOGITS, from_probabilities, [0, 2])],
)
def test_a_way_that_is_the_other_one_would_be_seen(
    way: str, value: Callable[[Any, Any], Any], broken: list[int], monkeypatch: pytest.MonkeyPatch, progress: Progress
) -> None:
    monkeypatch.setitem(WAYS, way, value)
    claims = study.training_part(digits(), Settings(epochs=1), progress).claims
    assert [number for number, holds in enumerate(claims.values()) if not holds] == broken


@pytest.mark.slow
def test_the_number_of_epochs(monkeypatch: pytest.MonkeyPatch, progress: Progress) -> None:
    monkeypatch.setattr(study, "EPOCHS", 2)
    monkeypatch.setattr(study, "FULL", 3)
    for settings, epochs in ((Settings(), 2), (Settings(full=True), 3), (Settings(full=True, epochs=1), 1)):
        part = study.training_part(digits(), settings, progress)
        assert list(part.tables[study.TABLE].frame["epoch"]) == [e for e in range(epochs + 1) for _ in WAYS]


@pytest.mark.slow
def test_the_text_tells_the_last_row_and_the_classes_given_up(start: Start, progress: Progress) -> None:
    settings = Settings(epochs=1)
    part = study.training_part(digits(), settings, progress)
    last = part.tables[study.TABLE].frame.set_index(["epoch", "trained"]).loc[1]
    course = train_by_keras(LOST, start, 1, settings)
    u = small_network(64).predict(course.parameters, start.x)
    own = start.y.argmax(axis=1)
    given_up = sum(not (u[own == k].argmax(axis=1) == k).any() for k in range(10))
    assert given_up > 0
    for words in (
        f"At the end {100 * last.loc[LOST, 'certain and wrong']:.1f} % of the images",
        f"{given_up} of the ten classes",
        f"Accuracy is {100 * last.loc[LOST, 'accuracy']:.1f} %",
        f"from logits {100 * last.loc[LOGITS, 'accuracy']:.1f} %.",
    ):
        assert words in part.paragraphs[2]


def test_an_image_on_whose_clip_the_two_sides_disagree_is_left_out(start: Start) -> None:
    course = train_by_keras(LOST, start, 0, Settings())
    (seen,) = course.looks
    inside = np.flatnonzero(~seen.outside)[0]
    for number, p in ((inside, 1.0), (np.flatnonzero(seen.outside)[0], 0.5)):
        flipped = seen.p.copy()
        flipped[number] = p
        doubtful = KerasTraining((replace(seen, p=flipped),), course.parameters)
        np.testing.assert_array_equal(study.settled(start, doubtful), np.delete(np.arange(study.COMPARED), number))


def test_an_image_that_float64_alone_clips_is_left_out(start: Start) -> None:
    """1 − p is 0.95e-7, which float32 rounds to two of its steps: just the edge of its clip, and not beyond it."""
    shapes = small_network(64).parameter_shapes
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    weights["dense_2/bias"][:] = [np.log(1 / 0.95e-7), 0, *[-1000] * 8]
    one = replace(start, parameters=weights, x=start.x[:1].astype(np.float32), y=np.eye(10, dtype=np.float32)[:1])
    course = train_by_keras(LOST, one, 0, Settings("float32"))
    assert not course.looks[0].outside.any()
    assert study.settled(one, course).size == 0
