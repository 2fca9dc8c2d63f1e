"""Rounding as draws measure it: what gives no numbers says nothing, and is no rounding of zero."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from gradient_diff.keras.gradients.measured import Measured
from manual_mlp.extend import LOSS

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)).astype("f4"), RNG.normal(size=(6, 2)).astype("f4")


def _model() -> keras.Model:
    keras.utils.set_random_seed(1)
    bent = keras.layers.Dense(3, "tanh"), keras.layers.UnitNormalization()  # which has no equations
    return keras.Sequential([keras.Input((4,)), *bent, keras.layers.Dense(2)])


def _looks_away(y: Any, p: Any) -> Any:
    """The squared error of the targets that are numbers."""
    known = tf.math.is_finite(y)
    return tf.where(known, tf.square(p - tf.where(known, y, 0.0)), 0.0)


def _taped(model: keras.Model, y: Any) -> list[Any]:
    with tf.GradientTape() as tape:
        e = tf.reduce_mean(_looks_away(y, model(X, training=True)))
    return list(tape.gradient(e, model.trainable_variables))


def test_targets_may_hold_nan_where_the_loss_looks_away() -> None:
    model, y = _model(), Y.copy()
    y[2, 1] = np.nan
    mine = _taped(model, y)
    assert check_gradients(model, X, y, mine, loss=_looks_away).verdict is Status.MATCH
    assert check_gradients(model, X, y, [2 * g for g in mine], loss=_looks_away).verdict is Status.MISMATCH


def test_of_an_e_that_is_nan_through_the_data_nothing_can_be_asked() -> None:
    model, x = _model(), X.copy()
    x[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"^E of .* is nan, and the data hold values that are NaN or Inf\. Clean"):
        check_gradients(model, x, Y, _taped(model, Y), loss="mse")


@pytest.mark.parametrize("lost", ["the loss", "everything"])
def test_what_no_draw_gives_is_left_open_and_never_convicted(lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An E that overflows in half precision says nothing of the rounding of gradients that do not."""
    pairs = Measured._pairs  # noqa: SLF001  (what the draws gave)

    def overflown(self: Measured, dtype: str) -> Any:
        nothing = {n: np.full_like(a, np.inf) for n, a in self.first.gradients.items()}
        return [
            (replace(c, loss=np.inf, gradients=nothing if lost == "everything" else c.gradients), r)
            for c, r in pairs(self, dtype)
        ]

    monkeypatch.setattr(Measured, "_pairs", overflown)
    model = _model()
    order = np.random.default_rng(1).permutation(6)
    with tf.GradientTape() as tape:  # right, in another order of the sums
        e = tf.reduce_mean(tf.square(model(X[order], training=True) - Y[order]))
    mine = [np.asarray(g) for g in tape.gradient(e, model.trainable_variables)]
    verdict = check_gradients(model, X, Y, mine, loss="mse").verdict
    assert verdict is (Status.MATCH if lost == "the loss" else Status.INCONCLUSIVE)
    noise = _noise(model)
    assert LOSS not in noise.sigma
    assert (len(noise.sigma) == 4) == (lost == "the loss")


def _noise(model: keras.Model) -> Any:
    from gradient_diff.keras.gradients.data import Data
    from gradient_diff.keras.gradients.loss.resolving import resolve_loss
    from gradient_diff.keras.gradients.objective import Objective
    from keras_mlp import named_weights

    objective = Objective(model, resolve_loss("mse", model), Data.of(model, X, Y), True)
    measured = Measured(objective, tuple(named_weights(model)), "eager")
    return measured.noise(measured.first.gradients)
