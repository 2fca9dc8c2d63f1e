"""A hand that is right for another forward pass: the data or the weights that explain it are named."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff import GradientDiff, Status
from gradient_diff.keras import check_gradients
from manual_mlp import MLP, Array, Dense

pytestmark = pytest.mark.matrix("kind")

NET = MLP(3, [Dense(5, "tanh"), Dense(2)])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(1.0, 2.0, size=(7, 3)), RNG.normal(size=(7, 2))
W = NET.initialize(0, "normal(0.5)", "normal(0.5)")
KINDS = pytest.mark.parametrize("kind", ["known float32", "functional float32", "functional float64"])


def _by_hand(w: dict[str, Array], x: Array, y: Array = Y) -> dict[str, Array]:
    """Mean squared error, in plain NumPy and float64."""
    z = np.tanh(x @ w["dense_1/kernel"] + w["dense_1/bias"])
    d2 = 2 * (z @ w["dense_2/kernel"] + w["dense_2/bias"] - y) / y.size
    d1 = d2 @ w["dense_2/kernel"].T * (1 - z * z)
    return {
        "dense_1/kernel": x.T @ d1,
        "dense_1/bias": d1.sum(0),
        "dense_2/kernel": z.T @ d2,
        "dense_2/bias": d2.sum(0),
    }


def _checked(build: Any, kind: str, w: dict[str, Array], x: Array) -> GradientDiff:
    """Of a hand at these weights and x, in the dtype of the model, which has `W` and is given `X`."""
    dtype = kind.split()[1]
    model = build(kind, NET, W)
    before = model.get_weights()
    hand = {n: g.astype(dtype) for n, g in _by_hand(w, x).items()}
    diff = check_gradients(model, X.astype(dtype), Y.astype(dtype), hand, loss="mse")
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert diff.verdict is Status.MISMATCH, str(diff)
    return diff


SCALED = {
    "x/255": X / 255,
    "255 x": 255 * X,
    "x standardised by column": (X - X.mean(0)) / X.std(0),
    "x standardised as a whole": (X - X.mean()) / X.std(),
    "x brought to 0 … 1 by column": (X - X.min(0)) / (X.max(0) - X.min(0)),
    "x without its mean": X - X.mean(0),
}


@pytest.mark.parametrize("words", SCALED)
def test_x_that_was_scaled(words: str, build: Any) -> None:
    diff = _checked(build, "functional float32", W, SCALED[words])
    assert [c.id for c in diff.causes] == ["other_input"], str(diff)
    assert f"those of {words}." in str(diff.causes[0])


@pytest.mark.matrix(most=1)
@KINDS
def test_the_four_that_once_had_no_name(kind: str, build: Any) -> None:
    without = W | {"dense_1/bias": np.zeros(5)}
    stepped = {n: a - 0.01 * _by_hand(W, X)[n] for n, a in W.items()}
    for w, x, name, words in (
        (without, X, "bias_left_out", "a network whose dense_1 has no bias"),
        (W, X / 255, "other_input", "x/255"),
        (W, X[::-1], "other_order", "x whose rows are turned round"),
        (stepped, X, "other_weights", "the weights after a step of learning rate 0.01"),
    ):
        diff = _checked(build, kind, w, x)
        known = {"stale_or_updated_kernel", "wrong_target"} if kind.startswith("known") else set()
        assert len(diff.causes) == 1, str(diff)
        assert diff.causes[0].id in {name, *known}, str(diff)
        assert words in str(diff.causes[0]) or diff.causes[0].id in known


def test_weights_that_were_rounded(build: Any) -> None:
    for dtype in ("float32", "float16"):
        diff = _checked(build, "functional float64", {n: a.astype(dtype).astype(float) for n, a in W.items()}, X)
        assert [c.id for c in diff.causes] == ["other_weights"], str(diff)
        assert f"weights rounded to {dtype}" in str(diff.causes[0])


@pytest.mark.parametrize("shift", [1, -1])
def test_rows_that_moved(shift: int, build: Any) -> None:
    diff = _checked(build, "functional float32", W, np.roll(X, shift, axis=0))
    words = "moved on by one" if shift == 1 else "moved back by one"
    assert [c.id for c in diff.causes] == ["other_order"], str(diff)
    assert words in str(diff.causes[0])


@pytest.mark.parametrize("kind", ["known float32", "functional float64"])
def test_nearly_one_of_them_gets_no_name(kind: str, build: Any) -> None:
    without = W | {"dense_1/bias": np.zeros(5)}
    nearly = {n: a * (1.001 if n == "dense_2/kernel" else 1) for n, a in without.items()}
    assert not _checked(build, kind, nearly, X).causes
    assert not _checked(build, kind, W, X / 250).causes


def test_several_inputs_and_a_train_step_of_ones_own_break_nothing() -> None:
    class Stepping(keras.Model):  # type: ignore[misc]
        def train_step(self, data: Any) -> Any:
            return super().train_step(data)

    a, b = keras.Input((3,)), keras.Input((3,))
    outputs = keras.layers.Dense(2)(keras.layers.Concatenate()([a, b]))
    for kind in (keras.Model, Stepping):
        model = kind([a, b], outputs)
        model.compile("sgd", "mse")
        odd = [np.ones(w.shape, "float32") for w in model.get_weights()]
        diff = check_gradients(model, [X.astype("float32"), X.astype("float32") ** 2], Y.astype("float32"), odd)
        assert diff.verdict.bad
        assert not diff.causes
