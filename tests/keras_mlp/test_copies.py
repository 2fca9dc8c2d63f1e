"""A model on copies of its variables: in another dtype, again and again, and as it was afterwards."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_mlp.extend import copied, kept_attributes, variables_of

L = keras.layers
X = np.random.default_rng(0).normal(size=(2, 3)).astype("f4")


def test_the_states_of_recurrent_layers_are_among_the_variables() -> None:
    layer = L.SimpleRNN(2, stateful=True)
    layer(X[None])
    assert {id(s) for s in layer.states} <= {id(v) for v in variables_of(layer)}


def test_copies_of_an_earlier_time_are_used_again() -> None:
    layer = L.Dense(2)
    layer(X)
    own = layer(X).numpy()
    with copied(layer, "float64") as copies:
        pass
    copies[id(layer.kernel)].assign(np.zeros((3, 2)))
    with copied(layer, "float64", kept=copies) as again:
        assert all(again[key] is copy for key, copy in copies.items())
        assert layer(X).dtype == tf.float64
        assert not np.any(layer(X))
    assert np.array_equal(layer(X), own)


class AsGraph(keras.Model):  # type: ignore[misc]  # Keras has no types
    def __init__(self) -> None:
        super().__init__()
        self.inner = L.Dense(2)
        self.inner.build((None, 3))

    @tf.function  # type: ignore[untyped-decorator]
    def call(self, x: Any) -> Any:
        return self.inner(x)


def test_a_graph_that_a_model_made_earlier_does_not_know_the_copies_and_is_not_run() -> None:
    model = AsGraph()
    model(X)
    for _ in range(2):
        with copied(model) as copies, tf.GradientTape() as tape:
            y = model(X)
        assert tape.gradient(y, copies[id(model.inner.kernel)]) is not None
    assert "call" not in vars(model)


def test_what_layers_keep_is_put_back_also_after_an_exception() -> None:
    layer = L.Dense(2, activity_regularizer="l2")
    layer(X)
    (loss,) = layer.losses
    with pytest.raises(KeyError), kept_attributes(layer):  # noqa: PT012  (what is done within it is the point)
        layer.extra = 1
        tf.function(layer).get_concrete_function(X)
        assert layer.losses[0] is not loss
        raise KeyError
    assert layer.losses[0] is loss
    assert not hasattr(layer, "extra")
