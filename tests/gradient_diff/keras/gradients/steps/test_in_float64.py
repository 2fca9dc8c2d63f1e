"""Steps written in float64: constants that Keras holds in float32, and weights that a float32 model holds rounded."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff.keras import check_gradients
from gradient_diff.result.status import Status
from manual_mlp import Array

pytestmark = pytest.mark.matrix

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2))
WEIGHTS = [RNG.normal(size=(3, 2)), RNG.normal(size=2)]
SCHEDULE = keras.optimizers.schedules.ExponentialDecay
SAID: dict[str, Callable[[], dict[str, Any]]] = {
    "object": lambda: {"optimizer": keras.optimizers.SGD(0.01)},
    "name": lambda: {"optimizer": "sgd", "learning_rate": 0.01},
    "name alone": lambda: {"optimizer": "sgd"},
    "rate alone": lambda: {"learning_rate": 0.01},
    "schedule": lambda: {"optimizer": keras.optimizers.SGD(SCHEDULE(0.01, 10, 0.9))},
}


def _model(dtype: str) -> keras.Model:
    model = keras.Sequential([keras.Input((3,), dtype=dtype), keras.layers.Dense(2, dtype=dtype)])
    model.compile(loss="mse")
    model.set_weights(WEIGHTS)
    return model


def _derived(weights: list[Array]) -> list[Array]:
    e = 2 * (X @ weights[0] + weights[1] - Y) / Y.size
    return [X.T @ e, e.sum(0)]


def _stepped(rate: float) -> list[Array]:
    return [w - rate * g for w, g in zip(WEIGHTS, _derived(WEIGHTS), strict=True)]


@pytest.mark.parametrize("said", list(SAID))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("before", [True, False])
def test_plain_descent(said: str, dtype: str, before: bool) -> None:
    start: dict[str, Any] = {"before": WEIGHTS} if before else {}
    right, wrong = (
        check_gradients(_model(dtype), X, Y, after=_stepped(rate), **start, **SAID[said]()) for rate in (0.01, 0.0102)
    )
    assert right.verdict is Status.MATCH, right.headline()
    assert wrong.verdict.bad or wrong.verdict is Status.INCONCLUSIVE
    assert not any("constraint" in cause.message for cause in wrong.causes)


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("said", ["object", "name"])
def test_adagrad_starts_from_its_accumulator(said: str) -> None:
    options: dict[str, Any] = {"optimizer": "adagrad", "learning_rate": 0.01}
    if said == "object":
        options = {"optimizer": keras.optimizers.Adagrad(0.01)}
    for start, verdict in ((0.1, Status.MATCH), (0.11, Status.MISMATCH)):
        pairs = zip(WEIGHTS, _derived(WEIGHTS), strict=True)
        after = [w - 0.01 * g / np.sqrt(start + g * g + 1e-7) for w, g in pairs]
        assert check_gradients(_model("float64"), X, Y, before=WEIGHTS, after=after, **options).verdict is verdict


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("steps", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 10))])
def test_a_velocity_is_made_with_constants_in_float32(steps: int) -> None:
    model = _model("float64")
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    optimizer.build(model.trainable_variables)
    weights, velocity = WEIGHTS, [0 * w for w in WEIGHTS]
    for _ in range(steps):
        gradients = _derived(weights)
        optimizer.apply(gradients, model.trainable_variables)
        velocity = [0.9 * v - 0.01 * g for v, g in zip(velocity, gradients, strict=True)]
        weights = [w + v for w, v in zip(weights, velocity, strict=True)]
    for momentum, verdict in ((0.9, Status.MATCH), (0.8999, Status.MISMATCH)):
        pairs = zip(velocity, _derived(weights), strict=True)
        moves = [momentum * v - 0.01 * g for v, g in pairs]
        after = [w + m for w, m in zip(weights, moves, strict=True)]
        diff = check_gradients(model, X, Y, before=weights, after=after, optimizer=optimizer)
        assert diff.verdict is verdict, diff.headline()


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("said", [None, pytest.param(True, marks=pytest.mark.slow)])
def test_a_step_of_weights_that_the_pass_itself_changes(said: bool | None) -> None:
    """Keras's SpectralNormalization writes the kernel divided by its norm before the step."""
    keras.utils.set_random_seed(0)
    normalised = keras.layers.SpectralNormalization(keras.layers.Dense(4))
    model = keras.Sequential([keras.Input((3,)), normalised, keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, y = X.astype(np.float32), Y.astype(np.float32)
    before = model.get_weights()
    model.train_on_batch(x, y)
    after = model.get_weights()
    options: dict[str, Any] = {"before": before, "learning_rate": 0.1, "training": said}
    diff = check_gradients(model, x, y, after=after, **options)
    assert diff.verdict is Status.MATCH, diff.headline()
    assert "The pass itself changes" in diff.remark
    after[0] = after[0] * 1.01
    assert check_gradients(model, x, y, after=after, **options).verdict.bad
