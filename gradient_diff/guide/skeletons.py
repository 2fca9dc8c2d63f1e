"""Right derivations in NumPy as people write them, samples in rows or in columns; `nets` fills in what differs."""

from __future__ import annotations

from typing import Literal, TypeAlias

Layout: TypeAlias = Literal["rows", "columns"]
LAYOUTS: tuple[Layout, ...] = ("rows", "columns")

TWO: dict[Layout, str] = {
    "rows": """\
def gradients({takes}):
    {names} = parameters
    N, K = y.shape
    u1 = x @ W1 + b1
    z1 = {f}
{between}    u2 = {a1} @ W2 + b2
{top}    dW2 = {a1}.T @ d2
    db2 = d2.sum(axis=0)
    g1 = d2 @ W2.T
{back}    d1 = g1 * {slope}
    dW1 = x.T @ d1
    db1 = d1.sum(axis=0)
{penalty}    return [{gradients}]
""",
    "columns": """\
def gradients({takes}):
    {names} = parameters
    K, N = y.shape
    u1 = W1 @ x + b1
    z1 = {f}
{between}    u2 = W2 @ {a1} + b2
{top}    dW2 = d2 @ {a1}.T
    db2 = d2.sum(axis=1, keepdims=True)
    g1 = W2.T @ d2
{back}    d1 = g1 * {slope}
    dW1 = d1 @ x.T
    db1 = d1.sum(axis=1, keepdims=True)
{penalty}    return [{gradients}]
""",
}
"""One hidden layer; g1 is dE/dz of it, d1 and d2 are δ."""

THREE: dict[Layout, str] = {
    "rows": """\
def gradients(parameters, x, y):
    W1, b1, W2, b2, W3, b3 = parameters
    N, K = y.shape
    u1 = x @ W1 + b1
    z1 = np.tanh(u1)
    u2 = z1 @ W2 + b2
    z2 = np.tanh(u2)
    u3 = z2 @ W3 + b3
    d3 = 2 * (u3 - y) / (N * K)
    dW3 = z2.T @ d3
    db3 = d3.sum(axis=0)
    d2 = d3 @ W3.T * (1 - z2**2)
    dW2 = z1.T @ d2
    db2 = d2.sum(axis=0)
    d1 = d2 @ W2.T * (1 - z1**2)
    dW1 = x.T @ d1
    db1 = d1.sum(axis=0)
    return [dW1, db1, dW2, db2, dW3, db3]
""",
    "columns": """\
def gradients(parameters, x, y):
    W1, b1, W2, b2, W3, b3 = parameters
    K, N = y.shape
    u1 = W1 @ x + b1
    z1 = np.tanh(u1)
    u2 = W2 @ z1 + b2
    z2 = np.tanh(u2)
    u3 = W3 @ z2 + b3
    d3 = 2 * (u3 - y) / (N * K)
    dW3 = d3 @ z2.T
    db3 = d3.sum(axis=1, keepdims=True)
    d2 = W3.T @ d3 * (1 - z2**2)
    dW2 = d2 @ z1.T
    db2 = d2.sum(axis=1, keepdims=True)
    d1 = W2.T @ d2 * (1 - z1**2)
    dW1 = d1 @ x.T
    db1 = d1.sum(axis=1, keepdims=True)
    return [dW1, db1, dW2, db2, dW3, db3]
""",
}
"""Two hidden layers of one width, where more of the matrices may be taken for each other."""

LOOP: dict[Layout, str] = {
    "rows": """\
def gradients(parameters, x, y):
    sums = [np.zeros_like(w) for w in parameters]
    for n in range(0, len(x), {size}):
        for total, g in zip(sums, of_some(parameters, x[n : n + {size}], y[n : n + {size}], len(x))):
            total += g
    return sums


""",
    "columns": """\
def gradients(parameters, x, y):
    sums = [np.zeros_like(w) for w in parameters]
    for n in range(0, x.shape[1], {size}):
        for total, g in zip(sums, of_some(parameters, x[:, n : n + {size}], y[:, n : n + {size}], x.shape[1])):
            total += g
    return sums


""",
}
"""The same, added up over samples or mini-batches by `of_some`, which is TWO with the N of the whole batch."""

STATISTICS: dict[Layout, str] = {
    "rows": """\
    mu = z1.mean(axis=0)
    v = z1.var(axis=0)
    r = np.sqrt(v + 1e-3)
    h = (z1 - mu) / r
    a1 = gamma * h + beta
""",
    "columns": """\
    mu = z1.mean(axis=1, keepdims=True)
    v = z1.var(axis=1, keepdims=True)
    r = np.sqrt(v + 1e-3)
    h = (z1 - mu) / r
    a1 = gamma * h + beta
""",
}

NORMALISED_BACK: dict[Layout, str] = {
    "rows": """\
    dgamma = (g1 * h).sum(axis=0)
    dbeta = g1.sum(axis=0)
    s = g1 * gamma
    g1 = (s - s.mean(axis=0) - h * (s * h).mean(axis=0)) / r
""",
    "columns": """\
    dgamma = (g1 * h).sum(axis=1, keepdims=True)
    dbeta = g1.sum(axis=1, keepdims=True)
    s = g1 * gamma
    g1 = (s - s.mean(axis=1, keepdims=True) - h * (s * h).mean(axis=1, keepdims=True)) / r
""",
}

SOFTMAX: dict[Layout, str] = {
    "rows": """\
    e = np.exp(u2 - u2.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
""",
    "columns": """\
    e = np.exp(u2 - u2.max(axis=0, keepdims=True))
    p = e / e.sum(axis=0, keepdims=True)
""",
}

SOFTMAX_CHAIN: dict[Layout, str] = {
    "rows": """\
    g2 = -y / p / N
    d2 = p * (g2 - (g2 * p).sum(axis=1, keepdims=True))
""",
    "columns": """\
    g2 = -y / p / N
    d2 = p * (g2 - (g2 * p).sum(axis=0, keepdims=True))
""",
}
