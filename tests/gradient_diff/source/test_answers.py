"""What code gives, in each layout that it may be meant in: the likeliest is that in which most is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff.layouts.reading import Reading
from gradient_diff.source.answers import Answers
from gradient_diff.source.tracing import trial_of
from gradient_diff.source.trial import Trial
from manual_mlp import MLP, Array, Dense, Problem, evaluation_of


@pytest.fixture(scope="module")
def right(problem: Problem) -> dict[str, Array]:
    return dict(evaluation_of(problem).gradients)


def same(a: Any, b: Any) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[n], b[n]) for n in a)


def flat(arrays: Any, turn: bool = False) -> Array:
    return np.concatenate([(a.T if turn else a).ravel() for a in arrays])


GIVEN: dict[str, Callable[[dict[str, Array]], Any]] = {
    "by name": dict,
    "a list": lambda g: list(g.values()),
    "in another order": lambda g: {n: g[n] for n in sorted(g, reverse=True)},
    "with the loss": lambda g: {**g, "loss": 1.0},
    "(n_out, n_in)": lambda g: {n: a.T for n, a in g.items()},
    "biases as columns": lambda g: {n: a.reshape(-1, 1) if a.ndim == 1 else a for n, a in g.items()},
    "one vector": lambda g: flat(g.values()),
    "one vector, kernels transposed": lambda g: flat(g.values(), True),
}


@pytest.mark.parametrize("how", list(GIVEN))
def test_each_layout_is_among_the_readings(right: dict[str, Array], how: str) -> None:
    answers = Answers()
    read = answers.read(GIVEN[how](right), right)
    assert any(same(r, right) for r in read)
    assert len(answers.ways) == len(read)


@pytest.mark.parametrize("how", list(GIVEN))
def test_a_layout_is_found_by_shapes_where_values_are_off(right: dict[str, Array], how: str) -> None:
    wrong = {n: a + np.arange(a.size).reshape(a.shape) for n, a in right.items()}
    assert any(same(r, wrong) for r in Answers().read(GIVEN[how](wrong), right))


def test_as_given_is_always_one_of_them(right: dict[str, Array]) -> None:
    given = {n: a.T for n, a in right.items()}
    assert any(same(r, given) for r in Answers().read(given, right))


def test_given_names(right: dict[str, Array]) -> None:
    names = {f"g{i}": name for i, name in enumerate(right)}
    given = dict(zip(names, right.values(), strict=True))
    assert same(Answers(names).read(given, right)[0], right)


def test_what_is_settled_is_read_so(right: dict[str, Array]) -> None:
    given = {n: a.T for n, a in right.items()}
    answers = Answers(settled=Reading())
    (read,) = answers.read(given, right)
    assert same(read, given)
    assert answers.ways == [Reading()]


def test_readings_are_found_once_for_each_shape(right: dict[str, Array], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while another value is put in: what it makes of an answer must not change how it is read."""
    answers = Answers()
    answers.read(GIVEN["one vector"](right), right)
    first = answers.ways
    monkeypatch.setattr("gradient_diff.source.answers.find_reading", None)
    answers.read(GIVEN["one vector"]({n: 2 * a for n, a in right.items()}), right)
    assert answers.ways is first


SQUARE = """import numpy as np


def gradients(p, x, y):
    W1, b1, W2, b2 = p.values()
    z1 = np.tanh(x @ W1 + b1)
    d2 = 2 * (z1 @ W2 + b2 - y) / y.size
    d1 = (d2 @ W2.T) * (1 - z1**2)
    parts = x.T @ d1, d1.sum(0), z1.T @ d2, d2.sum(0)
    return np.concatenate([a.T.ravel() for a in parts])
"""


@pytest.fixture(scope="module")
def square() -> Problem:
    """Widths that no shape tells apart."""
    mlp, rng = MLP(3, [Dense(3, "tanh"), Dense(3)]), np.random.default_rng(0)
    parameters = mlp.initialize(0, "glorot_normal", "normal(0.3)")
    return mlp.problem(parameters, rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), "mse")


@pytest.mark.parametrize("change", [(), (("(1 - z1**2)", "(1 - z1)"),)])
def test_of_an_ambiguous_vector_the_reading_in_which_most_is_right(
    tried: Callable[..., Trial], square: Problem, change: tuple[tuple[str, str], ...]
) -> None:
    trial = tried(SQUARE, *change, on=square)
    result = trial.again()
    assert result is not None
    wrong = {"dense_1/kernel", "dense_1/bias"} if change else set()
    assert trial.healthy(result[0]) == trial.right.keys() - wrong
    assert trial.subject.answers.likeliest in trial.subject.answers.ways


def test_the_blame_in_an_ambiguous_vector(blamed: Callable[..., Any], square: Problem) -> None:
    found = blamed(SQUARE, ("(1 - z1**2)", "(1 - z1)"), on=square)
    assert found == [("1 - z1", "dense_1/f′")]


def test_a_trial_knows_what_is_right(problem: Problem, right: dict[str, Array], tried: Callable[..., Trial]) -> None:
    trial = tried("def gradients(p, x, y):\n    return p\n")
    assert isinstance(trial_of(trial.subject, problem), Trial)
    assert trial.healthy(right) == right.keys()
    assert trial.healthy({n: a * (1 + 1e-9) for n, a in right.items()}) == frozenset()
    assert trial.healthy({n: a.T for n, a in right.items()}) == {"dense_1/bias", "dense_2/bias"}
    assert trial.healthy({n: a * np.nan for n, a in right.items()}) == frozenset()
    assert trial.healthy({}) == frozenset()
