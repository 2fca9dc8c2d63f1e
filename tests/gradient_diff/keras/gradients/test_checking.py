"""check_gradients: people's own gradients, in every form, against every kind of model and loss."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_gradients
from keras_mlp import parameters_of, to_keras
from manual_mlp import MLP, Array, Dense, ShapeError

MLP_SMALL = MLP(3, [Dense(4, "tanh"), Dense(4, "sigmoid"), Dense(2)])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
W = MLP_SMALL.initialize(0, "normal(0.5)", "normal(0.5)")
CLONE = "a float64 clone of the model"


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


def _named_functional() -> keras.Model:
    """The small network as a functional model."""
    inputs = keras.Input((3,), dtype="float64")
    hidden = keras.layers.Dense(4, "tanh", name="dense_1", dtype="float64")(inputs)
    hidden = keras.layers.Dense(4, "sigmoid", name="dense_2", dtype="float64")(hidden)
    model = keras.Model(inputs, keras.layers.Dense(2, name="dense_3", dtype="float64")(hidden))
    for variable, array in zip(model.trainable_weights, W.values(), strict=True):
        variable.assign(array)
    return model


@pytest.mark.parametrize("model", [_model, _named_functional], ids=["known", "functional"])
def test_what_a_function_does_to_its_arguments_spoils_nothing_and_is_said(model: Callable[[], keras.Model]) -> None:
    x, y = X.copy(), Y.copy()
    diff = check_gradients(model(), x, y, _residual_in_place, loss="mse")
    assert diff.ok
    assert diff.remark.startswith("Your function changed its arguments dense_1/bias, y in place.")
    diff = check_gradients(model(), x, y, _centred_in_place, loss="mse")
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
    (note,) = caught.value.__notes__
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


# REFERENCE_OFF


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
def test_a_float64_model_with_a_float32_loss_is_a_reference_that_is_off(name: str) -> None:
    model, loss = FLOAT32_LOSSES[name]()
    diff = check_gradients(model, X, Y, MINE, loss=loss)
    assert {row.status for row in diff.rows} == {Status.REFERENCE_OFF}
    assert "the complex-step witness" in diff.rows[0].reason
    ladder = check_gradients(model, X, Y, loss=loss)
    assert (ladder.verdict, ladder.culprit) == (Status.REFERENCE_OFF, "dense_3/dE_dz")
    assert ladder["dense_3/dE_dz"].judge == "isolated"


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


# models that cannot be checked


class _Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="mine")
        self.inner = keras.layers.Dense(2)

    def call(self, x: Any) -> Any:
        return self.inner(x)


def _nested() -> keras.Model:
    inputs = keras.Input((3,))
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)], name="inner")
    return keras.Model(inputs, inner(inputs), name="outer")


def test_models_that_cannot_be_checked_say_why() -> None:
    subclassed = _Subclassed()
    text = "The model has no weights yet: give it a keras.Input, or call it once on data."
    for unbuilt in (keras.Sequential([keras.layers.Dense(2)]), subclassed):
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            check_gradients(unbuilt, X, Y, [X], loss="mse")
    subclassed(X)
    with pytest.raises(TypeError, match=r"^mine is a subclass of keras\.Model, of which no float64 clone can be made"):
        check_gradients(subclassed, X, Y, [X], loss="mse")
    with pytest.raises(TypeError, match=r"^outer holds a model within the model, whose weights share names"):
        check_gradients(_nested(), X, Y, [X], loss="mse")
    with pytest.raises(TypeError, match=r"^model is MLP: expected a keras\.Model, Sequential or functional\."):
        check_gradients(MLP_SMALL, X, Y, MINE, loss="mse")


# the update form: code that only ever updates, unmodified


def _article_a(epochs: int = 1, *, stale: bool = False) -> tuple[list[Array], list[Array], Array, Array]:
    """Article A's loop as published; `stale` sends δ through the weights of the forward pass, as it should be."""

    def sigmoid(x: Array) -> Array:
        return 1 / (1 + np.power(np.e, -x))

    def inv_sig(x: Array) -> Array:
        return sigmoid(x) * (1 - sigmoid(x))

    np_random = np.random.RandomState(0)
    x = np.linspace(-5, 5, 100)[:, None]
    d = np.sin(x)
    w1, b1 = np_random.normal(0, 0.5, (1, 5)), np_random.normal(0, 0.5, (1, 5))
    w2, b2 = np_random.normal(0, 0.5, (5, 5)), np_random.normal(0, 0.5, (1, 5))
    w3, b3 = np_random.normal(0, 0.5, (5, 5)), np_random.normal(0, 0.5, (1, 5))
    w4, b4 = np_random.normal(0, 0.5, (5, 1)), np_random.normal(0, 0.5, (1, 1))
    before = [a.copy() for a in (w1, b1[0], w2, b2[0], w3, b3[0], w4, b4[0])]
    lr = 0.002
    for _ in range(epochs):
        u1 = np.dot(x, w1) + b1
        z1 = sigmoid(u1)
        u2 = np.dot(z1, w2) + b2
        z2 = sigmoid(u2)
        u3 = np.dot(z2, w3) + b3
        z3 = sigmoid(u3)
        y = np.dot(z3, w4) + b4
        old = (w2, w3, w4)
        delta = y - d
        w4 = w4 - lr * np.dot(z3.T, delta)
        b4 = b4 - lr * np.sum(delta, axis=0, keepdims=True)
        delta = inv_sig(u3) * np.dot(delta, (old[2] if stale else w4).T)
        w3 = w3 - lr * np.dot(z2.T, delta)
        b3 = b3 - lr * np.sum(delta, axis=0, keepdims=True)
        delta = inv_sig(u2) * np.dot(delta, (old[1] if stale else w3).T)
        w2 = w2 - lr * np.dot(z1.T, delta)
        b2 = b2 - lr * np.sum(delta, axis=0, keepdims=True)
        delta = inv_sig(u1) * np.dot(delta, (old[0] if stale else w2).T)
        w1 = w1 - lr * np.dot(x.T, delta)
        b1 = b1 - lr * np.sum(delta, axis=0, keepdims=True)
    return before, [w1, b1[0], w2, b2[0], w3, b3[0], w4, b4[0]], x, d


def _sine_model(before: Sequence[Array]) -> keras.Sequential:
    mlp = MLP(1, [*[Dense(5, "sigmoid")] * 3, Dense(1)])
    return to_keras(mlp, dict(zip(mlp.parameter_shapes, before, strict=True)))


def test_article_a_as_published_is_off_in_its_hidden_layers_and_exact_in_the_last() -> None:
    before, after, x, d = _article_a()
    diff = check_gradients(
        _sine_model(before), x, d, before=before, after=after, learning_rate=0.002, loss="half_sum_squared_error"
    )
    status = {row.name: row.status for row in diff.rows}
    assert diff.verdict is Status.MISMATCH
    assert diff.culprit == "dense_3/dE_dkernel"
    assert [n for n, s in status.items() if s is Status.MATCH] == ["dense_4/dE_dkernel", "dense_4/dE_dbias"]
    relative = [row.metrics.relative_l2 for row in diff.rows if row.metrics and row.status is Status.MISMATCH]
    assert len(relative) == 6
    assert 0.004 < min(relative) < max(relative) < 0.011  # 0.5 to 1.0 %


def test_the_same_loop_with_the_old_weights_passes() -> None:
    before, after, x, d = _article_a(stale=True)
    diff = check_gradients(
        _sine_model(before), x, d, before=before, after=after, learning_rate=0.002, loss="half_sum_squared_error"
    )
    assert diff.verdict is Status.MATCH
    assert {row.judge for row in diff.rows if row.reason != "bit-equal"} == {
        "σ of the network, and what storing the weights hides"
    }


def test_before_need_not_be_what_the_model_holds() -> None:
    before, after, x, d = _article_a(stale=True)
    model = _sine_model([a + 1 for a in before])
    model.compile(loss="mse")
    options = {"after": after, "learning_rate": 0.002, "loss": "half_sum_squared_error"}
    assert check_gradients(model, x, d, before=before, **options).ok  # type: ignore[arg-type]
    assert not check_gradients(model, x, d, **options).ok  # type: ignore[arg-type]


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


# bad input


def _refused(kind: type[Exception], text: str, *args: Any, **options: Any) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        check_gradients(_model(), X, Y, *args, **{"loss": "mse", **options})


def test_gradients_are_given_once() -> None:
    text = "Both gradients= and after= were given. Pass the gradients, or the weights around one update."
    _refused(ValueError, text, MINE, after=list(W.values()), learning_rate=0.1)


def test_an_update_needs_its_learning_rate() -> None:
    text = "after= without learning_rate=: the gradient is (before − after)/learning_rate."
    _refused(ValueError, text, after=list(W.values()))


@pytest.mark.parametrize("gradients", [None, MINE, _by_hand])
@pytest.mark.parametrize("before", [None, list(W.values())])
def test_a_learning_rate_needs_its_update(gradients: object, before: object) -> None:
    text = (
        "learning_rate= without after=: it is the lr of the step that led to after=, and no gradient is divided by it. "
        "Pass the weights after the step, too, or leave it out."
    )
    _refused(ValueError, text, gradients, before=before, learning_rate=0.3)


def test_weights_before_a_step_need_those_after_it() -> None:
    text = (
        "before= without after=: nothing of yours would be checked. Pass the weights after the step and its "
        "learning_rate=, or gradients= at these weights."
    )
    _refused(ValueError, text, before=list(W.values()))


def test_each_bad_argument_has_a_text_of_its_own() -> None:
    _refused(ValueError, "gradients: unknown names dense_9/kernel. The model has dense_1/kernel", {"dense_9/kernel": X})
    _refused(ValueError, "gradients holds 5 arrays, but the model has 6 weights", FLAT[:-1])
    _refused(ValueError, "after holds 5 arrays, but the model has 6 weights", after=FLAT[:-1], learning_rate=0.1)
    _refused(ValueError, "before holds 1 arrays, but the model has 6 weights", MINE, before=[X])
    _refused(TypeError, "learning_rate='0.1' is str: expected a number", after=FLAT, learning_rate="0.1")
    _refused(ValueError, "learning_rate=0: expected the lr of that step", after=FLAT, learning_rate=0)
    _refused(ValueError, "Unknown mode 'tpu': expected eager, graph, xla.", MINE, mode="tpu")
    _refused(TypeError, "gradients is int: expected a dict by name", 3)
    _refused(TypeError, "loss is int: expected a name", MINE, loss=3)
    _refused(ValueError, "The model was not compiled with a loss.", MINE, loss=None)
    _refused(ShapeError, "dense_1/kernel: W_after = W_before − lr dE/dW", after=[X, *FLAT[1:]], learning_rate=0.1)


def test_a_missing_gradient_is_a_row_and_no_error() -> None:
    diff = check_gradients(_model(), X, Y, {n: g for n, g in MINE.items() if n != "dense_2/bias"}, loss="mse")
    assert diff["dense_2/bias"].status is Status.MISSING


def test_a_transposed_gradient_is_a_row_and_no_error() -> None:
    diff = check_gradients(_model(), X, Y, {**MINE, "dense_1/kernel": MINE["dense_1/kernel"].T}, loss="mse")
    assert diff["dense_1/kernel"].status is Status.SHAPE
