"""What public code returns: (J, θ), (loss, dict), dicts with dA among them, lists with one kernel transposed."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from gradient_diff import Status, compare
from gradient_diff.keras import check_gradients
from keras_mlp import to_keras
from manual_mlp import MLP, Array, Dense, Evaluation

NET = MLP(4, [Dense(5, "tanh"), Dense(3, "sigmoid")])
RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(6, 4)), RNG.random((6, 3)), NET.initialize(1, bias_initializer="normal(0.3)")


@pytest.fixture
def evaluation() -> Evaluation:
    """Of a net whose matrices all have shapes of their own."""
    return NET.backpropagate(W, X, Y, "mse")


def _theta(e: Evaluation) -> Array:
    return np.concatenate([g.ravel() for g in e.gradients.values()])


@pytest.mark.parametrize("number", [float, np.float64, np.array])
@pytest.mark.parametrize("form", ["θ", "list", "one by one", "dict"])
def test_e_may_stand_first(number: type, form: str, evaluation: Evaluation) -> None:
    loss, arrays = number(evaluation.loss), list(evaluation.gradients.values())
    named = dict(zip(("W1", "b1", "W2", "b2"), arrays, strict=True))
    given = {
        "θ": (loss, _theta(evaluation)),
        "list": (loss, arrays),
        "one by one": (loss, *arrays),
        "dict": (loss, named),
    }
    diff = compare(given[form], evaluation)
    assert diff.ok
    assert diff["loss"].status is Status.MATCH
    model = to_keras(NET, W, "float64")
    assert check_gradients(model, X, Y, given[form], loss="mse").ok


def test_a_list_of_a_kernel_and_a_bias_holds_no_e() -> None:
    one = MLP(2, [Dense(1)])
    e = one.backpropagate(one.initialize(0), X[:, :2], Y[:, :1], "mse")
    assert compare([*e.gradients.values()], e).ok


def test_what_is_of_no_parameter_costs_the_others_nothing(evaluation: Evaluation) -> None:
    named = dict(zip(("dW1", "db1", "dW2", "db2"), evaluation.gradients.values(), strict=True))
    diff = compare({**named, "dA1": np.ones((5, 6))}, evaluation)
    assert [row.name for row in diff if row.status is not Status.MATCH] == ["dA1"]


def test_names_that_are_stated_hold_where_shapes_do_not(evaluation: Evaluation) -> None:
    g = evaluation.gradients
    columns = {f"d{n}": a for n, a in zip(("W1", "W2"), (g["dense_1/kernel"].T, g["dense_2/kernel"].T), strict=True)}
    wrong = {**columns, **{f"db{i}": np.ones((6, 1)) for i in (1, 2)}}
    statuses = {row.name: row.status for row in compare(wrong, evaluation)}
    assert statuses["dense_1/dE_dbias"] is statuses["dense_2/dE_dbias"] is Status.SHAPE
    assert Status.MISSING not in statuses.values()


@pytest.mark.parametrize("order", ["b1 b2 W1 W2", "W1 W2 b1 b2", "W2 b2 W1 b1", "W1 b1 W2 b2"])
def test_one_kernel_transposed_stays_the_mistake_in_any_order(order: str, evaluation: Evaluation) -> None:
    named = dict(zip(("W1", "b1", "W2", "b2"), evaluation.gradients.values(), strict=True))
    named["W2"] = named["W2"].T
    diff = compare([named[n] for n in order.split()], evaluation)
    assert diff["dense_2/kernel"].status is Status.SHAPE
    assert [row.name for row in diff if row.status.bad] == ["dense_2/dE_dkernel"]


@pytest.mark.parametrize("kind", ["described", "functional"])
def test_a_right_step_of_float64_weights_with_a_decay_that_keras_rounds(kind: str) -> None:
    lam, lr = 0.005, 0.01
    layer = keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(lam), dtype="float64")
    inputs = keras.Input((4,), dtype="float64")
    outputs = (
        layer(inputs) if kind == "described" else keras.layers.Dropout(0.0)(keras.layers.Add()([layer(inputs)] * 2)) / 2
    )
    model = keras.Sequential([inputs, layer]) if kind == "described" else keras.Model(inputs, outputs)
    w, b = layer.get_weights()
    d = 2 * (X @ w + b - Y) / Y.size
    g = [X.T @ d + 2 * lam * w, d.sum(0)]
    assert check_gradients(model, X, Y, g, loss="mse").ok
    after = [a - lr * da for a, da in zip((w, b), g, strict=True)]
    assert check_gradients(model, X, Y, after=after, learning_rate=lr, loss="mse").verdict is Status.MATCH


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("form", ["θ", "Θ"])
def test_an_exact_output_layer_tells_the_layout_of_a_wrong_hidden_one(seed: int, form: str) -> None:
    """However far off the hidden layer is: f′ is forgotten there."""
    weights = NET.initialize(seed, bias_initializer="normal(0.3)")
    e = NET.backpropagate(weights, X, Y, "mse")
    d, (_, _, w2, b2) = e.nodes["dense_1/dE_dz"], e.gradients.values()
    wrong = [X.T @ d, d.sum(0), w2, b2]
    thetas = [np.vstack([wrong[1], wrong[0]]).T, np.vstack([b2, w2]).T]
    diff = compare(np.concatenate([a.ravel() for a in wrong]) if form == "θ" else thetas, e)
    assert [row.name for row in diff if row.status.bad] == ["dense_1/dE_dkernel", "dense_1/dE_dbias"]
    assert diff.causes[0].id == "missing_derivative"


@pytest.mark.parametrize("first", [0, 4, 9])
@pytest.mark.parametrize("end", ["", ":0"])
@pytest.mark.parametrize("units", [(5, 3), (4, 4)])
def test_keras_counts_from_whatever_number(first: int, end: str, units: tuple[int, int]) -> None:
    """A name that the reference has, too, is not taken for the same layer before the others are."""
    net = MLP(4, [Dense(units[0], "tanh"), Dense(units[1])])
    e = net.backpropagate(net.initialize(0, bias_initializer="normal(0.3)"), X, RNG.normal(size=(6, units[1])), "mse")
    names = [f"dense{f'_{first + i}' * bool(first + i)}" for i in range(2)]
    keys = [f"{layer}/{kind}{end}" for layer in names for kind in ("kernel", "bias")]
    right = dict(zip(keys, e.gradients.values(), strict=True))
    assert compare(right, e).ok
    wrong = {n: -g if n.startswith(f"{names[1]}/k") else g for n, g in right.items()}
    assert [row.name for row in compare(wrong, e) if row.status.bad] == ["dense_2/dE_dkernel"]
