"""TensorFlow's own gradient of what writes twice to one place counts what was overwritten: it is named, and proved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import GradientDiff, Status
from gradient_diff.keras import check_function, check_layer
from gradient_diff.keras.functions.overwriting import gradients_of_the_last
from keras_mlp import Mode

pytestmark = pytest.mark.matrix

U = np.array([1.0, 2.0, 3.0])
ID = "overwritten_counted"


def scatter(indices: Any) -> Callable[[Any], Any]:
    return lambda u: tf.tensor_scatter_nd_update(tf.zeros(3, u.dtype), indices, u)


def stitch(*indices: list[int]) -> Callable[..., Any]:
    return lambda *data: tf.dynamic_stitch([tf.constant(i) for i in indices], list(data))


def sparse(indices: Any) -> Callable[[Any], Any]:
    return lambda u: tf.sparse.to_dense(tf.SparseTensor(indices, u, [4]), validate_indices=False)


def listed(indices: Any) -> Callable[[Any], Any]:
    return lambda u: tf.TensorArray(u.dtype, 3).scatter(indices, u).stack()


ROWS = [np.zeros((1, 3)), np.ones((1, 3))]
COUNTED: dict[str, tuple[Callable[..., Any], Any, str, str, Mode]] = {
    "update": (scatter([[0], [0], [2]]), U, "tf.tensor_scatter_nd_update", "(0 twice)", "eager"),
    "three times": (scatter([[1], [1], [1]]), U, "tf.tensor_scatter_nd_update", "(1 three times)", "eager"),
    "graph": (scatter([[0], [2], [0]]), U, "tf.tensor_scatter_nd_update", "(0 twice)", "graph"),
    "within a function": (tf.function(scatter([[0], [0], [2]])), U, "tf.tensor_scatter_nd_update", "0 twice", "eager"),
    "stitch": (stitch([0], [0]), ROWS, "tf.dynamic_stitch", "(0 twice)", "eager"),
    "stitch of scalars": (stitch([1, 0], [2, 0]), [U[:2], U[1:]], "tf.dynamic_stitch", "(0 twice)", "eager"),
    "sparse": (sparse([[0], [0], [2]]), U, "tf.sparse.to_dense", "(0 twice)", "eager"),
    "list": (listed([0, 0, 2]), U, "tf.TensorArray.scatter", "(0 twice)", "graph"),
    "keras": (
        lambda u: keras.ops.scatter_update(tf.ones((3, 2), u.dtype), [[0, 1], [0, 1], [2, 0]], tf.sin(u)),
        U,
        "tf.tensor_scatter_nd_update",
        "((0, 1) twice)",
        "eager",
    ),
    "one in another": (
        lambda u: scatter([[0], [1], [2]])(scatter([[0], [0], [2]])(u * u)),
        U,
        "tf.tensor_scatter_nd_update",
        "(0 twice)",
        "eager",
    ),
    "many": (
        lambda u: tf.tensor_scatter_nd_update(tf.zeros((10, 4), u.dtype), [[i % 9] for i in range(20)], u),
        np.random.default_rng(0).normal(size=(20, 4)),
        "tf.tensor_scatter_nd_update",
        "(0 three times, 1 three times, 2 twice, …)",
        "eager",
    ),
}


def _checked(f: Callable[..., Any], given: Any, mode: Mode = "eager", dtype: str = "float64") -> GradientDiff:
    arrays = [a.astype(dtype) for a in given] if isinstance(given, list) else given.astype(dtype)
    return check_function(f, arrays, mode=mode)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", COUNTED)
def test_it_is_named_with_its_duplicates(name: str, dtype: str) -> None:
    f, given, what, places, mode = COUNTED[name]
    diff = _checked(f, given, mode, dtype)
    assert diff.verdict is Status.MISMATCH
    assert {c.id for c in diff.causes} == {ID}
    assert f"TensorFlow's own gradient of {what} counts values that were overwritten" in diff.causes[0].message
    assert places in diff.causes[0].message
    assert [c.layer for c in diff.causes] == [row.name for row in diff.rows if row.status.bad]


def test_what_takes_nothing_but_float32_is_named_too(only_float32: Callable[..., Any]) -> None:
    diff = check_function(only_float32(stitch([0], [0])), [a.astype("f4") for a in ROWS])
    assert [c.id for c in diff.causes] == [ID]


@pytest.mark.parametrize(
    ("f", "given"),
    [
        (scatter([[0], [1], [2]]), U),
        (stitch([0], [1]), ROWS),
        (sparse([[0], [1], [2]]), U),
        (lambda u: tf.tensor_scatter_nd_max(tf.zeros(3, u.dtype), [[0], [0], [2]], u), U),
        (lambda u: tf.scatter_nd([[0], [0], [2]], u, [3]), U),
        (lambda u: tf.stop_gradient(scatter([[0], [0], [2]])(tf.ones_like(u))) * u, U),
    ],
)
def test_unique_indices_and_what_is_right_have_no_cause(f: Callable[..., Any], given: Any) -> None:
    diff = _checked(f, given)
    assert diff.ok
    assert diff.causes == ()


def test_each_array_has_its_own_operation() -> None:
    diff = _checked(lambda a, b: scatter([[0], [0], [2]])(a) + scatter([[1], [2], [1]])(b), [U, U])
    assert [(c.layer, c.message.partition("(")[2][:7]) for c in diff.causes] == [
        ("inputs/a", "0 twice"),
        ("inputs/b", "1 twice"),
    ]


def test_a_mistake_beside_it_keeps_its_name(custom: Callable[..., Any]) -> None:
    """Only the array that is made good by counting the last one is explained by it."""
    twice = custom(tf.sin, lambda x, u: 2 * u * tf.cos(x))
    diff = _checked(lambda a, b: scatter([[0], [0], [2]])(a) + twice(b), [U, U])
    assert [(c.layer, c.id) for c in diff.causes] == [("inputs/a", ID), ("inputs/b", "factor_two")]


def test_a_gradient_of_its_own_is_its_own_fault(custom: Callable[..., Any]) -> None:
    f = custom(scatter([[0], [0], [2]]), lambda x, u: tf.gather(u, [0, 0, 2]))
    diff = _checked(f, U)
    assert diff.verdict is Status.MISMATCH
    assert ID not in {c.id for c in diff.causes}


def test_a_layer_and_its_weights_too() -> None:
    class Writes(keras.layers.Layer):
        def build(self, _: Any) -> None:
            self.w = self.add_weight(shape=(3,), initializer="ones", name="w")

        def call(self, x: Any) -> Any:
            return x * tf.tensor_scatter_nd_update(tf.zeros(3, x.dtype), [[0], [0], [2]], tf.convert_to_tensor(self.w))

    layer = Writes(dtype="float64")
    diff = check_layer(layer, U[None])
    assert [(c.layer, c.id) for c in diff.causes] == [("weights/w", ID)]


def test_what_is_no_graph_names_nothing() -> None:
    def fails() -> Any:
        raise RuntimeError("my own")

    assert gradients_of_the_last(fails, {}) is None
