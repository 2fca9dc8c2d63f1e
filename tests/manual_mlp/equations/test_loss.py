"""Which E is differentiated."""

from __future__ import annotations

import math

import pytest

from manual_mlp import Loss
from manual_mlp.equations.loss import as_loss


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("mse", "mean_squared_error"),
        ("MSE", "mean_squared_error"),
        ("MeanSquaredError", "mean_squared_error"),
        ("bce", "binary_crossentropy"),
        ("BCE", "binary_crossentropy"),
        ("BinaryCrossentropy", "binary_crossentropy"),
        ("CategoricalCrossentropy", "categorical_crossentropy"),
        ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"),
    ],
)
def test_keras_aliases(alias: str, name: str) -> None:
    assert Loss(alias) == Loss(name)


def test_as_loss() -> None:
    loss = Loss("bce", from_logits=True)
    assert as_loss(loss) is loss
    assert as_loss("mse") == Loss("mean_squared_error")
    with pytest.raises(TypeError) as error:
        as_loss(len)
    assert str(error.value) == (
        "loss is builtin_function_or_method: expected a name such as 'mse', or a manual_mlp.Loss."
    )


def test_formulas_name_their_argument_and_their_scale() -> None:
    assert Loss("mse", scale=0.5).formula == "E = 0.5 · 1/(N·K) Σ_n Σ_k (ŷ − y)²"
    assert Loss("bce", from_logits=True).formula == "E = 1/(N·K) Σ_n Σ_k [max(u, 0) − u y + log(1 + exp(−|u|))]"
    assert Loss("categorical_crossentropy").write(False, True, "u") == "1/N (softmax(u) Σ_k y − y)"


def test_a_weight_stands_where_its_sample_is_summed_and_before_its_row() -> None:
    assert Loss("mse", scale=0.5).write(True, False, "z", "w") == "0.5 · 1/(N·K) Σ_n w_n Σ_k (z − y)²"
    assert Loss("mse", scale=0.5).write(False, False, "z", "w") == "0.5 · w_n · 2/(N·K) (z − y)"
    sparse = Loss("sparse_categorical_crossentropy")
    assert sparse.write(True, True, "u", "w") == "1/N Σ_n w_n (log Σ_j exp u_j − u_y)"


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("mean_squared_eror", "mean_squared_error"),
        ("categorical_cross_entropy", "categorical_crossentropy"),
        ("binary_cross_entropy", "binary_crossentropy"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one(given: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=f"^Unknown loss '{given}'. Did you mean '{nearest}'[?] Known: .*half_sum"):
        Loss(given)


def test_logits_belong_to_a_cross_entropy() -> None:
    with pytest.raises(ValueError, match="logits") as error:
        Loss("mse", from_logits=True)
    assert str(error.value) == (
        "mean_squared_error takes outputs, not logits: from_logits=True belongs to a cross-entropy. "
        "Leave it out, or choose binary_crossentropy or categorical_crossentropy."
    )


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
def test_a_scale_is_a_finite_number_above_zero(scale: float) -> None:
    with pytest.raises(ValueError, match="scale") as error:
        Loss("mse", scale=scale)
    assert str(error.value) == f"scale={scale} of mean_squared_error: expected a finite number above 0."


def test_the_scale_multiplies_the_factor_of_the_function() -> None:
    assert Loss("quadratic_cost", scale=4.0).factor(5, 2) == 4 / (2 * 5)
