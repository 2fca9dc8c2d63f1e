"""check_step: a step as it is beside a Keras model, which is put back as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from experiments.students import steps
from experiments.students.sine_class import SineNetwork
from experiments.students.steps import STEPS, Lists, gradients
from gradient_diff import Status
from gradient_diff.keras import check_step
from gradient_diff.keras.gradients import own_step
from manual_mlp import MLP, Dense

pytestmark = pytest.mark.matrix("kind")

MLP_SMALL = MLP(3, [Dense(4, "sigmoid"), Dense(2)])
RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
GIVEN = {n: RNG.normal(size=a.shape) for n, a in MLP_SMALL.initialize(0).items()}
OTHERS = [RNG.normal(size=a.shape) for a in GIVEN.values()]


@pytest.fixture(autouse=True)
def untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing takes seconds, and is under test in tests/gradient_diff/stepping."""
    monkeypatch.setattr(own_step, "with_code", lambda diff, *_: diff)


@pytest.fixture
def model(build: Any) -> Callable[[str], keras.Model]:
    return lambda kind: build(kind, MLP_SMALL, GIVEN)


@pytest.mark.parametrize("kind", ["known float64", "known float32", "functional float32"])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("step", ["attributes", "momentum", "columns", "purepython", "called"])
def test_a_right_step_matches_and_the_model_is_left_as_it_was(kind: str, own: bool, step: str, model: Any) -> None:
    built = model(kind)
    before = [w.tobytes() for w in built.get_weights()]
    diff = check_step(STEPS[step](OTHERS if own else built.get_weights()), built, X, Y, loss="mse")
    assert diff.ok
    assert ("initialised by itself; the comparison uses its weights, and not the model's" in diff.remark) is own
    assert [w.tobytes() for w in built.get_weights()] == before


@pytest.mark.parametrize("kind", ["known float64", "functional float32"])
@pytest.mark.parametrize("step", ["attributes", "adam", "called"])
def test_a_wrong_one_is_seen(kind: str, step: str, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "gradients", lambda *a: [g * (1 + 4 * (i == 0)) for i, g in enumerate(gradients(*a))])
    diff = check_step(STEPS[step](OTHERS), model(kind), X, Y, loss="mse")
    assert diff.verdict is Status.MISMATCH
    assert diff["dense_1/kernel"].status.bad
    assert diff["dense_2/kernel"].status.ok


def test_the_class_of_article_a_beside_a_model_of_keras_s_own_making() -> None:
    layers = [keras.layers.Dense(5, "sigmoid", dtype="float64") for _ in range(3)]
    model = keras.Sequential([keras.Input((1,)), *layers, keras.layers.Dense(1, dtype="float64")])
    x = np.linspace(-5, 5, 100)[:, None]
    diff = check_step(SineNetwork().back_propagate, model, x, np.sin(x), loss="half_sum_squared_error")
    assert diff.causes[0].id == "stale_or_updated_kernel"
    assert "`sinenetwork.weights[3]` is " in diff.remark
    assert "`sinenetwork.D[0]` is δ of " in diff.remark


def test_the_optimizer_that_took_the_step_is_replayed(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Decayed(Lists):
        def train(self, x: Any, y: Any) -> None:
            for w in (*self.weights, *self.biases):
                w -= 0.3 * 0.01 * w  # noqa: PLW2901  (in place)
            super().train(x, y)

    built, optimizer = model("known float32"), keras.optimizers.SGD(0.3, weight_decay=0.01)
    diff = check_step(InOrder(OTHERS).train, built, X, Y, loss="mse", optimizer=optimizer)
    assert diff.ok
    assert "a step of the given SGD" in diff.reference_origin
    assert check_step(Decayed(OTHERS).train, built, X, Y, loss="mse", optimizer=optimizer).verdict is Status.MISMATCH
    monkeypatch.setattr(steps, "gradients", lambda *a: [g[::-1] for g in gradients(*a)])
    assert check_step(InOrder(OTHERS).train, built, X, Y, loss="mse", optimizer=optimizer).verdict is Status.MISMATCH


class InOrder(Lists):
    """Decays its weights beside the step, as Keras does, and not before the gradients are taken."""

    def train(self, x: Any, y: Any) -> None:
        held = [w.copy() for w in (*self.weights, *self.biases)]
        super().train(x, y)
        for w, before in zip((*self.weights, *self.biases), held, strict=True):
            w -= 0.3 * 0.01 * before  # noqa: PLW2901  (in place)


def test_a_factor_that_nothing_explains_convicts_nobody(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "gradients", lambda *a: [g * 0.7 for g in gradients(*a)])
    built = model("known float64")
    assert check_step(Lists(OTHERS).train, built, X, Y, loss="mse").verdict is Status.INCONCLUSIVE
    assert check_step(Lists(OTHERS).train, built, X, Y, loss="mse", learning_rate=0.3).verdict is Status.MISMATCH
    assert check_step(Lists(OTHERS).train, built, X, Y, loss="mse", learning_rate=0.21).ok


def test_class_indices_and_the_compiled_loss() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    W, b = (w + 0.5 for w in model.get_weights())

    def step(x: Any, y: Any, lr: float = 0.1) -> None:
        e = np.exp(x @ W + b)
        d = (e / e.sum(1, keepdims=True) - np.eye(2)[y]) / len(x)
        np.subtract(W, lr * x.T @ d, out=W)
        np.subtract(b, lr * d.sum(0), out=b)

    labels = np.array([0, 1, 1, 0, 1])
    diff = check_step(step, model, X, labels)
    assert diff.ok
    assert np.array_equal(W, model.get_weights()[0] + 0.5)


def test_two_nets_are_told_with_the_line_that_copies(model: Any) -> None:
    a, b = Lists(OTHERS), Lists([w + 1 for w in OTHERS])

    def both(x: Any, y: Any) -> None:
        a.train(x, y + 1)
        b.train(x, y + a.weights[0][0, 0])

    with pytest.raises(ValueError, match=r"\[\.\.\.\] = model.get_weights\(\)\[0\], and so on"):
        check_step(both, model("known float64"), X, Y, loss="mse")


def test_no_model_and_no_step_are_said(model: Any) -> None:
    with pytest.raises(TypeError, match="model is str"):
        check_step(Lists(OTHERS).train, "model", X, Y, loss="mse")  # type: ignore[arg-type]  # it is refused
    with pytest.raises(TypeError, match="step is Lists"):
        check_step(Lists(OTHERS), model("known float64"), X, Y, loss="mse")  # type: ignore[arg-type]  # it is refused
