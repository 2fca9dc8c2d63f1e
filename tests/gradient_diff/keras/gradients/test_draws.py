"""Whatever draws in training draws the same again in a check: the hand's pass, the float64 run and the rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from keras_mlp import Mode
from manual_mlp import Array

pytestmark = [pytest.mark.usefixtures("unnamed"), pytest.mark.matrix]

RNG = np.random.default_rng(0)
FLAT, STEPS, IMAGES = (RNG.normal(size=(5, *shape)).astype("f4") for shape in ((4,), (4, 3), (6, 6, 2)))
Y = RNG.normal(size=(5, 2)).astype("f4")
LAYERS = keras.layers
RATE: dict[str, Any] = {"rate": 0.4, "seed": 3}
RECURRENT: dict[str, Any] = {"units": 3, "dropout": 0.3, "recurrent_dropout": 0.3, "seed": 3}


def _attending() -> keras.Model:
    inputs = keras.Input((4, 3))
    attended = LAYERS.MultiHeadAttention(2, 2, dropout=0.4, seed=3)(inputs, inputs)
    return keras.Model(inputs, LAYERS.Dense(2)(LAYERS.Flatten()(attended)))


def _chain(*layers: Callable[[], keras.layers.Layer]) -> Callable[[Array], keras.Model]:
    return lambda x: keras.Sequential(
        [keras.Input(x.shape[1:]), *(make() for make in layers), LAYERS.Flatten(), LAYERS.Dense(2)]
    )


def _dense() -> keras.layers.Layer:
    return LAYERS.Dense(3, "tanh")


def _conv() -> keras.layers.Layer:
    return LAYERS.Conv2D(3, 3, activation="sigmoid")


DRAWN: dict[str, tuple[Array, Callable[[Array], keras.Model]]] = {
    "Dropout": (FLAT, _chain(_dense, lambda: LAYERS.Dropout(**RATE))),
    "SpatialDropout1D": (STEPS, _chain(_dense, lambda: LAYERS.SpatialDropout1D(**RATE))),
    "SpatialDropout2D": (IMAGES, _chain(_conv, lambda: LAYERS.SpatialDropout2D(**RATE))),
    "AlphaDropout": (FLAT, _chain(_dense, lambda: LAYERS.AlphaDropout(**RATE))),
    "GaussianDropout": (FLAT, _chain(_dense, lambda: LAYERS.GaussianDropout(**RATE))),
    "GaussianNoise": (FLAT, _chain(_dense, lambda: LAYERS.GaussianNoise(0.4, seed=3))),
    "two that draw": (FLAT, _chain(_dense, lambda: LAYERS.GaussianNoise(0.4), lambda: LAYERS.Dropout(**RATE))),
    "SimpleRNN": (STEPS, _chain(lambda: LAYERS.SimpleRNN(**RECURRENT))),
    "MultiHeadAttention": (STEPS, lambda _: _attending()),
    "RandomFlip": (IMAGES, _chain(_conv, lambda: LAYERS.RandomFlip(seed=3))),
    "RandomRotation": (IMAGES, _chain(_conv, lambda: LAYERS.RandomRotation(0.2, seed=3))),
    "RandomContrast": (IMAGES, _chain(_conv, lambda: LAYERS.RandomContrast(0.4, (0, 1), seed=3))),
    "LSTM": (STEPS, _chain(lambda: LAYERS.LSTM(**RECURRENT))),
    "GRU": (STEPS, _chain(lambda: LAYERS.GRU(**RECURRENT))),
}
SLOW = ("LSTM", "GRU", "MultiHeadAttention")
QUICK = [(kind, mode) for kind in DRAWN if kind not in SLOW for mode in ("eager", "graph")]
NO_KERNEL = ("RandomRotation", "xla")  # TensorFlow has none that XLA could compile
LONG = [
    *((kind, "xla") for kind in DRAWN if (kind, "xla") != NO_KERNEL),
    *((kind, mode) for kind in SLOW for mode in ("eager", "graph")),
]


def _next_pass(model: keras.Model, x: Array, mode: Mode) -> list[Array]:
    """The gradients by a tape of the caller's own, of the pass that comes next and still does afterwards."""

    def gradients() -> list[Any]:
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(tf.square(model(x, training=True) - Y))
        found: list[Any] = tape.gradient(value, [w.value for w in model.trainable_weights])
        return found

    before = [v.numpy() for v in model.variables]
    run = gradients if mode == "eager" else tf.function(gradients, jit_compile=mode == "xla")
    found = [g.numpy() for g in run()]
    for variable, array in zip(model.variables, before, strict=True):
        variable.assign(array)
    return found


def _check(kind: str, mode: Mode) -> None:
    x, make = DRAWN[kind]
    keras.utils.set_random_seed(1)
    model = make(x)
    mine = _next_pass(model, x, mode)
    state = [v.numpy() for v in model.variables]
    assert check_gradients(model, x, Y, mine, loss="mse", mode=mode).ok
    if mode == "eager":
        off = [np.float32(1.001) * g for g in mine]
        assert check_gradients(model, x, Y, off, loss="mse", mode=mode).verdict is Status.MISMATCH
    assert all(np.array_equal(v.numpy(), before) for v, before in zip(model.variables, state, strict=True))


@pytest.mark.matrix(most=4)
@pytest.mark.parametrize(("kind", "mode"), QUICK)
def test_the_pass_that_comes_next_matches(kind: str, mode: Mode) -> None:
    _check(kind, mode)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "mode"), LONG)
def test_the_pass_that_comes_next_matches_compiled_and_in_long_loops(kind: str, mode: Mode) -> None:
    _check(kind, mode)


BY_HAND: dict[str, Callable[[], keras.layers.Layer]] = {
    "Dropout": lambda: LAYERS.Dropout(**RATE),
    "GaussianDropout": lambda: LAYERS.GaussianDropout(**RATE),
    "GaussianNoise": lambda: LAYERS.GaussianNoise(0.4, seed=3),
}


@pytest.mark.parametrize("hand", ["float32", "float64"])
@pytest.mark.parametrize("kind", BY_HAND)
def test_a_derivation_on_what_another_layer_of_that_seed_draws(kind: str, hand: str) -> None:
    """z ⊙ m + a, with m and a read from a new layer of the same seed: backwards dz = m ⊙ d."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, LAYERS.Dense(2)(BY_HAND[kind]()(_dense()(inputs))))
    a, m = (BY_HAND[kind]()(np.full((5, 3), v, "f4"), training=True).numpy().astype(float) for v in (0, 1))
    m = np.ones_like(m) if kind == "GaussianNoise" else m
    w1, b1, w2, b2 = (w.numpy().astype(float) for w in model.trainable_weights)
    x, z = FLAT.astype(float), np.tanh(FLAT.astype(float) @ w1 + b1)
    d2 = 2 * ((z * m + a) @ w2 + b2 - Y) / Y.size

    def mine(back: Array) -> list[Array]:
        d1 = d2 @ w2.T * back * (1 - z * z)
        return [g.astype(hand) for g in (x.T @ d1, d1.sum(0), (z * m + a).T @ d2, d2.sum(0))]

    assert check_gradients(model, FLAT, Y, mine(m), loss="mse").ok
    diff = check_gradients(model, FLAT, Y, mine(1.01 * m), loss="mse")
    assert [row.status for row in diff.rows] == [Status.MATCH] * 2 + [Status.MISMATCH] * 2
