"""Loops over samples, numbers and mini-batches: what an expression computes in all rounds is one thing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff.source.known import Known

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


@pytest.mark.parametrize(
    ("text", "change", "guilty"),
    [
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
