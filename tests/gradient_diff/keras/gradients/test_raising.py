"""What a derivation raises in check_gradients says which operands met, in the names of the model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff.keras import check_gradients


def gradients(parameters: Any, x: Any, y: Any, draws: Any = None) -> Any:
    W1, b1, W2, b2 = parameters.values()
    z1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
    d2 = 2 * (z1 @ W2 + b2 - y) / y.size
    return d2 @ W2


def with_draws(parameters: Any, x: Any, y: Any, draws: Any) -> Any:
    return gradients(parameters, x, y)


def note(function: Any, *between: keras.Layer) -> str:
    layers = [keras.layers.Dense(5, "sigmoid", name="hidden"), *between, keras.layers.Dense(3, name="last")]
    model = keras.Sequential([keras.Input((6,)), *layers])
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="matmul") as caught:
        check_gradients(model, rng.normal(size=(20, 6)), rng.normal(size=(20, 3)), function, loss="mse")
    return str(caught.value.__notes__[-1])


@pytest.mark.parametrize("function", [gradients, with_draws])
def test_the_operands_have_the_model_s_names(function: Any) -> None:
    said = note(function)
    assert "`d2` (20, 3) is δ of last; `W2` (5, 3) is W of last." in said
    assert said.endswith("Write d2 @ W2.T\nTried: it is dE/dz of hidden.")


def test_where_masks_are_drawn_shapes_are_said() -> None:
    assert note(gradients, keras.layers.Dropout(0.5)).endswith("`d2` (20, 3); `W2` (5, 3).")


def test_what_is_raised_on_purpose_is_not_run_again() -> None:
    calls = []

    def counted(parameters: Any, x: Any, y: Any) -> Any:
        calls.append(1)
        raise KeyError("mine")

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    with pytest.raises(KeyError) as caught:
        check_gradients(model, np.ones((2, 6)), np.ones((2, 3)), counted, loss="mse")
    assert calls == [1]
    assert len(caught.value.__notes__) == 1


class _Raising(keras.Model):
    def __init__(self, where: str) -> None:
        super().__init__()
        self.where, self.inner = where, keras.layers.Dense(2)

    def call(self, x: Any) -> Any:
        if self.where == "call":
            raise KeyError("boom")
        return self.inner(x)

    def train_step(self, data: Any) -> Any:
        if self.where == "train_step":
            raise KeyError("boom")
        return super().train_step(data)


class _RaisingLoss(keras.losses.Loss):  # type: ignore[misc]
    def call(self, y_true: Any, y_pred: Any) -> Any:
        raise KeyError("boom")


@pytest.mark.parametrize("where", ["train_step", "call", "loss", "compiled loss"])
def test_what_the_model_s_own_code_raises_is_told_as_its_own(where: str) -> None:
    x, y = np.ones((3, 4), "float32"), np.ones((3, 2), "float32")
    model = _Raising("")
    model(x)
    model.where = where
    loss = _RaisingLoss() if where == "loss" else None
    model.compile("sgd", _RaisingLoss() if where == "compiled loss" else "mse")
    function = "call" if "loss" in where else where
    told = rf"in its own code: KeyError, boom, in {function}, test_raising\.py:\d+\. .*fit would raise it"
    with pytest.raises(ValueError, match=told):
        check_gradients(model, x, y, [np.zeros(w.shape) for w in model.weights], loss=loss)


def test_what_keras_cannot_do_for_the_model_s_code_is_told_where_it_asks() -> None:
    square = keras.layers.Lambda(lambda t: keras.ops.matmul(t, t))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4), square])
    with pytest.raises(ValueError, match=r"in its own code: .*incompatible.*, in <lambda>, test_raising\.py:\d+\."):
        check_gradients(model, np.ones((3, 4)), np.ones((3, 4)), [np.zeros((4, 4)), np.zeros(4)], loss="mse")
