"""check_gradients on models with dropout and decay; `test_checking` has the rest."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from keras_mlp import to_keras
from keras_mlp.draws import seeds_of
from manual_mlp import MLP, Activation, Array, Dense, Dropout

pytestmark = pytest.mark.matrix

DECAY = 0.05
NET = MLP(3, [Dense(5, "tanh", kernel_l2=DECAY), Dropout(0.4), Dense(2), Activation("sigmoid")])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
W = NET.initialize(0, "normal(0.5)", "normal(0.5)")
MODES: Any = ["eager", "graph", "xla"]


def _model(dtype: str = "float64") -> keras.Sequential:
    return to_keras(NET, {n: a.astype(dtype) for n, a in W.items()}, dtype)


def _by_hand(parameters: Any, x: Array, y: Array, draws: Any, back: bool = True, power: int = 2) -> dict[str, Array]:
    """Mean squared error, in plain NumPy; without the mask on the way back if told so, or of |ŷ − y|⁴."""
    w = {n: np.asarray(a, np.float64) for n, a in parameters.items()}
    mask = np.asarray(draws["dropout_1/mask"], np.float64)
    z = np.tanh(x @ w["dense_1/kernel"] + w["dense_1/bias"])
    p = 1 / (1 + np.exp(-((z * mask) @ w["dense_2/kernel"] + w["dense_2/bias"])))
    d2 = power * (p - y) ** (power - 1) / y.size * p * (1 - p)
    g = d2 @ w["dense_2/kernel"].T
    d1 = (g * mask if back else g) * (1 - z * z)
    return {
        "dense_1/kernel": x.T @ d1 + 2 * DECAY * w["dense_1/kernel"],
        "dense_1/bias": d1.sum(axis=0),
        "dense_2/kernel": (z * mask).T @ d2,
        "dense_2/bias": d2.sum(axis=0),
    }


def _fourth_power(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean((y_pred - y_true) ** 4)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mode", MODES)
def test_a_function_is_given_the_masks(mode: Any, dtype: str) -> None:
    diff = check_gradients(_model(dtype), X, Y, _by_hand, loss="mse", mode=mode)
    assert diff.verdict is Status.MATCH, str(diff)


def test_a_missing_mask_is_named() -> None:
    diff = check_gradients(_model(), X, Y, lambda w, x, y, draws: _by_hand(w, x, y, draws, back=False), loss="mse")
    assert diff.verdict is Status.MISMATCH
    assert diff.causes[0].id == "dropout_mask_missing"


def test_a_missing_decay_is_named() -> None:
    def forgetful(w: Any, x: Array, y: Array, draws: Any) -> dict[str, Array]:
        right = _by_hand(w, x, y, draws)
        return right | {"dense_1/kernel": right["dense_1/kernel"] - 2 * DECAY * w["dense_1/kernel"]}

    (cause, *_) = check_gradients(_model(), X, Y, forgetful, loss="mse").causes
    assert (cause.id, cause.layer) == ("l2_missing", "dense_1")


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_loss_of_ones_own_runs_on_the_same_masks(dtype: str) -> None:
    def fourth(w: Any, x: Array, y: Array, draws: Any) -> dict[str, Array]:
        return _by_hand(w, x, y, draws, power=4)

    assert check_gradients(_model(dtype), X, Y, fourth, loss=_fourth_power).verdict is Status.MATCH
    assert check_gradients(_model(dtype), X, Y, _by_hand, loss=_fourth_power).verdict.bad


def test_without_gradients_the_house_checks_the_model() -> None:
    assert check_gradients(_model("float32"), X, Y, loss="mse").verdict is Status.MATCH


def test_a_check_leaves_the_seeds_where_they_are() -> None:
    model = _model()
    (start,) = seeds_of(model)
    check_gradients(model, X, Y, loss="mse")
    assert np.array_equal(seeds_of(model)[0], start)


def test_weights_after_a_step_of_unknown_masks_are_refused() -> None:
    with pytest.raises(ValueError, match="nobody knows any more what that step drew"):
        check_gradients(_model(), X, Y, after=dict(W), learning_rate=0.1, loss="mse")


def test_before_keeps_the_masks_of_the_model() -> None:
    seen: list[Any] = []

    def look(w: Any, x: Array, y: Array, draws: Any) -> dict[str, Array]:
        seen.append(draws["dropout_1/mask"])
        return _by_hand(w, x, y, draws)

    model = _model()
    check_gradients(model, X, Y, look, before={n: 2 * a for n, a in W.items()}, loss="mse")
    check_gradients(model, X, Y, look, loss="mse")
    assert np.array_equal(*seen)


def test_a_fourth_argument_of_another_kind_is_left_alone() -> None:
    mlp = MLP(3, [Dense(2)])
    w = mlp.initialize(0)

    def mine(parameters: Any, x: Array, y: Array, factor: float = 2.0) -> dict[str, Array]:
        d = factor * (x @ parameters["dense_1/kernel"] + parameters["dense_1/bias"] - y) / y.size
        return {"dense_1/kernel": x.T @ d, "dense_1/bias": d.sum(axis=0)}

    assert check_gradients(to_keras(mlp, w), X, Y, mine, loss="mse").verdict is Status.MATCH
