"""The shapes of any model's layers, as far as Keras tells them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from keras_mlp.extend import LayerShapes, layer_shapes

L = keras.layers


def several_inputs() -> keras.Model:
    a, b = keras.Input((3,), name="a"), keras.Input((5, 4), name="b")
    inner = keras.Sequential([keras.Input((5, 4)), L.GRU(6, name="gru"), L.Dense(3, name="below")], name="inner")
    shared = L.Dense(3, name="shared")
    return keras.Model([a, b], [L.Add(name="sum")([shared(a), shared(inner(b))]), L.Dense(1, name="other")(a)])


def test_a_functional_model_with_a_model_inside() -> None:
    found = {line.path: line for line in layer_shapes(several_inputs())}
    assert sorted(found) == sorted(["a", "b", "inner", "inner/gru", "inner/below", "shared", "sum", "other"])
    assert found["inner"] == LayerShapes("inner", "Sequential", ((None, 5, 4),), ((None, 3),), ())
    assert found["inner/gru"].weights[0] == ("gru_cell/kernel", (4, 18))
    assert found["sum"] == LayerShapes("sum", "Add", ((None, 3), (None, 3)), ((None, 3),), ())
    shared = (("kernel", (3, 3)), ("bias", (3,)))  # called at two places
    assert found["shared"] == LayerShapes("shared", "Dense", ((None, 3),), ((None, 3),), shared)


class Own(keras.Model):  # type: ignore[misc]  # Keras has no types
    """A weight of its own, and layers that no functional graph knows."""

    def __init__(self) -> None:
        super().__init__(name="own")
        self.scale = self.add_weight(shape=(2,), name="scale")
        self.first, self.second = L.Dense(4, name="first"), L.MultiHeadAttention(1, 2, name="second")

    def call(self, x: Any) -> Any:
        z = self.first(x)
        return self.second(z, z) * self.scale[0]


def test_a_subclassed_model_tells_what_it_was_built_on() -> None:
    model = Own()
    model(np.ones((2, 5, 3)))
    own, first, second = layer_shapes(model)
    assert (own.path, own.kind, own.weights) == ("own", "Own", (("scale", (2,)),))
    assert first == LayerShapes("first", "Dense", ((2, 5, 3),), ((2, 5, 4),), (("kernel", (3, 4)), ("bias", (4,))))
    assert second.inputs == ((2, 5, 4), (2, 5, 4))
    assert second.outputs == ((2, 5, 4),)
    assert second.weights[0] == ("query/kernel", (4, 1, 2))


@pytest.mark.parametrize("model", [Own(), keras.Sequential([L.Dense(2, name="first")])])
def test_what_was_never_built_has_no_shapes(model: keras.Model) -> None:
    line = next(line for line in layer_shapes(model) if line.path == "first")
    assert (line.inputs, line.outputs, line.weights) == ((), (), ())


def test_a_layer_that_cannot_tell_its_output_leaves_it_open() -> None:
    class Silent(L.Layer):  # type: ignore[misc]  # Keras has no types
        def compute_output_shape(self, shape: Any) -> Any:
            raise RuntimeError("never asked before")

        def call(self, x: Any) -> Any:
            return x

    class Around(keras.Model):  # type: ignore[misc]  # Keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.silent = Silent(name="silent")

        def call(self, x: Any) -> Any:
            return self.silent(x)

    model = Around()
    model(np.ones((2, 3)))
    (line,) = layer_shapes(model)
    assert (line.inputs, line.outputs) == (((2, 3),), ())
