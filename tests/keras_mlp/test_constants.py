"""A constant as somebody wrote it, as Keras holds it, and as a clone is told to hold it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_mlp import from_keras
from keras_mlp.constants import (
    as_held,
    as_written,
    hold_constants,
    rounded_constants,
    rounds_floats,
    with_held_decay,
)

pytestmark = pytest.mark.skipif(not rounds_floats(), reason="Keras before 3.14 computes with a plain float as it is")

HELD = 0.05000000074505806
R = keras.regularizers


@pytest.mark.parametrize(
    ("constant", "written", "held"),
    [
        (0.05, 0.05, HELD),
        (HELD, 0.05, HELD),  # all that is left of an L1(0.05)
        (tf.constant(0.05), 0.05, HELD),
        (np.float64(0.05), 0.05, 0.05),  # gets past Keras's float32
        (np.float64(HELD), HELD, HELD),
        (0.0625, 0.0625, 0.0625),
        (1 / 3, 1 / 3, float(np.float32(1 / 3))),
    ],
)
def test_written_and_held(constant: Any, written: float, held: float) -> None:
    assert (as_written(constant), as_held(constant)) == (written, held)


@pytest.mark.parametrize("kind", [R.L1, R.L2, lambda c: R.L1L2(c, c), R.OrthogonalRegularizer])
@pytest.mark.parametrize("part", ["kernel_regularizer", "activity_regularizer"])
def test_a_clone_computes_with_either(kind: Any, part: str) -> None:
    def model() -> keras.Model:
        inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, **{part: kind(0.05)}, dtype="float64")])
        return keras.Sequential([keras.Input((2,)), inner])  # nested: its layers have constants, too

    mine, clone = model(), model()
    clone.set_weights(mine.get_weights())
    x, losses = np.random.default_rng(0).normal(size=(4, 2)), []
    for exact in (True, False):
        hold_constants(clone, mine, exact)
        clone(x)
        losses.append(float(sum(clone.losses)))
    assert losses[1] / losses[0] == pytest.approx(HELD / 0.05, rel=1e-14)
    assert rounded_constants(mine) == (HELD,)


def test_what_float32_has_is_no_rounded_constant() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, kernel_regularizer=R.L2(0.25))])
    assert rounded_constants(model) == ()


def test_the_description_has_the_decay_that_keras_holds() -> None:
    layers = [keras.layers.Dense(3, kernel_regularizer=R.L2(0.05)), keras.layers.Dropout(0.1), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    mlp, _ = from_keras(model)
    assert [z.kernel_l2 for z in with_held_decay(mlp, model).layers if hasattr(z, "kernel_l2")] == [HELD, 0.0]
