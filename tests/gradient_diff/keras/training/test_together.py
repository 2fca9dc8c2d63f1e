"""Both twins trained side by side, and Keras by its own fit: the same steps, but for rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff.keras import fit_keras, train_together
from gradient_diff.keras.training import trainers
from gradient_diff.keras.training.run import drift
from keras_mlp.draws import DrawsReader
from keras_mlp.modes import made_for
from manual_mlp import MLP, SGD, Adam, Array, Dense, Dropout, Evaluation, Loss, Optimizer, Progress, RMSprop, train

STEPS = 9  # three epochs of batches of 20, 20 and 7
RNG = np.random.default_rng(0)
X = RNG.normal(size=(47, 4))
LABELS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
Y = np.eye(3)[LABELS]

PLAIN = MLP(4, [Dense(6, "tanh", kernel_l2=1e-2), Dense(3, "softmax")])
DROPPING = MLP(4, [Dense(8, "sigmoid"), Dropout(0.3), Dense(6, "relu"), Dropout(0.2), Dense(3)])


@dataclass(frozen=True)
class Case:
    """One training."""

    mlp: MLP
    loss: Loss
    optimizer: Optimizer

    def settings(self, **others: Any) -> dict[str, Any]:
        """In eager mode, which needs no compiling, unless told otherwise."""
        return {"optimizer": self.optimizer, "epochs": 3, "batch_size": 20, "seed": 4, "mode": "eager", **others}

    def arguments(self, dtype: str = "float64") -> tuple[Any, ...]:
        y = LABELS if self.loss.function.class_indices else Y.astype(dtype)
        return self.mlp, self.mlp.initialize(1, dtype=dtype), X.astype(dtype), y, self.loss

    def together(self, dtype: str = "float64", **others: Any) -> Any:
        return train_together(*self.arguments(dtype), **self.settings(dtype=dtype, **others))

    def fitted(self, dtype: str = "float64", **others: Any) -> Any:
        return fit_keras(*self.arguments(dtype), **self.settings(dtype=dtype, **others))


DECAYING = Case(PLAIN, Loss("categorical_crossentropy"), Adam(0.01))
LOGITS = Case(DROPPING, Loss("sparse_categorical_crossentropy", from_logits=True), RMSprop(0.01, momentum=0.5))
SQUARES = Case(PLAIN, Loss("quadratic_cost"), SGD(0.1, momentum=0.9, nesterov=True))


def allowed(dtype: str) -> float:
    """How far rounding can drive two trainings apart.

    Each step rounds the weights on both sides, and moves them by less than a tenth of themselves along gradients that
    are good to better than 1000 u: sums of fewer than 50 terms, and functions of some 10 roundings. Adam and RMSprop
    would make whole steps of a gradient that is all rounding; these data leave none so small.
    """
    return STEPS * (2 + 0.1 * 1000) * float(np.finfo(dtype).eps) / 2


# the three curves


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("case", [DECAYING, LOGITS, SQUARES], ids=lambda case: case.loss.name)
def test_both_sides_take_the_same_steps_and_so_does_fit(case: Case) -> None:
    both, fitted = case.together(mode="graph"), case.fitted(mode="graph")
    assert both.ok
    assert both.drift < allowed("float64")
    assert drift(fitted.parameters, both.keras.parameters) < allowed("float64")
    for side in (both.hand, fitted):
        # E changes by its gradient times the weights' drift, which is of its own size here; three epochs
        np.testing.assert_allclose(side.loss, both.keras.loss, rtol=10 * allowed("float64"))
        assert side.accuracy == both.keras.accuracy
    assert len(both.hand.loss) == len(both.hand.accuracy) == 3
    assert both.with_dropout == (case is LOGITS)


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("case", [DECAYING, LOGITS], ids=lambda case: case.loss.name)
def test_float32(case: Case) -> None:
    both, fitted = case.together("float32"), case.fitted("float32")
    assert both.ok
    assert both.drift < allowed("float32")
    assert drift(fitted.parameters, both.keras.parameters) < allowed("float32")
    assert {a.dtype.name for side in (both.hand, both.keras, fitted) for a in side.parameters.values()} == {"float32"}


def test_eager_and_graph_draw_the_same_masks() -> None:
    eager, graph = LOGITS.together(epochs=1).keras, LOGITS.fitted(mode="graph", epochs=1)
    assert drift(eager.parameters, graph.parameters) < allowed("float64")


@pytest.mark.slow
def test_xla_draws_others_and_the_hand_side_reads_those(monkeypatch: pytest.MonkeyPatch) -> None:
    mlp = MLP(4, [Dense(5, "tanh"), Dropout(0.5), Dense(3, "softmax")])
    case = replace(DECAYING, mlp=mlp)
    both = case.together(mode="xla", epochs=1, batch_size=None)
    assert both.ok
    assert both.drift < allowed("float64")
    monkeypatch.setattr(trainers, "DrawsReader", lambda model, mlp, _: DrawsReader(model, mlp, "eager"))
    assert case.together(mode="xla", epochs=1, batch_size=None).drift > 1e-3


# the hand side is that of manual_mlp.train


@pytest.mark.parametrize("case", [DECAYING, SQUARES], ids=lambda case: case.loss.name)
def test_without_dropout_the_hand_side_is_train(case: Case) -> None:
    settings = {name: value for name, value in case.settings().items() if name != "mode"}
    parameters, history = train(*case.arguments(), **settings)
    both = case.together()
    for name, array in parameters.items():
        np.testing.assert_array_equal(both.hand.parameters[name], array)
    assert list(both.hand.loss) == history.loss


def test_accuracy_is_counted_at_the_end_of_the_epoch_and_without_dropout() -> None:
    both = LOGITS.together()
    z = DROPPING.predict(both.hand.parameters, X)
    assert both.hand.accuracy[-1] == np.mean(z.argmax(1) == LABELS)
    held_out = LOGITS.together(epochs=1, validation_data=(X[:5], np.array([0, 1, 2, 0, 1])))
    z = DROPPING.predict(held_out.hand.parameters, X[:5])
    assert held_out.hand.accuracy == held_out.keras.accuracy == (np.mean(z.argmax(1) == [0, 1, 2, 0, 1]),)


def test_targets_that_are_no_classes_have_no_accuracy() -> None:
    both = train_together(PLAIN, PLAIN.initialize(0), X, Y / 2, "mse", optimizer=SGD(0.1), epochs=1)
    assert both.hand.accuracy == both.keras.accuracy == ()


# looking


@pytest.mark.parametrize(("every", "steps"), [(None, [1, 4, 7]), (1, [*range(1, 10)]), (4, [1, 5, 9])])
def test_the_gradients_are_compared_every_so_many_steps(every: int | None, steps: list[int]) -> None:
    looks = DECAYING.together(compare_every=every).looks
    assert [look.step for look in looks] == steps
    assert [look.epoch for look in looks] == [1 + (step - 1) // 3 for step in steps]
    assert looks[0].drift == 0
    assert all(look.drift < allowed("float64") for look in looks)


def test_looking_changes_nothing() -> None:
    """Above all not the masks that are drawn."""
    often, seldom = LOGITS.together(compare_every=1), LOGITS.together(compare_every=100)
    for name, array in often.keras.parameters.items():
        np.testing.assert_array_equal(seldom.keras.parameters[name], array)
    assert (len(often.looks), len(seldom.looks)) == (STEPS, 1)


def test_both_gradients_are_taken_at_the_weights_of_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a hand side that has gone astray, the derivation is still right."""
    wrong = Adam(0.02)
    monkeypatch.setattr(trainers.HandTrainer, "__init__", _with(trainers.HandTrainer.__init__, wrong))
    both = DECAYING.together()
    assert both.ok
    assert both.drift > 1e-3


def _with(original: Any, optimizer: Optimizer) -> Any:
    return lambda self, run, _: original(self, run, optimizer)


# planted errors


def test_a_wrong_gradient_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = MLP.backpropagate

    def wrong(self: MLP, *arguments: Any, **others: Any) -> Evaluation:
        found = right(self, *arguments, **others)
        found.nodes["dense_1/dE_dkernel"] *= 1.001
        return found

    monkeypatch.setattr(MLP, "backpropagate", wrong)
    both = SQUARES.together()
    assert not both.ok
    assert {look.diff.culprit for look in both.looks} == {"dense_1/dE_dkernel"}
    assert both.drift > 1e5 * allowed("float64")


@pytest.mark.parametrize("wrong", [Adam(0.01 * 1.001), Adam(0.01, epsilon=1e-6), Adam(0.01, beta_1=0.91)], ids=repr)
def test_a_wrong_step_is_seen(monkeypatch: pytest.MonkeyPatch, wrong: Optimizer) -> None:
    monkeypatch.setattr(trainers.HandTrainer, "__init__", _with(trainers.HandTrainer.__init__, wrong))
    assert DECAYING.together(epochs=1).drift > 1e5 * allowed("float64")


def test_other_masks_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = trainers.HandTrainer.update

    def wrong(self: Any, x: Array, y: Array, draws: Any) -> None:
        right(self, x, y, {name: mask[::-1] for name, mask in draws.items()})

    monkeypatch.setattr(trainers.HandTrainer, "update", wrong)
    assert LOGITS.together().drift > 1e-3


def test_another_order_is_seen() -> None:
    both = DECAYING.together(seed=4)
    assert drift(DECAYING.fitted(seed=5).parameters, both.keras.parameters) > 1e-3


# what is told, and what is left alone


def test_a_callback_is_told_of_both_sides() -> None:
    told: list[tuple[Progress, Progress]] = []
    both = DECAYING.together(callback=lambda *sides: told.append(sides))
    assert [(hand.epoch, twin.epoch) for hand, twin in told] == [(1, 1), (2, 2), (3, 3)]
    assert [hand.loss for hand, _ in told] == list(both.hand.loss)
    assert [twin.loss for _, twin in told] == list(both.keras.loss)
    np.testing.assert_array_equal(told[-1][1].parameters["dense_1/bias"], both.keras.parameters["dense_1/bias"])


def test_the_seed_decides_order_and_masks() -> None:
    one, same, other = (LOGITS.together(seed=seed, epochs=1).keras.parameters for seed in (1, 1, 2))
    for name, array in one.items():
        np.testing.assert_array_equal(same[name], array)
    assert drift(other, one) > 1e-3


def test_what_comes_in_is_not_changed() -> None:
    mlp, start, x, y, loss = DECAYING.arguments()
    for array in (*start.values(), x, y):
        array.flags.writeable = False
    train_together(mlp, start, x, y, loss, **DECAYING.settings())
    fit_keras(mlp, start, x, y, loss, **DECAYING.settings(epochs=1))
    assert keras.config.floatx() == "float32"


def test_no_epochs_give_the_parameters_back() -> None:
    both = DECAYING.together(epochs=0)
    assert (both.looks, both.hand.loss, both.drift, both.ok) == ((), (), 0.0, False)
    assert DECAYING.fitted(epochs=0).loss == ()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": -1}, "epochs=-1: expected 0 or more."),
        ({"batch_size": 0}, "batch_size=0: expected at least 1, or None for the full batch."),
        ({"compare_every": 0}, "compare_every=0: expected at least 1, or None for once an epoch."),
        ({"mode": "fast"}, "Unknown mode 'fast': expected eager, graph, xla."),
    ],
)
def test_a_bad_setting_says_what_was_expected(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="expected") as error:
        DECAYING.together(**setting)
    assert str(error.value) == message


def test_data_are_checked() -> None:
    mlp, start, x, y, loss = LOGITS.arguments()
    with pytest.raises(ValueError, match=r"^dense_1: x has 3 features per sample"):
        train_together(mlp, start, x[:, :3], y, loss, **LOGITS.settings())
    with pytest.raises(ValueError, match=r"^dense_3: labels run from 5 to 7"):
        fit_keras(mlp, start, x, y + 5, loss, **LOGITS.settings())
    with pytest.raises(ValueError, match=r"^dense_1: x has 3 features per sample"):
        train_together(mlp, start, x, y, loss, **LOGITS.settings(validation_data=(x[:, :3], y)))
    with pytest.raises(TypeError, match=r"^optimizer is str: expected SGD, RMSprop or Adam of manual_mlp"):
        fit_keras(mlp, start, x, y, loss, **LOGITS.settings(optimizer="adam"))


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.optimizers.AdamW(0.01),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.5),
        lambda: keras.optimizers.Nadam(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
    ],
    ids=["AdamW", "clipped", "scheduled"],
)
def test_any_optimizer_of_keras_steps_both_sides(make: Callable[[], keras.optimizers.Optimizer]) -> None:
    """Each side has a copy of its own: the hand side's rule is Keras's, and its gradients are the hand's."""
    mlp, start, x, y, loss = LOGITS.arguments()
    optimizer = make()
    both = train_together(mlp, start, x, y, loss, **LOGITS.settings(optimizer=optimizer))
    fitted = fit_keras(mlp, start, x, y, loss, **LOGITS.settings(optimizer=optimizer))
    assert both.ok
    assert not optimizer.built
    assert both.drift < 1e-12
    assert both.keras.loss == pytest.approx(fitted.loss, rel=1e-12)
    assert any(not np.array_equal(both.hand.parameters[n], start[n]) for n in start)


@pytest.mark.parametrize("mode", ["graph", "xla"])
def test_masks_are_read_by_one_graph_for_each_batch_size(mode: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Any] = []

    def counted(function: Any, mode: Any) -> Any:
        built.append(function)
        return made_for(function, mode)

    monkeypatch.setattr("keras_mlp.draws.made_for", counted)
    mlp, rng = MLP(3, [Dropout(0.5), Dense(2, "softmax")]), np.random.default_rng(0)
    x, y = rng.normal(size=(10, 3)), np.eye(2)[rng.integers(0, 2, 10)]
    loss: Any = "categorical_crossentropy"
    both = train_together(
        mlp, mlp.initialize(0), x, y, loss, optimizer=SGD(0.5), epochs=3, batch_size=4, mode=mode, compare_every=100
    )
    assert both.ok
    assert both.drift < 1e-12  # the masks were those of the passes: another one moves a weight by 1e-2
    assert len(built) == 2 + len(both.looks)  # batches of 4 and of 2; a look reads its own
