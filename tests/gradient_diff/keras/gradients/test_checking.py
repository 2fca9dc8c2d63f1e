"""check_gradients: people's own gradients, in every form, against every kind of model and loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status, compare
from gradient_diff.keras import check_gradients
from keras_mlp import named_weights, parameters_of, to_keras
from manual_mlp import MLP, Array, Dense

pytestmark = [pytest.mark.usefixtures("unnamed"), pytest.mark.matrix("kind")]

MLP_SMALL = MLP(3, [Dense(4, "tanh"), Dense(4, "sigmoid"), Dense(2)])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
W = MLP_SMALL.initialize(0, "normal(0.5)", "normal(0.5)")
CLONE = "a float64 run of the model"


def _model(dtype: str = "float64") -> keras.Sequential:
    return to_keras(MLP_SMALL, {n: a.astype(dtype) for n, a in W.items()}, dtype)


def _by_hand(parameters: Any, x: Array, y: Array) -> dict[str, Array]:
    """Mean squared error, in plain NumPy."""
    w = {n: np.asarray(a, np.float64) for n, a in parameters.items()}
    z1 = np.tanh(x @ w["dense_1/kernel"] + w["dense_1/bias"])
    z2 = 1 / (1 + np.exp(-(z1 @ w["dense_2/kernel"] + w["dense_2/bias"])))
    d3 = 2 * (z2 @ w["dense_3/kernel"] + w["dense_3/bias"] - y) / y.size
    d2 = d3 @ w["dense_3/kernel"].T * z2 * (1 - z2)
    d1 = d2 @ w["dense_2/kernel"].T * (1 - z1**2)
    gradients = {}
    for i, (z, d) in enumerate(zip((x, z1, z2), (d1, d2, d3), strict=True), 1):
        gradients |= {f"dense_{i}/kernel": z.T @ d, f"dense_{i}/bias": d.sum(axis=0)}
    return gradients


def _pairs(gradients: dict[str, Array]) -> list[tuple[Array, Array]]:
    flat = list(gradients.values())
    return list(zip(flat[::2], flat[1::2], strict=True))


MINE = _by_hand(W, X, Y)
FLAT = list(MINE.values())
FORMS: dict[str, Any] = {
    "dict": MINE,
    "flat list": FLAT,
    "pairs": _pairs(MINE),
    "function": _by_hand,
    "function that returns pairs": lambda w, x, y: _pairs(_by_hand(w, x, y)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_right_gradients_matches(form: str) -> None:
    diff = check_gradients(_model(), X, Y, FORMS[form], loss="mse")
    assert diff.verdict is Status.MATCH
    assert len(diff.rows) == 6
    assert {row.judge for row in diff.rows} == {"σ of the network"}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_wrong_bias_is_a_mismatch_in_that_row(form: str) -> None:
    given = FORMS[form]

    def wrong(parameters: Any, x: Array, y: Array) -> object:
        mine = {n: g.copy() for n, g in _by_hand(parameters, x, y).items()}
        mine["dense_2/bias"] *= 1.001
        shaped = {"flat list": list(mine.values()), "pairs": _pairs(mine), "function that returns pairs": _pairs(mine)}
        return shaped.get(form, mine)

    diff = check_gradients(_model(), X, Y, wrong if callable(given) else wrong(W, X, Y), loss="mse")
    assert (diff.verdict, diff.culprit) == (Status.MISMATCH, "dense_2/dE_dbias")
    assert [r.name for r in diff.rows if r.status.bad] == ["dense_2/dE_dbias"]


def test_a_function_is_given_parameters_by_name_and_the_data() -> None:
    seen: list[Any] = []
    check_gradients(_model(), X, Y, lambda *a: seen.append(a) or MINE, loss="mse")
    (parameters, x, y), *_ = seen
    assert list(parameters) == list(W)
    assert np.array_equal(x, X)
    assert np.array_equal(y, Y)


def test_a_function_without_a_return_is_no_match() -> None:
    with pytest.raises(TypeError, match=r"^Your function returned None: expected the gradients\."):
        check_gradients(_model(), X, Y, lambda w, x, y: None, loss="mse")


def _residual_in_place(w: Any, x: Array, y: Array) -> dict[str, Array]:
    mine = _by_hand(w, x, y)
    y -= 1
    w["dense_1/bias"] += 1
    return mine


def _centred_in_place(w: Any, x: Array, y: Array) -> dict[str, Array]:
    x -= x.mean(axis=0)
    return _by_hand(w, x, y)


@pytest.mark.parametrize("kind", ["known float64", "functional float64"])
def test_what_a_function_does_to_its_arguments_spoils_nothing_and_is_said(kind: str, build: Any) -> None:
    x, y = X.copy(), Y.copy()
    diff = check_gradients(build(kind, MLP_SMALL, W), x, y, _residual_in_place, loss="mse")
    assert diff.ok
    assert diff.remark.startswith("Your function changed its arguments dense_1/bias, y in place.")
    diff = check_gradients(build(kind, MLP_SMALL, W), x, y, _centred_in_place, loss="mse")
    assert diff.verdict is Status.MISMATCH
    assert diff.remark.startswith("Your function changed its argument x in place.")
    assert (x == X).all()
    assert (y == Y).all()


def test_a_function_that_knows_the_callers_arrays_cannot_spoil_the_judgement() -> None:
    x = X.copy()

    def centred(w: Any, given: Array, y: Array) -> dict[str, Array]:
        nonlocal x
        x -= x.mean(axis=0)
        return _by_hand(w, x, y)

    assert check_gradients(_model(), x, Y, centred, loss="mse").verdict is Status.MISMATCH


def test_a_function_may_refuse_smaller_batches_as_it_likes() -> None:
    def wrong(w: Any, x: Array, y: Array) -> dict[str, Array]:
        assert x.shape == (7, 3)
        mine = _by_hand(w, x, y)
        return {**mine, "dense_2/bias": mine["dense_2/bias"] + mine["dense_2/bias"] ** 2}

    diff = check_gradients(_model(), X, Y, wrong, loss="mse")
    assert diff.culprit == "dense_2/dE_dbias"
    assert diff.smallest is not None
    assert diff.smallest.problem.batch == 7


def test_a_function_that_wants_masks_where_there_are_none_is_cut_down_too() -> None:
    def wrong(w: Any, x: Array, y: Array, draws: Any) -> dict[str, Array]:
        mine = _by_hand(w, x, y)
        return {**mine, "dense_2/bias": mine["dense_2/bias"] + mine["dense_2/bias"] ** 2}

    smallest = check_gradients(_model(), X, Y, wrong, loss="mse").smallest
    assert smallest is not None
    assert smallest.problem.batch == 1


def test_an_error_of_a_function_tells_what_it_was_given() -> None:
    def positional(parameters: Any, x: Array, y: Array) -> object:
        w1, *_ = parameters
        return x @ w1

    with pytest.raises(TypeError, match="matmul") as caught:
        check_gradients(_model(), X, Y, positional, loss="mse")
    note, where = caught.value.__notes__
    assert "positional" in where
    assert "with parameters, a dict of 'dense_1/kernel' (3, 4)" in note
    assert note.endswith("all of them, in order: parameters.values().")


def test_the_model_is_left_as_it_was() -> None:
    model = _model()
    before = parameters_of(model)
    check_gradients(model, X, Y, MINE, loss="mse", before=[a + 1 for a in W.values()])
    assert all(np.array_equal(a, before[n]) for n, a in parameters_of(model).items())


def test_without_gradients_the_houses_own_derivation_checks_the_model() -> None:
    diff = check_gradients(_model(), X, Y, loss="mse")
    assert diff.ok
    assert len(diff.rows) == 20
    assert diff.hand_origin == "manual_mlp"


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_every_mode_of_the_tape(mode: Any) -> None:
    assert check_gradients(_model("float32"), X, Y, _by_hand, loss="mse", mode=mode).ok


# losses


def _mse(y_true: Any, y_pred: Any) -> Any:
    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)


LOSSES: dict[str, Any] = {
    "house name": "mean_squared_error",
    "alias": "mse",
    "function": _mse,
    "Keras's function": keras.losses.mean_squared_error,
    "float64 object": keras.losses.MeanSquaredError(dtype="float64"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_every_way_to_name_a_loss(name: str) -> None:
    assert check_gradients(_model(), X, Y, MINE, loss=LOSSES[name]).verdict is Status.MATCH
    twice = {n: 2 * g for n, g in MINE.items()}
    wrong = Status.MISMATCH
    assert check_gradients(_model(), X, Y, twice, loss=LOSSES[name]).verdict is wrong


def test_the_compiled_loss() -> None:
    model = _model("float32")
    model.compile(loss="mse")
    mine = {n: g.astype("f4") for n, g in MINE.items()}
    assert check_gradients(model, X, Y, mine).verdict is Status.MATCH
    assert check_gradients(model, X, Y, {n: 2 * g for n, g in mine.items()}).verdict is Status.MISMATCH


# the loss objects of Keras, and REFERENCE_OFF


def _compiled(loss: object) -> keras.Model:
    model = _model()
    model.compile(loss=loss)
    return model


FLOAT32_LOSSES: dict[str, Callable[[], tuple[keras.Model, object]]] = {
    "object": lambda: (_model(), keras.losses.MeanSquaredError()),
    "compiled by name": lambda: (_compiled("mse"), None),
    "compiled object": lambda: (_compiled(keras.losses.MeanSquaredError()), None),
}


@pytest.mark.parametrize("name", FLOAT32_LOSSES)
def test_e_of_a_float32_loss_object_is_judged_in_float64(name: str) -> None:
    """A loss object casts what it is given to its own dtype: that cast convicts nobody."""
    model, loss = FLOAT32_LOSSES[name]()
    assert {row.status for row in check_gradients(model, X, Y, MINE, loss=loss).rows} == {Status.MATCH}
    assert check_gradients(model, X, Y, loss=loss).verdict is Status.MATCH
    for wrong in (2.0, 1 + 1e-9):
        diff = check_gradients(model, X, Y, {n: wrong * g for n, g in MINE.items()}, loss=loss)
        assert {row.status for row in diff.rows} == {Status.MISMATCH}


def test_the_very_gradients_of_a_float32_loss_are_off() -> None:
    model = _compiled("mse")
    with tf.GradientTape() as tape:
        value = model.compute_loss(y=tf.constant(Y), y_pred=model(tf.constant(X)))
    weights = named_weights(model)
    tensors = tape.gradient(value, [w.value for w in weights.values()])
    reference = {n: t.numpy() for n, t in zip(weights, tensors, strict=True)}
    diff = compare(MLP_SMALL.backpropagate(W, X, Y, "mse"), reference)
    assert {row.status for row in diff.rows} == {Status.REFERENCE_OFF}
    assert "the complex-step witness" in diff.rows[0].reason


SATURATED = MLP(2, [Dense(3, "softmax")])
SATURATED_W = {"dense_1/kernel": np.array([[30.0, -10, 0], [0, 20, -30]]), "dense_1/bias": np.zeros(3)}
XS = np.random.default_rng(0).normal(size=(6, 2))
YS = np.eye(3)[[0, 2, 1, 1, 0, 2]]


def test_a_cross_entropy_on_saturated_probabilities_that_lost_their_logits_is_off() -> None:
    """A loss object casts to float32: the logits on the tensor are gone, and ln p is clipped at 1e-7."""
    model = to_keras(SATURATED, SATURATED_W)
    right = SATURATED.backpropagate(SATURATED_W, XS, YS, "categorical_crossentropy")
    assert check_gradients(model, XS, YS, right.gradients, loss="categorical_crossentropy").ok
    for loss in (keras.losses.CategoricalCrossentropy(), None):
        model.compile(loss="categorical_crossentropy")
        diff = check_gradients(model, XS, YS, right.gradients, loss=loss)
        assert {row.status for row in diff.rows} == {Status.REFERENCE_OFF}
        ladder = check_gradients(model, XS, YS, loss=loss)
        assert (ladder.verdict, ladder.culprit) == (Status.REFERENCE_OFF, "loss")
        assert {row.status for row in ladder.rows if not row.status.ok} == {Status.REFERENCE_OFF}
        assert ladder["dense_1/dE_du"].status is Status.REFERENCE_OFF


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_labels_that_do_not_sum_to_1_are_lost_in_the_fused_cross_entropy(dtype: str) -> None:
    """TensorFlow leaves out Σ_k y of c (softmax(u) Σ_k y − y)."""
    w = {n: a.astype(dtype) for n, a in SATURATED.initialize(0).items()}
    model, labels = to_keras(SATURATED, w, dtype), np.random.default_rng(1).random((6, 3))
    mine = SATURATED.backpropagate(w, XS, labels, "categorical_crossentropy").gradients
    diff = check_gradients(model, XS, labels, mine, loss="categorical_crossentropy")
    assert {row.status for row in diff.rows} == {Status.REFERENCE_OFF}
    ladder = check_gradients(model, XS, labels, loss="categorical_crossentropy")
    assert (ladder.verdict, ladder.culprit) == (Status.REFERENCE_OFF, "dense_1/dE_du")
    assert check_gradients(model, XS, YS, loss="categorical_crossentropy").ok


# dtypes


def test_a_float32_model_meets_float64_arrays_in_float64() -> None:
    diff = check_gradients(_model("float32"), X, Y, _by_hand, loss="mse")
    assert diff.verdict is Status.MATCH
    assert {row.dtype for row in diff.rows} == {"float64"}
    assert max(row.metrics.relative_l2 for row in diff.rows if row.metrics) < 1e-14
    nearly = {n: g * (1 + 1e-9) for n, g in _by_hand(parameters_of(_model("float32")), X, Y).items()}
    assert check_gradients(_model("float32"), X, Y, nearly, loss="mse").verdict is Status.MISMATCH


def test_float32_arrays_are_judged_in_float32() -> None:
    mine = {n: g.astype("f4") for n, g in MINE.items()}
    diff = check_gradients(_model("float32"), X, Y, mine, loss="mse")
    assert diff.verdict is Status.MATCH
    assert {row.dtype for row in diff.rows} == {"float32"}


# a step


@pytest.mark.parametrize("lr", [0.1, 1e-3])
def test_an_update_of_float32_weights_hides_what_their_storing_hides(lr: float) -> None:
    model = _model("float32")
    before = parameters_of(model)
    gradients = _by_hand(before, X, Y)
    after = {n: (a - np.float32(lr) * gradients[n].astype("f4")).astype("f4") for n, a in before.items()}
    assert check_gradients(model, X, Y, after=after, learning_rate=lr, loss="mse").verdict is Status.MATCH
    after["dense_2/kernel"] = before["dense_2/kernel"] - np.float32(2 * lr) * gradients["dense_2/kernel"].astype("f4")
    wrong = check_gradients(model, X, Y, after=after, learning_rate=lr, loss="mse")
    assert (wrong.verdict, wrong.culprit) == (Status.MISMATCH, "dense_2/dE_dkernel")


# what is missing or misshapen


def test_a_missing_gradient_is_a_row_and_no_error() -> None:
    diff = check_gradients(_model(), X, Y, {n: g for n, g in MINE.items() if n != "dense_2/bias"}, loss="mse")
    assert diff["dense_2/bias"].status is Status.MISSING


def test_a_transposed_gradient_is_a_row_and_no_error() -> None:
    diff = check_gradients(_model(), X, Y, {**MINE, "dense_1/kernel": MINE["dense_1/kernel"].T}, loss="mse")
    assert diff["dense_1/kernel"].status is Status.SHAPE
