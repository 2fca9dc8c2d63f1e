"""The exact expression that is to blame, one small function per kind of mistake; of right code, none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff.source import healing
from gradient_diff.source.guilt import find_guilty
from gradient_diff.source.observed import Observed
from gradient_diff.source.trial import Trial
from manual_mlp import MLP, Dense, Problem

Blamed = Callable[..., list[tuple[str, str]]]

MISTAKES = {
    "f′ is forgotten": (("d2 @ W2.T * slope(z1)", "d2 @ W2.T"), "d2 @ W2.T", "dense_1/dE_du"),
    "the sign": (("(z2 - y)", "(y - z2)"), "y - z2", "dense_2/z − y"),
    "a bias averaged twice": (("d1.sum(axis=0)", "d1.mean(axis=0)"), "d1.mean(axis=0)", "dense_1/dE_dbias"),
    "another operand": (("z1.T @ d2", "x[:, :3].T @ d2"), "x[:, :3]", "dense_1/z"),
    "δ without f′ in one gradient": (
        ("x.T @ d1", "x.T @ (d2 @ W2.T)"),
        "x.T @ (d2 @ W2.T)",
        "dense_1/dE_dkernel",
    ),
    "the helper is wrong": (("return z * (1 - z)", "return z * (1 + z)"), "1 + z", "dense_1/1 − z"),
    "a factor at the end": (("(dW1, db1,", "(dW1, 2 * db1,"), "2 * db1", "dense_1/dE_dbias"),
    "the error squared": (
        ("2 * (z2 - y) / y.size", "(z2 - y) ** 2 / y.size"),
        "(z2 - y) ** 2 / y.size",
        "dense_2/dE_dz",
    ),
}


@pytest.mark.parametrize("what", list(MISTAKES))
def test_the_expression(blamed: Blamed, matrices: str, what: str) -> None:
    change, text, node = MISTAKES[what]
    assert blamed(matrices, change) == [(text, node)]


def test_no_mean_over_the_outputs_is_blamed_in_its_own_line(blamed: Blamed, matrices: str) -> None:
    (text, _), *more = blamed(matrices, ("2 * (z2 - y) / y.size", "2 * (z2 - y) / len(y)"))
    assert text in "2 * (z2 - y) / len(y)"
    assert not more


def test_right_code_is_not_blamed(tried: Callable[..., Trial], matrices: str) -> None:
    assert find_guilty(tried(matrices)) == []


def test_a_call_with_a_wrong_argument(tried: Callable[..., Trial], blamed: Blamed, matrices: str) -> None:
    text = matrices.replace("z1 = s(x @ W1 + b1)", "u1 = x @ W1 + b1\n    z1 = s(u1)")
    assert blamed(text, ("slope(z1)", "slope(u1)")) == [("slope(u1)", "dense_1/z")]
    (found,) = find_guilty(tried(text, ("slope(z1)", "slope(u1)")))
    assert found.argument is not None
    assert (found.level, found.argument.name) == (1, "z")


def test_what_is_handed_over_and_lacks_a_step_is_blamed_itself(blamed: Blamed, matrices: str) -> None:
    assert blamed(matrices, ("s(x @ W1 + b1)", "s(x @ W1)")) == [("x @ W1", "dense_1/u")]


def test_a_helper_that_is_right_elsewhere(tried: Callable[..., Trial], deep: Problem, matrices: str) -> None:
    """`slope` does right for the second layer: its call for the first is to blame."""
    (found,) = find_guilty(tried(THREE, ("slope(z1)", "slope(u1)"), on=deep))
    assert found.level == 1
    assert found.place.line == THREE[: THREE.index("slope(z1)")].count("\n") + 1
    (found,) = find_guilty(tried(THREE, ("return z * (1 - z)", "return z * (1 + z)"), on=deep))
    assert found.level == 0
    assert found.place.function == "slope"


THREE = """import numpy as np


def s(u):
    return 1 / (1 + np.exp(-u))


def slope(z):
    return z * (1 - z)


def gradients(p, x, y):
    W1, b1, W2, b2, W3, b3 = p.values()
    u1 = x @ W1 + b1
    z1 = s(u1)
    z2 = s(z1 @ W2 + b2)
    d3 = 2 * (z2 @ W3 + b3 - y) / y.size
    d2 = (d3 @ W3.T) * slope(z2)
    d1 = (d2 @ W2.T) * slope(z1)
    return dict(zip(p, (x.T @ d1, d1.sum(0), z1.T @ d2, d2.sum(0), z2.T @ d3, d3.sum(0))))
"""


@pytest.fixture(scope="module")
def deep() -> Problem:
    mlp, rng = MLP(4, [Dense(3, "sigmoid"), Dense(6, "sigmoid"), Dense(2)]), np.random.default_rng(0)
    parameters = mlp.initialize(0, "glorot_normal", "normal(0.3)")
    return mlp.problem(parameters, rng.normal(size=(5, 4)), rng.normal(size=(5, 2)), "mse")


def test_a_helper_whose_arguments_cannot_be_told(tried: Callable[..., Trial], deep: Problem) -> None:
    """That the same operation is right by another call is enough."""
    text = THREE.replace("def slope(z):", "def slope(*given):\n    (z,) = given")
    (found,) = find_guilty(tried(text, ("slope(z1)", "slope(u1)"), on=deep))
    assert (found.level, found.argument) == (1, None)
    assert found.place.function == "gradients"


def test_two_mistakes(blamed: Blamed, matrices: str) -> None:
    found = blamed(matrices, ("d1.sum(axis=0)", "d1.mean(axis=0)"), ("z1.T @ d2", "(z1 * z1).T @ d2"))
    assert sorted(found) == [("d1.mean(axis=0)", "dense_1/dE_dbias"), ("z1 * z1", "dense_1/z")]


def test_no_more_than_asked_for(tried: Callable[..., Trial], matrices: str) -> None:
    two = tried(matrices, ("d1.sum(axis=0)", "d1.mean(axis=0)"), ("z1.T @ d2", "(z1 * z1).T @ d2"))
    assert len(find_guilty(two, most=1)) == 1


SAMPLES = """import numpy as np


def s(u):
    return 1 / (1 + np.exp(-u))


def gradients(p, x, y):
    W1, b1, W2, b2 = p.values()
    total = {name: np.zeros(a.shape) for name, a in p.items()}
    for one, target in zip(x, y):
        z1 = s(one @ W1 + b1)
        d2 = 2 * (z1 @ W2 + b2 - target) / y.size
        d1 = W2 @ d2 * z1 * (1 - z1)
        total["dense_2/kernel"] += np.outer(z1, d2)
        total["dense_2/bias"] += d2
        total["dense_1/kernel"] += np.outer(one, d1)
        total["dense_1/bias"] += d1
    return total
"""


@pytest.mark.parametrize(
    ("change", "text", "node"),
    [
        (("W2 @ d2 * z1 * (1 - z1)", "W2 @ d2 * z1"), "W2 @ d2 * z1", "dense_1/dE_du"),
        (("np.outer(z1, d2)", "np.outer(z1, 2 * d2)"), "2 * d2", "dense_2/dE_dz"),
        (("b2 - target)", "b2 + target)"), "z1 @ W2 + b2 + target", "dense_2/z − y"),
    ],
)
def test_loops_over_samples(blamed: Blamed, change: tuple[str, str], text: str, node: str) -> None:
    """No gradient heals until the expression is mended in all passes."""
    assert blamed(SAMPLES, change) == [(text, node)]


def test_running_sums(blamed: Blamed) -> None:
    """What is to be in the place of each is the sum so far."""
    change = ('total["dense_2/bias"] += d2', 'total["dense_2/bias"] = total["dense_2/bias"] - d2')
    assert blamed(SAMPLES, change) == [('total["dense_2/bias"] - d2', "dense_2/dE_dbias")]


def test_a_right_loop_is_not_blamed(blamed: Blamed) -> None:
    assert blamed(SAMPLES) == []


NUMBERS = """import math


def gradients(p, x, y):
    W1, b1, W2, b2 = (a.tolist() for a in p.values())
    x, y = x.tolist(), y.tolist()
    H, K, N = len(b1), len(b2), len(x)
    dW1, db1 = [[0.0] * H for _ in x[0]], [0.0] * H
    dW2, db2 = [[0.0] * K for _ in b1], [0.0] * K
    for one, target in zip(x, y):
        z1 = [math.tanh(sum(one[i] * W1[i][h] for i in range(len(one))) + b1[h]) for h in range(H)]
        z2 = [sum(z1[h] * W2[h][k] for h in range(H)) + b2[k] for k in range(K)]
        d2 = [2 * (z2[k] - target[k]) / (N * K) for k in range(K)]
        d1 = [sum(d2[k] * W2[h][k] for k in range(K)) * (1 - z1[h] ** 2) for h in range(H)]
        for k in range(K):
            db2[k] += d2[k]
            for h in range(H):
                dW2[h][k] += z1[h] * d2[k]
        for h in range(H):
            db1[h] += d1[h]
            for i in range(len(one)):
                dW1[i][h] += one[i] * d1[h]
    return dict(zip(p, (dW1, db1, dW2, db2)))
"""


@pytest.fixture(scope="module")
def tiny() -> Problem:
    mlp, rng = MLP(2, [Dense(4, "tanh"), Dense(2)]), np.random.default_rng(0)
    parameters = mlp.initialize(0, "glorot_normal", "normal(0.3)")
    return mlp.problem(parameters, rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), "mse")


def test_lists_of_numbers(blamed: Blamed, tiny: Problem) -> None:
    text = "sum(d2[k] * W2[h][k] for k in range(K)) * z1[h]"
    assert blamed(NUMBERS, ("* (1 - z1[h] ** 2)", "* z1[h]"), on=tiny) == [(text, "dense_1/dE_du")]


def test_right_lists_of_numbers(tried: Callable[..., Trial], tiny: Problem) -> None:
    """All that is computed is known, but for sums on the way."""
    seen = Observed.of(tried(NUMBERS, on=tiny))
    assert seen is not None
    assert seen.healthy == tiny.parameters.keys()
    nodes = {name.node for name in seen.names.values() if name is not None}
    assert {"dense_1/z", "dense_1/dE_du", "dense_2/dE_dz", "dense_2/z − y"} <= nodes


VIEWS = """import numpy as np


def gradients(p, x, y):
    W1, b1, W2, b2 = p.values()
    out = np.zeros(sum(a.size for a in p.values()))
    ends = np.cumsum([a.size for a in p.values()])[:-1]
    parts = [v.reshape(a.shape) for v, a in zip(np.split(out, ends), p.values())]
    z1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
    d2 = 2 * (z1 @ W2 + b2 - y) / y.size
    parts[2][:] = z1.T @ d2
    parts[3][:] = d2.sum(axis=0)
    d1 = (d2 @ W2.T) * z1 * (1 - z1)
    parts[0][...] = x.T @ d1
    np.sum(d1, axis=0, out=parts[1])
    return {name: part for name, part in zip(p, parts)}
"""


def test_views_stay_views(blamed: Blamed) -> None:
    assert blamed(VIEWS) == []
    change = ("(d2 @ W2.T) * z1 * (1 - z1)", "(d2 @ W2.T) * z1")
    assert blamed(VIEWS, change) == [("(d2 @ W2.T) * z1", "dense_1/dE_du")]
    assert blamed(VIEWS, ("parts[2][:] = z1.T", "parts[2][:] = 2 * z1.T")) == [("2 * z1.T", "dense_1/z")]


def test_code_that_raises_is_not_blamed(blamed: Blamed) -> None:
    assert blamed("def gradients(p, x, y):\n    raise RuntimeError\n") == []


def test_what_found_is_left_in(tried: Callable[..., Trial], matrices: str) -> None:
    trial = tried(matrices, ("z1.T @ d2", "(z1 * z1).T @ d2"))
    (found,) = find_guilty(trial)
    assert trial.fixed.keys() == found.put.keys()
    after = trial.again()
    assert after is not None
    assert trial.healthy(after[0]) == trial.right.keys()


def test_it_gives_up(tried: Callable[..., Trial], monkeypatch: pytest.MonkeyPatch, matrices: str) -> None:
    monkeypatch.setattr(healing, "MOST_RUNS", 0)
    trial = tried(matrices, ("d2 @ W2.T * slope(z1)", "d2 @ W2.T"))
    assert find_guilty(trial) == []
    assert trial.runs == 1


def test_a_gradient_of_another_shape(blamed: Blamed, matrices: str) -> None:
    assert blamed(matrices, ("dW1 = x.T @ d1", "dW1 = d1.T @ x")) == [("d1.T @ x", "dense_1/dE_dkernel")]
    assert blamed(matrices, ("dW1 = x.T @ d1", "dW1 = (x.T @ d1).T")) == [("(x.T @ d1).T", "dense_1/dE_dkernel")]
    assert blamed(matrices, ("d1.sum(axis=0)", "d1.sum()")) == [("d1.sum()", "dense_1/dE_dbias")]


FORWARD = """import numpy as np


def gradients(p, x, y):
    W1, b1, W2, b2 = p.values()
    u1 = x @ W1 + b1
    z1 = 1 / (1 + np.exp(-u1))
    u2 = z1 @ W2 + b2
    e = np.exp(u2 - u2.max(axis=1, keepdims=True))
    q = e / e.sum(axis=1, keepdims=True)
    d2 = (q - y) / len(y)
    d1 = d2 @ W2.T * z1 * (1 - z1)
    return dict(zip(p, (x.T @ d1, d1.sum(0), z1.T @ d2, d2.sum(0))))
"""


@pytest.fixture(scope="module")
def classes() -> Problem:
    mlp, rng = MLP(4, [Dense(3, "sigmoid"), Dense(2, "softmax")]), np.random.default_rng(0)
    parameters = mlp.initialize(0, "glorot_normal", "normal(0.3)")
    return mlp.problem(parameters, rng.normal(size=(5, 4)), np.eye(2)[[0, 1, 1, 0, 1]], "categorical_crossentropy")


@pytest.mark.parametrize(
    ("change", "text", "node"),
    [
        (("x @ W1 + b1", "x @ W1"), "x @ W1", "dense_1/u"),
        (("z1 @ W2 + b2", "z1 @ W2"), "z1 @ W2", "dense_2/u"),
        (("e.sum(axis=1, keepdims=True)", "e.max()"), "e / e.max()", "dense_2/z"),
    ],
)
def test_a_step_that_is_missing_forward_is_not_blamed_on_what_reads_it(
    blamed: Blamed, classes: Problem, change: tuple[str, str], text: str, node: str
) -> None:
    """What stands between two nodes is an operand of one of them alone."""
    assert blamed(FORWARD, on=classes) == []
    assert blamed(FORWARD, change, on=classes) == [(text, node)]


SUMMED = """
import numpy as np

def gradients(parameters, x, y):
    W1, b1, W2, b2 = parameters.values()
    n = len(x)
    z1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
    d2 = 2 * (z1 @ W2 + b2 - y) / y.shape[1]
    d1 = d2 @ W2.T * z1 * (1 - z1)
    return [x.T @ d1 / n, d1.sum(axis=0) / n, z1.T @ d2 / n, d2.sum(axis=0) / n]
"""


def test_a_factor_that_came_down_is_blamed_where_it_came_from(blamed: Blamed) -> None:
    """Each gradient is divided by n once, rightly; that δ is divided by it, too, heals all where they heal one each."""
    (text, _), *more = blamed(SUMMED, ("/ y.shape[1]", "/ y.size"))
    assert text in "2 * (z1 @ W2 + b2 - y) / y.size"
    assert not more
