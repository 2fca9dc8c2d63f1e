"""Which place is which parameter: by value, by shape, or told with the line that copies the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from experiments.students import steps
from experiments.students.steps import RATE, STEPS, Lists, gradients
from gradient_diff import compare_step
from gradient_diff.source.held.gradients import Left
from gradient_diff.source.held.held import Held, Reader
from manual_mlp import MLP, Array, Dense

MLP_SMALL = MLP(3, [Dense(4, "sigmoid"), Dense(2)])
RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
GIVEN = {n: RNG.normal(size=a.shape) for n, a in MLP_SMALL.initialize(0).items()}
OTHERS = [RNG.normal(size=a.shape) if a.ndim > 1 else np.zeros(a.shape) for a in GIVEN.values()]
E = MLP_SMALL.backpropagate(GIVEN, X, Y, "mse")


def read(step: Callable[..., Any], given: dict[str, Array] = GIVEN) -> Held:
    def right(w: Any) -> Any:
        return MLP_SMALL.backpropagate(w, X, Y, "mse").gradients

    return Reader(given, X, Y, right, "given[{!r}]".format).read(step)


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("own", [False, True])
def test_weights_are_found_and_can_be_replaced_and_run_again(kind: str, own: bool) -> None:
    weights = OTHERS if own else [*GIVEN.values()]
    held = read(STEPS[kind](weights))
    assert bool(held.own) is own
    for name, array in zip(GIVEN, weights, strict=True):
        np.testing.assert_array_equal(held.parameters[name], array)
    new = {n: RNG.normal(size=a.shape) for n, a in GIVEN.items()}
    held.put_weights(new)
    for name, right in MLP_SMALL.backpropagate(new, X[:3], Y[:3], "mse").gradients.items():
        np.testing.assert_allclose(held.run(X[:3], Y[:3])[name], right, rtol=1e-6, atol=1e-9)
    held.restore()
    for name, array in zip(GIVEN, weights, strict=True):
        np.testing.assert_array_equal(held.weights.read()[name], array)
        assert held.place_of(name).value.size >= array.size


@pytest.mark.matrix(most=6)
@pytest.mark.parametrize("kind", STEPS)
def test_a_mistake_in_any_kind_of_step_is_seen_and_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(weights: Any, x: Array, y: Array) -> list[Array]:
        first, bias, *others = gradients(weights, x, y)
        return [first, bias * len(y), *others]

    monkeypatch.setattr(steps, "gradients", forgets)
    diff = compare_step(STEPS[kind](OTHERS), E)
    if kind in ("layers", "columns", "thetas", "script"):  # these have a derivation of their own
        assert diff.ok
    else:
        assert diff["dense_1/bias"].status.bad
        assert diff["dense_2/kernel"].status.ok


class Copies(Lists):
    """Holds what it started from, too, a running mean of its weights, and another net."""

    def __init__(self, weights: list[Array]) -> None:
        super().__init__(weights)
        self.first = [w.copy() for w in weights]
        self.mean = [w.copy() for w in weights]
        self.best: list[Array] = []

    def train(self, x: Array, y: Array) -> None:
        super().train(x, y)
        self.mean = [0.9 * m for m in self.mean]
        self.best = [w.copy() for w in self.weights]


@pytest.mark.parametrize("weights", [OTHERS, [*GIVEN.values()]])
def test_copies_and_means_are_no_weights(weights: list[Array]) -> None:
    held = read(Copies(weights).train)
    assert [b.path for b in held.weights.bindings.values()] == [
        "copies.weights[0]",
        "copies.biases[0]",
        "copies.weights[1]",
        "copies.biases[1]",
    ]


def test_a_copy_that_a_constructor_names_is_not_taken_for_the_net() -> None:
    names: dict[str, Any] = {"__name__": "students_own", "given": [*GIVEN.values()], "Lists": Lists, "others": OTHERS}
    exec(
        "class Mine(Lists):\n"
        "    def __init__(self):\n"
        "        super().__init__(others)\n"
        "    def reset(self):\n"
        "        self.weights = given\n",
        names,
    )
    assert len(read(names["Mine"]().train).own) == len(GIVEN)


def test_without_one_kernel_equal_biases_say_nothing() -> None:
    zeros = {n: a * (a.ndim > 1) for n, a in GIVEN.items()}
    assert len(read(STEPS["lists"](OTHERS), zeros).own) == len(GIVEN)


class TwoNets:
    """Two of one shape, both used: nothing tells which is meant."""

    def __init__(self) -> None:
        self.a, self.b = Lists(OTHERS), Lists([w + 1 for w in OTHERS])

    def train(self, x: Array, y: Array) -> None:
        self.a.train(x, y + 1)
        self.b.train(x, y + self.a.weights[0][0, 0])


def test_two_nets_of_one_shape_are_told_with_the_line_that_copies() -> None:
    with pytest.raises(ValueError, match=r"which is which cannot be told.*given\['dense_1/kernel'\], and so on"):
        read(TwoNets().train)


def test_without_weights_what_was_found_is_told() -> None:
    numbers = np.zeros(7)

    def step(x: Array, y: Array) -> float:
        return float(numbers.sum())

    with pytest.raises(ValueError, match=r"holds no arrays that can be dense_1/kernel .*Found: `numbers` \(7,\)"):
        read(step)


def test_of_float32_the_gradients_that_are_left_are_found_though_the_moves_have_few_bits() -> None:
    held = [w.astype(np.float32) for w in OTHERS]

    class Slow(Lists):
        def train(self, x: Array, y: Array) -> None:
            mine = (self.weights[0], self.biases[0], self.weights[1], self.biases[1])
            self.kept = [g.astype(np.float32) for g in gradients(mine, x, y)]
            for w, g in zip(mine, self.kept, strict=True):
                w -= np.float32(1e-3) * g  # noqa: PLW2901  (in place)

    net = Slow(held)
    net.lr = 1e-3
    assert isinstance(read(net.train).found.recipe, Left)


class Square:
    """All kernels square, kept (n_out, n_in): shapes say nothing of that."""

    def __init__(self, weights: list[Array]) -> None:
        self.W, self.b = [w.T.copy() for w in weights[::2]], [w.copy() for w in weights[1::2]]

    def train(self, x: Array, y: Array) -> None:
        g = gradients([self.W[0].T, self.b[0], self.W[1].T, self.b[1]], x, y)
        for i in range(2):
            self.W[i] -= RATE * g[2 * i].T
            self.b[i] -= RATE * g[2 * i + 1]


def test_of_square_kernels_the_right_gradients_tell_the_layout() -> None:
    mlp = MLP(3, [Dense(3, "sigmoid"), Dense(3)])
    mine = [RNG.normal(size=a.shape) for a in mlp.initialize(0).values()]
    e = mlp.backpropagate(mlp.initialize(0), X, RNG.normal(size=(5, 3)), "mse")
    diff = compare_step(Square(mine).train, e)
    assert diff.ok
    assert "`square.W[1]` is dense_2/kernel, kernels as (n_out, n_in)" in diff.remark


class Stacked:
    """An array for all kernels, and one for all biases."""

    def __init__(self, kernels: Array, biases: Array) -> None:
        self.W, self.b, self.lr = kernels, biases, RATE

    def train(self, x: Array, y: Array) -> None:
        g = gradients([self.W[0], self.b[0], self.W[1], self.b[1]], x, y)
        for i in range(2):
            self.W[i] -= self.lr * g[2 * i]
            self.b[i] -= self.lr * g[2 * i + 1]


@pytest.mark.parametrize("own", [0.0, 1.0])
def test_kernels_and_biases_of_all_layers_in_an_array_each(own: float) -> None:
    mlp = MLP(3, [Dense(3, "sigmoid"), Dense(3)])
    weights = {n: RNG.normal(size=a.shape) for n, a in mlp.initialize(0).items()}
    W1, b1, W2, b2 = (w + own for w in weights.values())
    e = mlp.backpropagate(weights, X, RNG.normal(size=(5, 3)), "mse")
    diff = compare_step(Stacked(np.stack([W1, W2]), np.stack([b1, b2])).train, e)
    assert diff.ok
    assert "`stacked.b[1]` is dense_2/bias" in diff.remark


def test_biases_that_are_nowhere_are_missing() -> None:
    W1, _, W2, _ = (w.copy() for w in GIVEN.values())

    def train(x: Array, y: Array) -> None:
        g = gradients([W1, np.zeros(4), W2, np.zeros(2)], x, y)
        np.subtract(W1, RATE * g[0], out=W1)
        np.subtract(W2, RATE * g[2], out=W2)

    zeros = {n: a * (a.ndim > 1) for n, a in GIVEN.items()}
    diff = compare_step(train, MLP_SMALL.backpropagate(zeros, X, Y, "mse"))
    assert diff["dense_1/kernel"].status.ok
    assert "Held nowhere: dense_1/bias, dense_2/bias." in diff.remark
