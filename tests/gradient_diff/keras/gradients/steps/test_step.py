"""A step of somebody's training code: its gradient, another learning rate, and no step at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import GradientDiff, Noise, Status, rounding_noise
from gradient_diff.judging import judgement
from gradient_diff.keras import check_gradients
from gradient_diff.noise.given import wider
from gradient_diff.noise.network import MORE_DRAWS, drawn_again, update_bound
from gradient_diff.stepping.step import Step, checked_rate, inferred_gradients
from keras_mlp import parameters_of, to_keras
from manual_mlp import MLP, Array, Dense, Problem, ShapeError

pytestmark = pytest.mark.matrix("kind")

MLP_SMALL = MLP(3, [Dense(4, "tanh"), Dense(2)])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
W = MLP_SMALL.initialize(0)


@pytest.fixture
def made(build: Any) -> Callable[[str], keras.Model]:
    """One whose network is known, and one that is judged by a float64 clone."""
    return lambda kind: build(kind, MLP_SMALL, W)


Made = Callable[[str], keras.Model]
KINDS = ["known float64", "known float32", "functional float64", "functional float32"]


def _stepped(model: keras.Model, lr: float, **factors: float) -> dict[str, np.ndarray]:
    """The weights after a step of gradient descent in the model's own dtype."""
    before = parameters_of(model)
    right = MLP_SMALL.backpropagate(before, X, Y, "mse").gradients
    return {
        n: (a - a.dtype.type(lr * factors.get(n.replace("/", "_"), 1.0)) * right[n]).astype(a.dtype)
        for n, a in before.items()
    }


def _checked(model: keras.Model, after: Any, lr: float) -> GradientDiff:
    return check_gradients(model, X, Y, after=after, learning_rate=lr, loss="mse")


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("used", "given", "times"), [(0.02, 0.002, "10"), (0.002, 0.02, "0.1"), (0.013, 0.01, "1.3")])
def test_a_step_of_another_learning_rate_is_named(kind: str, used: float, given: float, times: str, made: Made) -> None:
    model = made(kind)
    assert _checked(model, _stepped(model, used), used).ok
    diff = _checked(model, _stepped(model, used), given)
    assert diff.verdict in (Status.MISMATCH, Status.DIFFERENT)
    assert [c.id for c in diff.causes if c.id in ("other_learning_rate", "learning_rate_inside")] == [
        "other_learning_rate"
    ]
    assert not any(c.together for c in diff.causes)
    assert diff.causes[-1].message == (
        f"your step is {times} times the one of learning_rate={given}: did it use {used}? "
        "At that rate every gradient matches."
    )


@pytest.mark.parametrize("name", [None, "sgd"])
@pytest.mark.parametrize(
    ("off", "said"),
    [
        (1e-3, "your step is 1.001 times the one of learning_rate=0.01: did it use 0.01001?"),
        (-1e-3, "your step is 0.999 times the one of learning_rate=0.01: did it use 0.00999?"),
        (3e-4, "your step is 1.0003 times the one of learning_rate=0.01: did it use 0.010003?"),
        (-2e-5, "your step is 0.002 % shorter than the one of learning_rate=0.01: did it use 0.0099998?"),
    ],
)
def test_a_rate_that_is_a_little_off_is_that_rate(off: float, said: str, name: str | None, made: Made) -> None:
    """And no momentum of half that rate, which would leave the same weights."""
    model = made("functional float64")
    after = _stepped(model, 0.01 * (1 + off))
    diff = check_gradients(model, X, Y, after=after, learning_rate=0.01, loss="mse", optimizer=name)
    assert diff.verdict.bad
    assert [c.id for c in diff.causes] == ["other_learning_rate"]
    assert diff.causes[0].message.startswith(said)


def test_another_rate_of_an_optimizer_is_spelled_with_its_settings(made: Made) -> None:
    model = made("functional float32")
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), "mse")
    model.train_on_batch(X, Y)
    after = parameters_of(model)
    model.set_weights(before)
    given = keras.optimizers.SGD(0.04, momentum=0.9, nesterov=True)
    diff = check_gradients(model, X, Y, after=after, optimizer=given, loss="mse")
    assert "keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)" in diff.causes[0].message


def _by_keras(model: keras.Model, lr: float, loss: str = "mse") -> dict[str, np.ndarray]:
    """The weights after a step of Keras's own optimizer; the model is left as it was."""
    before = model.get_weights()
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(tf.square(model(X) - Y))
    variables = model.trainable_weights
    keras.optimizers.SGD(lr).apply(tape.gradient(value, [v.value for v in variables]), variables)
    after = parameters_of(model)
    model.set_weights(before)
    return after


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("kind", ["known float64", "functional float64"])
def test_a_step_of_kerass_own_optimizer_has_its_rate_in_float32(kind: str, made: Made) -> None:
    model = made(kind)
    after = _by_keras(model, 0.002)
    diff = _checked(model, after, 0.002)
    assert diff.verdict is Status.MATCH
    assert "a step of lr = 0.0020000000949949026: 0.002 in float32, as Keras holds it" in diff.hand_origin
    wrong = {**after, "dense_1/bias": after["dense_1/bias"] * (1 + 1e-3)}
    assert _checked(model, wrong, 0.002).verdict is Status.MISMATCH
    assert "as Keras holds it" not in _checked(model, _stepped(model, 0.002), 0.002).hand_origin
    assert _checked(model, _by_keras(model, 0.25), 0.25).hand_origin == "given arrays"  # float32 holds ¼


def test_a_step_of_kerass_own_training_goes_through_float32(made: Made) -> None:
    model = made("known float64")
    model.compile(keras.optimizers.SGD(0.25), "mse")
    before = model.get_weights()
    model.train_on_batch(X, Y)
    after = parameters_of(model)
    model.set_weights(before)
    diff = _checked(model, after, 0.25)
    assert (diff.verdict, diff.causes) == (Status.MISMATCH, ())
    assert "no larger than the rounding of float32, but both sides are float64" in diff.unexplained


@pytest.mark.matrix(most=1)
@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("kind", ["known float64", "functional float64"])
@pytest.mark.parametrize("loss", ["mse", "sparse_categorical_crossentropy"])
def test_a_step_of_kerass_own_training_is_right_of_the_compiled_loss(kind: str, loss: str, made: Made) -> None:
    model, y = made(kind), np.arange(len(Y)) % Y.shape[1] if loss != "mse" else Y
    model.compile(keras.optimizers.SGD(0.25), loss)
    before = model.get_weights()
    model.train_on_batch(X, y)
    after = parameters_of(model)
    model.set_weights(before)

    def checked(after: Any) -> GradientDiff:
        return check_gradients(model, X, y, before=before, after=after, learning_rate=0.25)

    right = checked(after)
    assert right.ok
    assert all("of E in float32, in which Keras computes this loss" in row.reason for row in right.rows)
    wrong = {n: a * (1 + 1e-6) if n == "dense_1/kernel" else a for n, a in after.items()}
    assert checked(wrong).verdict is Status.MISMATCH


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_of_many_digits_is_found_too(kind: str, made: Made) -> None:
    """The biases, which start at 0, tell it best: storing the kernels hides the last digits of theirs."""
    model = made(kind)
    diff = _checked(model, _stepped(model, 0.00123456), 0.1)
    assert diff.causes[-1].message.endswith("did it use 0.001235? At that rate every gradient matches.")


def test_a_factor_that_a_known_mistake_explains_comes_first(made: Made) -> None:
    model = made("known float64")
    diff = _checked(model, _stepped(model, 0.07), 0.01)
    assert diff.causes[0].id == "missing_batch_mean"
    assert diff.causes[-1].id == "other_learning_rate"


@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("off", [1.0005, 1.01, 2])
def test_a_rate_is_named_only_where_it_explains_every_gradient(kind: str, off: float, made: Made) -> None:
    model = made(kind)
    after = _stepped(model, 0.02, dense_1_bias=off)
    diff = _checked(model, after, 0.002)
    assert diff.verdict.bad
    assert "other_learning_rate" not in [c.id for c in diff.causes]


def test_a_step_uphill_is_a_wrong_sign_and_no_rate(made: Made) -> None:
    model = made("known float32")
    diff = _checked(model, _stepped(model, -0.01), 0.01)
    assert diff.causes[0].id == "sign"
    assert "other_learning_rate" not in [c.id for c in diff.causes]


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [0.1, 0.01])
def test_before_and_after_exchanged_are_named(kind: str, rate: float, made: Made) -> None:
    model = made(kind)
    before, after = parameters_of(model), _stepped(model, rate)
    diff = check_gradients(model, X, Y, before=after, after=before, learning_rate=rate, loss="mse")
    assert diff.verdict.bad
    assert [(c.id, c.title) for c in diff.causes] == [("sign", "before and after are exchanged")]
    assert diff.headline().startswith(f"{diff.verdict.name}: before and after are exchanged (")
    off = {n: a * (1 + 1e-3) for n, a in before.items()}
    wrong = check_gradients(model, X, Y, before=after, after=off, learning_rate=rate, loss="mse")
    assert "before and after are exchanged" not in [c.title for c in wrong.causes]


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_did_not_change_are_no_step(kind: str, made: Made) -> None:
    model = made(kind)
    same = parameters_of(model)
    diff = _checked(model, same, 0.01)
    assert diff.verdict is Status.INCONCLUSIVE  # an optimizer that accumulates leaves them, too
    assert diff.headline().startswith("INCONCLUSIVE: the weights did not change")
    said = check_gradients(model, X, Y, after=same, learning_rate=0.01, optimizer="sgd", loss="mse")
    assert said.verdict.bad
    for found in (diff, said):
        assert [c.id for c in found.causes] == ["missing_gradient"]
        assert found.causes[0].message.startswith("the weights did not change: every one is the same before and after.")
        assert found.unexplained == ""


def test_what_a_step_says_of_its_gradient() -> None:
    before, after = {"w": np.array([1.0, 2.0])}, {"w": np.array([0.5, 2.5])}
    step = Step(before, after, 0.25)
    assert step.gradients["w"].tolist() == [2.0, -2.0]
    assert np.array_equal(step.hidden["w"], update_bound(before["w"], after["w"], 0.25))


def test_the_rate_may_be_the_variable_of_an_optimizer(made: Made) -> None:
    model = made("known float32")
    optimizer = keras.optimizers.SGD(0.125)
    assert _checked(model, _stepped(model, 0.125), optimizer.learning_rate).ok
    assert _checked(model, _stepped(model, 0.125), tf.constant(0.125)).ok  # type: ignore[arg-type]  # a number


def test_what_storing_the_weights_hides_is_granted_beside_the_rounding() -> None:
    plain = rounding_noise(MLP_SMALL.problem(W, X, Y, "mse"))
    node = "dense_1/dE_dkernel"
    more = wider(plain, {node: np.full((3, 4), 0.5)})
    assert np.array_equal(more.bound[node], plain.bound[node] + 0.5)
    assert np.array_equal(more.bound["dense_2/dE_dkernel"], plain.bound["dense_2/dE_dkernel"])
    assert more.source == f"{plain.source}, and what storing the weights hides"


# the update form: article A, whose code only ever updates


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


@pytest.mark.usefixtures("unnamed")
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


@pytest.mark.slow
@pytest.mark.usefixtures("unnamed")
def test_before_need_not_be_what_the_model_holds() -> None:
    before, after, x, d = _article_a(stale=True)
    model = _sine_model([a + 1 for a in before])
    model.compile(loss="mse")
    options = {"after": after, "learning_rate": 0.002, "loss": "half_sum_squared_error"}
    assert check_gradients(model, x, d, before=before, **options).ok  # type: ignore[arg-type]
    assert not check_gradients(model, x, d, **options).ok  # type: ignore[arg-type]


# rounding


@pytest.mark.usefixtures("unnamed")
def test_a_close_call_of_a_step_is_drawn_again(monkeypatch: pytest.MonkeyPatch, made: Made) -> None:
    """Of 8 draws the spread is itself uncertain; what storing the weights hides is granted beside 32, too."""
    drawn: list[int] = []

    def counting(noise: Noise, problem: Problem, draws: int) -> Noise:
        drawn.append(draws)
        again = drawn_again(noise, problem, draws)
        assert all(np.array_equal(again.bound[n], b) for n, b in noise.bound.items())
        return again

    monkeypatch.setattr(judgement, "drawn_again", counting)
    model, lr, name = made("known float32"), 64.0, "dense_1/kernel"
    after = _stepped(model, lr)
    noise = rounding_noise(MLP_SMALL.problem(parameters_of(model), X, Y, "mse"))
    hidden = update_bound(parameters_of(model)[name], after[name], lr)
    assert _checked(model, after, lr).ok
    after[name][0, 0] -= lr * (30 * noise.sigma["dense_1/dE_dkernel"] + hidden)[0, 0]
    row = _checked(model, after, lr)["dense_1/kernel"]
    assert row.distance is not None
    assert 16 < row.distance < 64
    assert set(drawn) == {MORE_DRAWS}  # of the step as it was said, and of the rate that it has


# gradients inferred from an update


def test_a_step_gives_its_gradient_back() -> None:
    rng = np.random.default_rng(0)
    before, gradient = {"w": rng.normal(size=(3, 2))}, rng.normal(size=(3, 2))
    inferred = inferred_gradients(before, {"w": before["w"] - 0.01 * gradient}, 0.01)
    np.testing.assert_allclose(inferred["w"], gradient, rtol=1e-12)


def test_float32_weights_are_subtracted_in_float64() -> None:
    before, after = {"w": np.array([1.0], np.float32)}, {"w": np.array([1 + 2.0**-23], np.float32)}
    inferred = inferred_gradients(before, after, 0.001)["w"]
    assert inferred.dtype == np.float64
    assert inferred[0] == -(2.0**-23) / 0.001


@pytest.mark.parametrize("lr", [0.0, -0.1, float("inf"), float("nan")])
def test_a_learning_rate_that_is_none_is_refused(lr: float) -> None:
    text = f"learning_rate={lr}: expected the lr of that step, a finite number above 0."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        inferred_gradients({"w": np.ones(1)}, {"w": np.ones(1)}, lr)


@pytest.mark.parametrize("lr", ["0.01", True, [0.1], None, np.ones(1), 1j])
def test_a_learning_rate_that_is_no_number_is_refused(lr: Any) -> None:
    text = f"learning_rate={lr!r} is {type(lr).__name__}: expected a number, the lr of that step."
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        inferred_gradients({"w": np.ones(1)}, {"w": np.ones(1)}, lr)


@pytest.mark.parametrize("lr", [1, 0.5, np.float32(0.5), np.array(0.5), np.int64(2)])
def test_every_number_is_a_learning_rate(lr: Any) -> None:
    assert type(checked_rate(lr)) is float
    assert checked_rate(lr) == lr


def test_weights_on_one_side_only_are_named() -> None:
    text = "before and after must hold the same weights; only one has v."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        inferred_gradients({"w": np.ones(1)}, {"w": np.ones(1), "v": np.ones(1)}, 0.1)


def test_a_weight_that_changed_its_shape_is_named() -> None:
    text = (
        "w: W_after = W_before − lr dE/dW   (2,) − (2,) → (2,), but it has shape (2, 1) after the step. "
        "Pass the weights of one model."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(text)}$"):
        inferred_gradients({"w": np.ones(2)}, {"w": np.ones((2, 1))}, 0.1)


@pytest.mark.parametrize("rate", [1e-300, 1e300, 1e-40])
def test_a_rate_that_float32_does_not_hold_is_neither_zero_nor_a_crash(rate: float, made: Made) -> None:
    model = made("known float64")
    with np.errstate(all="ignore"):
        after = _stepped(model, 0.01)
        text = str(_checked(model, after, rate))
    assert "lr = 0.0" not in text
    assert "lr = inf" not in text
    assert "rate 0.0" not in text
