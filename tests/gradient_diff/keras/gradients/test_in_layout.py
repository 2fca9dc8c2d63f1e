"""check_gradients of other layouts than the model's: gradients, what functions return, and weights around a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.students.layouts import LAYOUTS
from gradient_diff import Status
from gradient_diff.keras import check_gradients
from manual_mlp import Array

pytestmark = pytest.mark.matrix

Pairs = list[tuple[Array, Array]]


class Net:
    """A model with data, its weights and the tape's gradients."""

    def __init__(self, widths: tuple[int, ...], functional: bool = False) -> None:
        keras.utils.set_random_seed(1)
        names = [f"dense_{i}" for i in range(1, len(widths))]
        layers = [
            keras.layers.Dense(n, "tanh" if name != names[-1] else None, name=name)
            for n, name in zip(widths[1:], names, strict=True)
        ]
        given = keras.Input((widths[0],))
        if functional:
            out = given
            for layer in layers:
                out = layer(out)
            self.model: keras.Model = keras.Model(given, out)
        else:
            self.model = keras.Sequential([given, *layers])
        rng = np.random.default_rng(0)
        self.x, self.y = rng.normal(size=(6, widths[0])), rng.normal(size=(6, widths[-1]))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self.model(self.x.astype("f")) - self.y.astype("f")) ** 2)
        self.gradients = self.paired(tape.gradient(loss, self.model.trainable_variables))

    @staticmethod
    def paired(arrays: list[Any]) -> Pairs:
        found = [np.asarray(a) for a in arrays]
        return list(zip(found[::2], found[1::2], strict=True))

    @property
    def weights(self) -> Pairs:
        return self.paired(self.model.get_weights())

    def check(self, given: object = None, **more: Any) -> Any:
        return check_gradients(self.model, self.x, self.y, given, loss="mse", **more)


@pytest.fixture(scope="module", params=["plain", "square functional"])
def net(request: pytest.FixtureRequest) -> Net:
    return Net((5, 4, 3)) if request.param == "plain" else Net((4, 4, 4), functional=True)


ORDINARY = ("ours", "list", "list of pairs")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_right_gradients_in_a_layout_match_and_it_is_told(net: Net, layout: str) -> None:
    diff = net.check(LAYOUTS[layout](net.gradients))
    assert diff.verdict is Status.MATCH
    assert diff.remark.startswith("Layout of your arrays: ") is (layout not in ORDINARY)


@pytest.mark.parametrize("layout", ["all in columns", "list W1 W2 b1 b2", "PyTorch", "Θ, bias last", "vector"])
def test_wrong_gradients_in_a_layout_keep_their_cause(net: Net, layout: str) -> None:
    diff = net.check(LAYOUTS[layout]([(6 * w, 6 * b) for w, b in net.gradients]))
    assert (diff.verdict, diff.causes[0].id) == (Status.MISMATCH, "missing_batch_mean")


@pytest.mark.parametrize("layout", ["ours", "all in columns", "list", "W1 b1"])
def test_one_transposed_kernel_does_not_match(layout: str) -> None:
    net = Net((4, 4, 4), functional=True)
    first, (w, b) = net.gradients
    assert net.check(LAYOUTS[layout]([first, (w.T, b)])).verdict is Status.MISMATCH


@pytest.mark.parametrize("layout", [n for n in LAYOUTS if "vector" not in n])
def test_weights_around_a_step_may_come_in_a_layout(net: Net, layout: str) -> None:
    after = [(w - 0.1 * dw, b - 0.1 * db) for (w, b), (dw, db) in zip(net.weights, net.gradients, strict=True)]
    dress = LAYOUTS[layout]
    diff = net.check(before=dress(net.weights), after=dress(after), learning_rate=0.1)
    assert diff.verdict is Status.MATCH
    assert net.check(after=dress(after), learning_rate=0.1).verdict is Status.MATCH


def columns(parameters: Mapping[str, Array], x: Array, y: Array) -> list[Array]:
    """Dense layers with tanh, the article's way: samples in columns, 1/K forgotten, dW1 dW2 db1 db2."""
    w, b = ([np.asarray(a, np.float64).T for n, a in parameters.items() if n.endswith(k)] for k in ("kernel", "bias"))
    z = [x.T]
    for i, (weight, bias) in enumerate(zip(w, b, strict=True)):
        u = weight @ z[-1] + bias[:, None]
        z.append(np.tanh(u) if i + 1 < len(w) else u)
    delta, found = 2 * (z[-1] - y.T) / len(x), []
    for i in reversed(range(len(w))):
        found.append((delta @ z[i].T, delta.sum(1, keepdims=True)))
        delta = (w[i].T @ delta) * (1 - z[i] ** 2)
    return [a for parts in zip(*found[::-1], strict=True) for a in parts]


def test_a_function_may_return_a_layout_and_its_mistake_is_named(net: Net) -> None:
    diff = net.check(columns)
    assert (diff.verdict, diff.causes[0].id) == (Status.MISMATCH, "missing_output_mean")
    assert "a list in the order W1 W2 b1 b2; kernels as (n_out, n_in); biases as columns (n, 1)" in diff.remark


def test_a_function_in_a_layout_is_cut_down_where_no_mistake_explains_it() -> None:
    def odd(parameters: Mapping[str, Array], x: Array, y: Array) -> list[Array]:
        return [a + 0.01 * np.cos(np.arange(a.size)).reshape(a.shape) for a in columns(parameters, x, y)]

    diff = Net((5, 4, 3)).check(odd)
    assert diff.smallest is not None
    assert diff.smallest.problem.batch == 1


@pytest.mark.parametrize("layout", ["all in columns", "W1 b1", "list W1 W2 b1 b2", "vector"])
def test_as_given_undoes_nothing(layout: str) -> None:
    net = Net((5, 4, 3))
    judge: Callable[[], Any] = lambda: net.check(LAYOUTS[layout](net.gradients), layout="as given")  # noqa: E731
    if layout in ("W1 b1", "vector"):
        with pytest.raises((ValueError, TypeError), match=r"unknown names|expected a dict by name"):
            judge()
    else:
        assert judge().verdict is Status.SHAPE


def test_what_fits_in_no_layout_is_refused_as_before() -> None:
    with pytest.raises(ValueError, match=r"gradients: unknown names a, b\. The model has dense_1/kernel"):
        Net((5, 4, 3)).check({"a": np.ones((9, 9)), "b": np.ones(7)})


def test_a_batch_normalisation_of_pytorch_is_told_by_its_place() -> None:
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Dense(4, name="a"),
        keras.layers.BatchNormalization(name="n"),
        keras.layers.Dense(2, name="z"),
    ]
    model = keras.Sequential([keras.Input((3,)), *layers])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)).astype("f"), rng.normal(size=(8, 2)).astype("f")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
    right = [g.numpy() for g in tape.gradient(loss, model.trainable_variables)]
    names = [f"net.{i}.{kind}" for i in range(3) for kind in ("weight", "bias")]
    torch = {n: g.T for n, g in zip(names, right, strict=True)}
    diff = check_gradients(model, x, y, torch, loss="mse", training=True)
    assert not diff.verdict.bad
    assert "net.1.weight → n/gamma" in diff.remark


def test_the_none_of_a_tape_is_no_layout() -> None:
    """It stands for a weight, which the refusal names; kernels alone would be another list."""
    x = keras.Input((3,))
    model = keras.Model(x, keras.layers.Dense(2, name="last")(x))
    kernel = np.ones((3, 2), "float32")
    with pytest.raises(TypeError, match=r"gradients of last/bias: None\. The tape saw no path"):
        check_gradients(model, np.ones((4, 3)), np.ones((4, 2)), [kernel, None], loss="mse")
