"""Backpropagation without NumPy in between: rows of floats, comprehensions, and sum()."""

import math

import numpy as np


def column(rows, j):
    return [row[j] for row in rows]


def dot(a, b):
    return sum(p * q for p, q in zip(a, b))


def affine(rows, kernel, bias):
    """Each row times the kernel, plus the bias."""
    return [[dot(row, column(kernel, j)) + bias[j] for j in range(len(bias))] for row in rows]


def act(u):
    return 1 / (1 + math.exp(-u))


def slope(u):
    return act(u) * (1 - act(u))


def squash(row):
    return row


def gradients(params, X, T):
    V = params["dense_1/kernel"].tolist()
    c = params["dense_1/bias"].tolist()
    W = params["dense_2/kernel"].tolist()
    d = params["dense_2/bias"].tolist()
    X, T = X.tolist(), T.tolist()
    N, K = len(T), len(T[0])

    pre = affine(X, V, c)
    hidden = [[act(u) for u in row] for row in pre]
    scores = affine(hidden, W, d)
    out = [squash(row) for row in scores]

    error = []
    for got, want in zip(out, T):
        error.append([2 * (o - t) / (N * K) for o, t in zip(got, want)])

    delta = []
    for us, es in zip(pre, error):
        back = [dot(weights, es) for weights in W]
        delta.append([b * slope(u) for b, u in zip(back, us)])

    found = {
        "dense_1/kernel": [[dot(column(X, i), column(delta, j)) for j in range(len(c))] for i in range(len(V))],
        "dense_1/bias": [sum(column(delta, j)) for j in range(len(c))],
        "dense_2/kernel": [[dot(column(hidden, j), column(error, k)) for k in range(K)] for j in range(len(W))],
        "dense_2/bias": [sum(column(error, k)) for k in range(K)],
    }
    grads = {name: np.zeros(value.shape) for name, value in params.items()}
    for name in grads:
        grads[name][:] = found[name]
    return grads
