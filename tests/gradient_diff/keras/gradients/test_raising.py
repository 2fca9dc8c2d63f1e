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
