"""compare_step: a step as it is against a reference, and nobody convicted of what was only assumed."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.students import steps
from experiments.students.sine_class import SineNetwork
from experiments.students.steps import RATE, STEPS, Adam, Lists, gradients
from gradient_diff import Status, compare_step
from manual_mlp import MLP, Array, Dense

MLP_SMALL = MLP(3, [Dense(4, "sigmoid"), Dense(2)])
RNG = np.random.default_rng(7)
X, Y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
GIVEN = {n: RNG.normal(size=a.shape) for n, a in MLP_SMALL.initialize(0).items()}
WEIGHTS = [*GIVEN.values()]
E = MLP_SMALL.backpropagate(GIVEN, X, Y, "mse")


def changed(monkeypatch: pytest.MonkeyPatch, change: Callable[[list[Array]], list[Array]]) -> None:
    """All steps of the students with other gradients."""
    monkeypatch.setattr(steps, "gradients", lambda *given: change(gradients(*given)))


@pytest.mark.parametrize("kind", STEPS)
def test_a_right_step_matches_and_is_left_as_it_was(kind: str) -> None:
    step = STEPS[kind](WEIGHTS)
    holder = getattr(step, "__self__", None)
    before = copy.deepcopy(vars(holder)) if hasattr(holder, "__dict__") else None
    drawn = np.random.get_state(legacy=False), random.getstate()  # noqa: NPY002
    diff = compare_step(step, E)
    assert (diff.ok, diff.culprit) == (True, None)
    if before is not None:
        np.testing.assert_equal(str(vars(holder).keys()), str(before.keys()))
        np.testing.assert_equal(
            {k: v for k, v in vars(holder).items() if k != "layers"}, {k: v for k, v in before.items() if k != "layers"}
        )
    np.testing.assert_equal((np.random.get_state(legacy=False), random.getstate()), drawn)  # noqa: NPY002


def test_the_class_of_article_a_is_told_what_it_does() -> None:
    mlp = MLP(1, [*(Dense(5, "sigmoid") for _ in range(3)), Dense(1)])
    x = np.linspace(-5, 5, 100)[:, None]
    net = SineNetwork()
    diff = compare_step(
        net.back_propagate, mlp.backpropagate(mlp.initialize(0), x, np.sin(x), "half_sum_squared_error")
    )
    assert diff.verdict is Status.MISMATCH
    assert diff.causes[0].id == "stale_or_updated_kernel"
    assert (
        "Your net was initialised by itself; the comparison uses its weights, and not those of the reference."
        in diff.remark
    )
    for said in (
        "`sinenetwork.weights[2]` is dense_3/kernel",
        "`sinenetwork.biases[0]` is dense_1/bias, biases as rows (1, n)",
        "`sinenetwork.D[0]` is δ of dense_4",
        "the learning rate is 0.002, `sinenetwork.learning_rate`",
    ):
        assert said in diff.remark
    assert not hasattr(net, "D")
    assert np.array_equal(net.weights[0], SineNetwork().weights[0])


def test_float32_weights_of_a_small_step_are_judged_as_well_as_they_are_stored() -> None:
    given = {n: a.astype(np.float32) for n, a in GIVEN.items()}
    e = MLP_SMALL.backpropagate(given, X.astype(np.float32), Y.astype(np.float32), "mse")

    net = Lists([*given.values()])
    net.lr = 0.001
    diff = compare_step(net.train, e)
    assert diff.ok
    assert "the learning rate is 0.001, `lists.lr`" in diff.remark


# rates


def lists() -> Callable[[Array, Array], Any]:
    return Lists(WEIGHTS).train


@pytest.mark.parametrize(("factor", "cause"), [(-1, "sign"), (5, "missing_batch_mean"), (10, "missing")])
def test_a_factor_that_the_sizes_explain_is_a_mistake(
    factor: float, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(monkeypatch, lambda g: [a * factor for a in g])
    diff = compare_step(lists(), E)
    assert diff.verdict is Status.MISMATCH
    assert diff.causes[0].id.startswith(cause)


def test_a_factor_that_nothing_explains_is_the_rate_s_and_convicts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda g: [a * 0.7 for a in g])
    diff = compare_step(lists(), E)
    assert diff.verdict is Status.INCONCLUSIVE
    assert "with lr = 0.21 every gradient would match" in diff.headline()
    assert diff.meaning(Status.INCONCLUSIVE).advice.startswith("Pass learning_rate=")
    assert compare_step(lists(), E, learning_rate=0.21).ok
    assert compare_step(lists(), E, learning_rate=RATE).verdict is Status.MISMATCH


def test_a_rate_that_stands_nowhere_proves_nothing() -> None:
    net = Lists(WEIGHTS)

    def step(x: Array, y: Array) -> None:
        net.lr = 1 / len(x)
        net.train(x, y)

    del net.lr
    diff = compare_step(step, E)
    assert (diff.verdict, diff.ok) == (Status.INCONCLUSIVE, False)
    assert compare_step(step, E, learning_rate=0.2).ok


def test_where_no_weight_follows_its_gradient_nobody_is_convicted(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda g: [a + np.abs(a).max() for a in g])
    diff = compare_step(lists(), E)
    assert diff.verdict is Status.INCONCLUSIVE
    assert "no weight moved along its gradient" in diff.headline()
    assert compare_step(lists(), E, learning_rate=RATE).verdict is Status.MISMATCH


def test_one_layer_that_is_right_tells_the_rate_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda g: [g[0] + 1, g[1] * 1.1, *g[2:]])
    step = lists()
    step.__self__.lr, step.__self__.other = RATE, 0.7  # type: ignore[attr-defined]  # a method
    diff = compare_step(step, E)
    assert diff.verdict is Status.MISMATCH
    assert diff["dense_2/kernel"].status.ok


def test_a_bias_that_is_never_updated_is_wrong_though_its_gradient_is_right() -> None:
    class Forgets(Lists):
        def train(self, x: Array, y: Array) -> None:
            held = (self.weights[0], self.biases[0], self.weights[1], self.biases[1])
            self.grads = gradients(held, x, y)
            self.weights[0] -= self.lr * self.grads[0]
            self.weights[1] -= self.lr * self.grads[2]

    diff = compare_step(Forgets(WEIGHTS).train, E)
    assert [row.name for row in diff if row.status.bad] == ["dense_2/dE_dbias", "dense_1/dE_dbias"]


# other optimizers, and none


def test_of_another_optimizer_the_gradients_are_judged_and_not_the_update(monkeypatch: pytest.MonkeyPatch) -> None:
    diff = compare_step(Adam(WEIGHTS).train, E)
    assert diff.ok
    assert "only these were judged, and not the update" in diff.remark
    changed(monkeypatch, lambda g: [g[0] * 5, *g[1:]])
    assert compare_step(Adam(WEIGHTS).train, E)["dense_1/kernel"].status.bad


class Velocity(Lists):
    """v = β v + dE/dW, W −= lr v: the weights follow v, under way or not."""

    def __init__(self, weights: list[Array], under_way: bool) -> None:
        super().__init__(weights)
        self.v = [RNG.normal(size=w.shape) * under_way for w in weights]

    def train(self, x: Array, y: Array) -> None:
        held = (self.weights[0], self.biases[0], self.weights[1], self.biases[1])
        for i, (w, g) in enumerate(zip(held, steps.gradients(held, x, y), strict=True)):
            self.v[i] = 0.9 * self.v[i] + g
            w -= self.lr * self.v[i]  # noqa: PLW2901  (in place)


def test_a_velocity_that_is_under_way_is_no_gradient() -> None:
    assert compare_step(Velocity(WEIGHTS, False).train, E).ok
    assert compare_step(Velocity(WEIGHTS, True).train, E).verdict is Status.INCONCLUSIVE


def test_an_update_that_was_left_says_nothing_of_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda g: [a + np.abs(a).max() for a in g])
    assert compare_step(STEPS["momentum"](WEIGHTS), E).verdict is Status.INCONCLUSIVE


def test_a_function_may_return_new_weights_and_leave_the_old() -> None:
    held = [w.copy() for w in WEIGHTS]

    def step(x: Array, y: Array, lr: float = 0.05) -> list[Array]:
        return [w - lr * g for w, g in zip(held, gradients(held, x, y), strict=True)]

    diff = compare_step(step, E)
    assert diff.ok
    assert "`step(x, y)` returns the weights after the step" in diff.remark


def test_what_is_left_of_a_numerical_check_does_not_stand_for_what_is_returned() -> None:
    class Both(Lists):
        def train(self, x: Array, y: Array) -> list[Array]:  # type: ignore[override]  # it returns its gradients
            held = [self.weights[0], self.biases[0], self.weights[1], self.biases[1]]
            self.numerical = gradients(held, x, y)
            return [2 * g for g in self.numerical]

    assert compare_step(Both(WEIGHTS).train, E).verdict is Status.MISMATCH


def test_nothing_at_all_is_told() -> None:
    net = Lists(WEIGHTS)

    def step(x: Array, y: Array) -> float:
        return float(sum((w.sum() for w in (*net.weights, *net.biases)), 0.0))

    with pytest.raises(ValueError, match="changed no weights, and no gradients were found: it returned and left none"):
        compare_step(step, E)
    with pytest.raises(ValueError, match=r"learning_rate=0.1, but step\(x, y\) changed no weight"):
        compare_step(step, E, learning_rate=0.1)


# how it is called


def test_an_error_of_the_step_has_a_note_and_everything_is_put_back() -> None:
    class Breaks(Lists):
        def train(self, x: Array, y: Array) -> None:
            super().train(x, y)
            raise RuntimeError("no further")

    net = Breaks(WEIGHTS)
    with pytest.raises(RuntimeError, match="no further") as caught:
        compare_step(net.train, E)
    assert "breaks.train(x, y) with x (5, 3), y (5, 2)" in caught.value.__notes__[0]
    assert np.array_equal(net.weights[0], WEIGHTS[0])


def test_an_error_of_shapes_is_the_one_of_rows() -> None:
    net = Lists([w[:2] if w.shape == (3, 4) else w for w in WEIGHTS])
    with pytest.raises(ValueError, match=r"\(5,3\)|size 2"):
        compare_step(net.train, E)


@pytest.mark.parametrize(
    ("step", "evaluation", "rate", "error"),
    [
        (3, E, None, r"step is int: expected a function or method that is called as step\(x, y\)"),
        (lambda x: None, E, None, r"cannot be called with \(x, y\)"),
        (lists(), E.gradients, None, "evaluation is dict: expected an Evaluation"),
        (lists(), E, "fast", "learning_rate='fast' is str: expected a number"),
    ],
)
def test_what_cannot_be_taken_is_said(step: Any, evaluation: Any, rate: Any, error: str) -> None:
    with pytest.raises(TypeError, match=error):
        compare_step(step, evaluation, learning_rate=rate)


def test_a_tape_is_not_evaluated_again_and_the_line_that_copies_is_said() -> None:
    tape = replace(E, origin="keras eager")
    assert compare_step(lists(), tape).ok
    own = Lists([w + 1 for w in WEIGHTS])
    with pytest.raises(
        ValueError,
        match=r"by keras eager cannot be made again at them. Copy .* before: "
        r"lists.weights\[0\]\[...\] = evaluation.problem.parameters\['dense_1/kernel'\], and so on",
    ):
        compare_step(own.train, tape)


def test_only_the_first_run_prints(capsys: pytest.CaptureFixture[str]) -> None:
    class Talks(Lists):
        def train(self, x: Array, y: Array) -> None:
            super().train(x, y)
            print("loss")  # noqa: T201  (as people do it)

    compare_step(Talks([w + 1 for w in WEIGHTS]).train, E)
    assert capsys.readouterr().out == "loss\n"


def test_a_generator_that_is_held_nowhere_is_told() -> None:
    class Noisy(Lists):
        def train(self, x: Array, y: Array) -> None:
            super().train(x + np.random.default_rng().normal(size=x.shape), y)

    assert "draws from a generator that is held nowhere" in compare_step(Noisy(WEIGHTS).train, E).remark
    assert "draws from" not in compare_step(lists(), E).remark


def test_what_a_step_draws_is_drawn_again_the_same() -> None:
    class Draws(Lists):
        def train(self, x: Array, y: Array) -> None:
            order = np.random.permutation(len(x))  # noqa: NPY002  (as people do it)
            super().train(x[order], y[order])

    assert compare_step(Draws([w + 1 for w in WEIGHTS]).train, E).ok
