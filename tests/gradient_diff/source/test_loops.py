"""Loops over samples, numbers and mini-batches: what an expression computes in all rounds is one thing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff.source.known import Known
from manual_mlp import MLP, Dense, Problem

LISTS = """
import math


def s(u):
    return 1 / (1 + math.exp(-u))


def dot(a, b):
    return sum(p * q for p, q in zip(a, b))


def gradients(p, x, y):
    W1, b1, W2, b2 = (v.tolist() for v in p.values())
    x, y = x.tolist(), y.tolist()
    z1 = [[s(dot(r, c) + b) for c, b in zip(zip(*W1), b1)] for r in x]
    z2 = [[dot(r, c) + b for c, b in zip(zip(*W2), b2)] for r in z1]
    d2 = [[2 * (a - b) / (len(y) * len(y[0])) for a, b in zip(r, t)] for r, t in zip(z2, y)]
    d1 = [[dot(w, e) * z * (1 - z) for w, z in zip(W2, r)] for e, r in zip(d2, z1)]
    return dict(zip(p, (
        [[dot(a, e) for e in zip(*d1)] for a in zip(*x)],
        [sum(e) for e in zip(*d1)],
        [[dot(a, e) for e in zip(*d2)] for a in zip(*z1)],
        [sum(e) for e in zip(*d2)],
    )))
"""
BATCHES = """
import numpy as np


def gradients(p, x, y):
    W1, b1, W2, b2 = p.values()
    v = [np.zeros(w.shape) for w in p.values()]
    for at in (0, 3):
        xs, ys = x[at : at + 3], y[at : at + 3]
        z1 = 1 / (1 + np.exp(-(xs @ W1 + b1)))
        d2 = 2 * (z1 @ W2 + b2 - ys) / ys.size
        d1 = d2 @ W2.T * z1 * (1 - z1)
        g = xs.T @ d1, d1.sum(0), z1.T @ d2, d2.sum(0)
        v = [a + len(xs) / len(x) * b for a, b in zip(v, g)]
    return dict(zip(p, v))
"""


ONE_NUMBER = """
import numpy as np


def act(u):
    return 1 / (1 + np.exp(-u))


def act_prime(z):
    return z * (1 - z)


f, f_prime = np.vectorize(act), np.vectorize(act_prime)


def gradients(p, x, y):
    W1, b1, W2, b2 = p.values()
    z1 = f(x @ W1 + b1)
    d2 = 2 * (z1 @ W2 + b2 - y) / y.size
    d1 = d2 @ W2.T * f_prime(z1)
    return dict(zip(p, (x.T @ d1, d1.sum(0), z1.T @ d2, d2.sum(0))))
"""
INDICES = """
import math


def gradients(p, x, y):
    W, b, V, c = (v.tolist() for v in p.values())
    gW, gb, gV, gc = ([[0.0] * len(r) for r in m] if isinstance(m[0], list) else [0.0] * len(m) for m in (W, b, V, c))
    for r, t in zip(x.tolist(), y.tolist()):
        z = [1 / (1 + math.exp(-sum(a * w[j] for a, w in zip(r, W)) - b[j])) for j in range(len(b))]
        for k in range(len(c)):
            total = c[k]
            for j in range(len(b)):
                total += z[j] * V[j][k]
            e = 2 * (total - t[k]) / (len(y) * len(t))
            gc[k] += e
            for j in range(len(b)):
                gV[j][k] += e * z[j]
                d = e * V[j][k] * z[j] * (1 - z[j])
                gb[j] += d
                for i in range(len(r)):
                    gW[i][j] += d * r[i]
    return dict(zip(p, (gW, gb, gV, gc)))
"""
RELU = (
    ("return 1 / (1 + np.exp(-u))", "return u if u > 0 else 0.0"),
    ("return z * (1 - z)", "return 1.0 if z > 0 else 0.0"),
)


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize(
    ("text", "change", "guilty"),
    [
        (ONE_NUMBER, ("z * (1 - z)", "z * (1 + z)"), ("1 + z", "dense_1/1 − z")),
        (ONE_NUMBER, ("np.exp(-u)", "np.exp(u)"), ("np.exp(u)", "dense_1/exp(−u)")),
        (ONE_NUMBER, ("f_prime(z1)", "f(z1)"), ("f(z1)", "dense_1/f′")),
        (INDICES, ("gV[j][k] += e * z[j]", "gV[j][k] = e * z[j]"), ("e * z[j]", "dense_2/dE_dkernel")),
        (LISTS, ("* z * (1 - z)", "* z * (1 + z)"), ("1 + z", "dense_1/1 − z")),
        (LISTS, ("[sum(e) for e in zip(*d1)]", "[sum(e) / 5 for e in zip(*d1)]"), ("sum(e) / 5", "dense_1/dE_dbias")),
        (BATCHES, ("2 * (z1", "4 * (z1"), ("4 * (z1 @ W2 + b2 - ys) / ys.size", "dense_2/dE_dz")),
        (BATCHES, ("d1.sum(0)", "d1.mean(0)"), ("d1.mean(0)", "dense_1/dE_dbias")),
        (BATCHES, ("(1 - z1)", "(1 + z1)"), ("1 + z1", "dense_1/1 − z")),
    ],
)
def test_the_expression_in_a_loop(
    blamed: Callable[..., list[tuple[str, str]]], text: str, change: tuple[str, str], guilty: tuple[str, str]
) -> None:
    assert blamed(text) == []
    assert blamed(text, change) == [guilty]


@pytest.mark.parametrize("wrong", ["0.0 if z > 0 else 1.0", "z if z > 0 else 0.0"])
def test_a_function_of_one_number_that_computes_nothing(
    blamed: Callable[..., list[tuple[str, str]]], problem: Problem, wrong: str
) -> None:
    """It is its result that is wrong, not the call; where the call takes another function, that is."""
    mlp = MLP(4, [Dense(3, "relu"), Dense(2)])
    relu = mlp.problem(mlp.initialize(1, "glorot_normal", "normal(0.3)"), problem.x, problem.y, "mse")
    assert blamed(ONE_NUMBER, *RELU, on=relu) == []
    text = ONE_NUMBER.replace(RELU[1][0], f"return {wrong}")
    ((found, node),) = blamed(text, RELU[0], on=relu)
    assert (found.removeprefix("return "), node) == (wrong, "dense_1/f′")
    assert blamed(ONE_NUMBER, *RELU, ("f_prime(z1)", "f(z1)"), on=relu) == [("f(z1)", "dense_1/f′")]


@pytest.mark.parametrize(
    ("wrong", "guilty"),
    [
        (("z > 0:", "z == 0:"), "z == 0"),
        (("return 1.0", "return z"), "return z"),
        (("return 0.0", "return 0.5"), "0.5"),
    ],
)
def test_of_several_returns_the_wrong_one_or_what_decides(
    blamed: Callable[..., list[tuple[str, str]]], problem: Problem, wrong: tuple[str, str], guilty: str
) -> None:
    mlp = MLP(4, [Dense(3, "relu"), Dense(2)])
    relu = mlp.problem(mlp.initialize(1, "glorot_normal", "normal(0.3)"), problem.x, problem.y, "mse")
    text = ONE_NUMBER.replace("return z * (1 - z)", "if z > 0:\n        return 1.0\n    return 0.0")
    assert blamed(text, RELU[0], on=relu) == []
    ((found, node),) = blamed(text, RELU[0], wrong, on=relu)
    assert (found.removeprefix("return "), node) == (guilty.removeprefix("return "), "dense_1/f′")


def test_a_mini_batch_has_its_own_mean_also_where_a_row_is_nought(known: Known) -> None:
    delta = known.by_node["dense_1/dE_du"]
    assert known.recognise(known.by_node["x"].array[[1, 3]]) is not None  # these samples are at work
    found = known.recognise(delta.array[[1, 3]] * 5 / 2)
    assert found is not None
    assert (found.node, found.factor, found.form.rows) == ("dense_1/dE_du", "N/n", (1, 3))
    assert known.scale("N/n", found.form) == 2.5
    summed = known.recognise(np.asarray(delta.array[[1, 3]].sum(0) * 5 / 2))
    assert summed is not None
    assert (summed.node, summed.factor, summed.form.rows) == ("dense_1/dE_dbias", "N/n", (1, 3))
