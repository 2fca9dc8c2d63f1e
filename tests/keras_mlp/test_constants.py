"""A constant as somebody wrote it, as Keras holds it, and as a clone is told to hold it."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_mlp import from_keras
from keras_mlp.constants import (
    adapted_statistics,
    as_held,
    as_written,
    computes_in_float64,
    exact_constants,
    held_in_float32,
    left_in_float32,
    rounded_constants,
    rounds_floats,
)
from keras_mlp.extend import copied
from keras_mlp.penalties import with_held_penalties

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


@pytest.mark.parametrize("kind", [R.L1, R.L2, lambda c: R.L1L2(c, c)])
@pytest.mark.parametrize("part", ["kernel_regularizer", "activity_regularizer"])
def test_a_model_computes_with_either(kind: Any, part: str) -> None:
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, **{part: kind(0.05)}, dtype="float64")])
    mine = keras.Sequential([keras.Input((2,)), inner])  # nested: its layers have constants, too
    x, losses = np.random.default_rng(0).normal(size=(4, 2)), []
    for constants in (exact_constants(mine), nullcontext()):
        with constants:
            mine(x)
            losses.append(float(sum(mine.losses)))
    assert losses[1] / losses[0] == pytest.approx(HELD / 0.05, rel=1e-14)
    assert rounded_constants(mine) == (HELD,)


U = np.array([[0.3, -1.2, 0.7]])
ERF = np.vectorize(math.erf)
LAYERS: dict[str, tuple[Any, Any, float]] = {
    "gelu": (lambda: keras.layers.Activation("gelu"), lambda u: 0.5 * u * (1 + ERF(u / math.sqrt(2))), math.sqrt(0.5)),
    "LeakyReLU": (lambda: keras.layers.LeakyReLU(0.1), lambda u: np.where(u > 0, u, 0.1 * u), 0.1),
    "Rescaling": (lambda: keras.layers.Rescaling(0.1), lambda u: 0.1 * u, 0.1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_constant_of_a_layer_can_be_had_as_written_and_is_found_as_held(name: str) -> None:
    make, exact, constant = LAYERS[name]
    model = keras.Sequential([keras.Input((3,)), make()])
    for as_it_was_written in (True, False):
        with copied(model, "float64", exact=as_it_was_written):
            graph = tf.function(model.__call__).get_concrete_function(tf.constant(U))
            off = np.abs(graph(tf.constant(U)).numpy() - exact(U)).max()
        assert (off < 1e-15) == as_it_was_written
        assert held_in_float32(graph.graph) == (() if as_it_was_written else (float(np.float32(constant)),))
        assert computes_in_float64(graph.graph)


class _Holds(keras.layers.Layer):
    """A factor that a layer keeps as a tensor."""

    def __init__(self, factor: Any) -> None:
        super().__init__()
        self.factor = tf.constant(factor)

    def call(self, inputs: Any) -> Any:
        return inputs * tf.cast(self.factor, inputs.dtype)


def _normalised(u: Any) -> Any:
    return (u - 0.3) / np.sqrt(0.7)


TENSORS: dict[str, tuple[Any, Any, tuple[float, ...]]] = {
    "Normalization": (lambda: keras.layers.Normalization(mean=0.3, variance=0.7), _normalised, (0.3, 0.7)),
    "of lists": (lambda: keras.layers.Normalization(mean=[0.3] * 3, variance=[0.7] * 3), _normalised, (0.3, 0.7)),
    "own layer": (lambda: _Holds(0.1), lambda u: 0.1 * u, (0.1,)),
    "array": (lambda: _Holds([0.1, 0.5, 0.3]), lambda u: u * [0.1, 0.5, 0.3], (0.1, 0.3)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TENSORS)
def test_what_a_layer_keeps_as_a_tensor_can_be_had_as_written(name: str, dtype: str) -> None:
    make, exact, constants = TENSORS[name]
    model = keras.Sequential([keras.Input((3,), dtype=dtype), make()])
    for as_it_was_written in (True, False):
        with copied(model, "float64", exact=as_it_was_written):
            graph = tf.function(model.__call__).get_concrete_function(tf.constant(U))
            off = np.abs(graph(tf.constant(U)).numpy() - exact(U)).max()
        assert (off < 1e-15) == as_it_was_written
        assert off < 1e-7
        assert (left_in_float32(graph.graph) == ()) == as_it_was_written
    assert rounded_constants(model) == tuple(float(np.float32(c)) for c in constants)
    assert not adapted_statistics(model)


def test_a_constant_of_a_closure_cannot_be_had_as_written_and_is_found() -> None:
    factor, data = tf.constant(0.1), np.float32([0.1234567, -0.7654321, 0.9876543])
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda u: u * tf.cast(factor, u.dtype) + data)])
    with copied(model, "float64", exact=True):
        graph = tf.function(model.__call__).get_concrete_function(tf.constant(U))
    assert left_in_float32(graph.graph) == (float(np.float32(0.1)),)


def test_statistics_of_data_are_nobodys_constants() -> None:
    layer = keras.layers.Normalization()
    layer.adapt(np.float32([[0.1, 0.2, 0.3]] * 2))
    model = keras.Sequential([keras.Input((3,)), layer])
    assert rounded_constants(model) == ()
    assert adapted_statistics(model) == [layer.name]


def test_what_is_rounded_on_the_way_is_seen() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda u: keras.ops.cast(u, "float32"))])
    with copied(model, "float64"):
        graph = tf.function(model.__call__).get_concrete_function(tf.constant(U))
    assert not computes_in_float64(graph.graph)


def test_what_float32_has_is_no_rounded_constant() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, kernel_regularizer=R.L2(0.25))])
    assert rounded_constants(model) == ()


def test_the_description_has_the_decay_that_keras_holds() -> None:
    layers = [keras.layers.Dense(3, kernel_regularizer=R.L2(0.05)), keras.layers.Dropout(0.1), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    mlp, _ = from_keras(model)
    assert [z.kernel_l2 for z in with_held_penalties(mlp, model).layers if hasattr(z, "kernel_l2")] == [HELD, 0.0]
