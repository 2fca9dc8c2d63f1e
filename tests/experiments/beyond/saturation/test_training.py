from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from experiments.beyond.saturation import training as study
from experiments.beyond.saturation.pictures import LOGITS, LOST
from experiments.frame.study import Settings
from experiments.support.datasets import digits
from gradient_diff.keras import train_together
from keras_mlp import to_keras
from manual_mlp import Loss
from manual_mlp.equations.loss_record import EPSILON


@pytest.fixture(scope="module")
def start() -> study.Start:
    return study.Start.of(digits(), Settings())


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["eager", "xla"])
def test_from_logits_it_is_the_training_of_both_twins(mode: Literal["eager", "xla"], start: study.Start) -> None:
    """Same start, same batches, same order, same optimizer: what both twins do together is what is done here."""
    mlp = study.small_network(64)
    both = train_together(
        mlp,
        start.parameters,
        start.x,
        start.y,
        Loss("categorical_crossentropy", from_logits=True),
        optimizer=study.STEP,
        epochs=2,
        batch_size=study.BATCH,
        validation_data=(start.x_test, np.eye(10)[start.labels]),
    )
    course = study.train_by_keras(LOGITS, start, 2, Settings(mode=mode))
    for name, array in course.parameters.items():
        np.testing.assert_allclose(array, both.keras.parameters[name], rtol=1e-6)  # 58 steps of float64 rounding
    assert [seen.accuracy for seen in course.looks[1:]] == list(both.keras.accuracy)


def test_a_look_tells_what_the_formulas_say(start: study.Start) -> None:
    mlp = study.small_network(64)
    model = to_keras(mlp, start.parameters)
    u = mlp.predict(start.parameters, start.x)
    log_p = u - u.max(axis=1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    own = (log_p * start.y).sum(axis=1)
    for way in study.WAYS:
        seen = study.look(model, study.WAYS[way], start)
        assert seen.loss == pytest.approx(-own.mean(), rel=1e-12)
        np.testing.assert_allclose(seen.p, np.exp(own), rtol=1e-9, atol=1e-300)
        np.testing.assert_array_equal(seen.lost, own < np.log(EPSILON))
        np.testing.assert_array_equal(seen.right, u.argmax(axis=1) == start.y.argmax(axis=1))
        assert seen.accuracy == (mlp.predict(start.parameters, start.x_test).argmax(axis=1) == start.labels).mean()
        inside = (np.exp(own) >= EPSILON) & (np.exp(own) <= 1 - EPSILON)
        np.testing.assert_array_equal(seen.idle, ~inside if way == LOST else np.zeros(len(own), bool))
