"""That recording changes no bit: other classes of arrays, libraries, plots, threads, random numbers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import scipy.special

Case = Callable[[Any, Any, Any], Any]
CASES: list[Case] = []
"""(W (4, 3), x (5, 4), v (3,)) → anything."""


def case(function: Case) -> Case:
    CASES.append(function)
    return function


mpl.use("Agg")


@case
def draws(W: Any, x: Any, v: Any) -> Any:
    rng = np.random.RandomState(3)
    a, b = np.random.rand(*W.shape), np.random.normal(v, np.abs(v))  # noqa: NPY002
    np.random.shuffle(b)  # noqa: NPY002
    order = np.random.permutation(len(x))  # noqa: NPY002
    g = np.random.default_rng(0)
    return a * W, b, rng.permutation(x), x[order], g.normal(v), g.choice(v, 2), g.permutation(x), g.random(3) * v


@case
def calls_scipy(W: Any, x: Any, v: Any) -> Any:
    return (
        scipy.special.expit(x @ W),
        scipy.special.softmax(x @ W, axis=1),
        scipy.special.logsumexp(v),
        scipy.linalg.norm(W),
    )


@case
def matrices(W: Any, x: Any, v: Any) -> Any:
    m = np.matrix(W)
    return np.asarray(np.matrix(x) * m), np.asarray(m.T * m), np.asarray(m.sum(axis=0)), np.asmatrix(W).shape


@case
def masked(W: Any, x: Any, v: Any) -> Any:
    m = np.ma.masked_where(x < 0, x)
    return m.sum(), m.mean(axis=0), np.ma.array(v, mask=[True, False, False]) * 2, m.filled(0)


@case
def other_classes_of_arrays(W: Any, x: Any, v: Any) -> Any:
    m, k = np.ma.array(v, mask=[True, False, False]), np.matrix(W)
    return (
        v * m,
        m + v,
        x @ k,
        x * k,
        k == W,
        m > v,
        v > m,
        k.T * W,
        np.exp(m),
        W * np.ma.array(W, mask=W > 0),
        np.maximum(v, m),
        type(v * m).__name__,
    )


@case
def objects(W: Any, x: Any, v: Any) -> Any:
    a = np.empty(2, dtype=object)
    a[0], a[1] = W, v
    b = np.array([v, W], dtype=object)
    return [p.sum() for p in a], [p * 2 for p in b], v.astype(object) * 2


@case
def threads(W: Any, x: Any, v: Any) -> Any:
    found: queue.Queue[Any] = queue.Queue()
    workers = [threading.Thread(target=lambda i=i: found.put((i, x[i] @ W + np.zeros(3)))) for i in range(3)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return [a for _, a in sorted(found.queue, key=lambda t: t[0])]


@case
def vectorizes(W: Any, x: Any, v: Any) -> Any:
    relu = np.vectorize(lambda t: t if t > 0 else 0.0)
    clip = np.vectorize(lambda t, a=0.5: min(t, a), otypes=[float])
    sign = np.vectorize(lambda row: row.sum(), signature="(n)->()")
    return relu(x), clip(W), clip(W, a=1.0), sign(x), np.frompyfunc(lambda a, b: a + b, 2, 1)(v, v)


@case
def frames(W: Any, x: Any, v: Any) -> Any:
    f = pd.DataFrame(W, columns=["a", "b", "c"])
    s = pd.Series(v)
    return (
        f.mean().to_numpy(),
        (f * 2).to_numpy(),
        s.sum(),
        f["a"].to_numpy(),
        pd.DataFrame({"a": v}).to_numpy(),
        str(f.describe()),
    )


@case
def plots(W: Any, x: Any, v: Any) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    (line,) = axes.plot(v, v.tolist())
    axes.imshow(W)
    axes.hist(x[:, 0])
    axes.scatter(v, v)
    axes.set_title(f"{v[0]:.2f}")
    figure.canvas.draw()
    data = line.get_xydata()
    plt.close(figure)
    return np.asarray(data), axes.get_xlim()


SILENT = {matrices, threads, frames}
"""Nothing is recorded of what leaves the subclass, of other threads and of libraries."""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("function", CASES, ids=lambda f: f.__name__)
def test_the_same_with_and_without_recording(function: Case, dtype: str, unchanged: Callable[..., None]) -> None:
    unchanged(function, dtype, function in SILENT)
