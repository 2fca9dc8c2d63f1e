"""That recording changes no bit: what NumPy does, in every way in which users ask for it."""

# ruff: noqa: C416, C417, PLW2901, RUF005, RUF015  # what users do is what is tested

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Case = Callable[[Any, Any, Any], Any]
CASES: list[Case] = []
"""(W (4, 3), x (5, 4), v (3,)) → anything."""


def case(function: Case) -> Case:
    CASES.append(function)
    return function


@case
def shuffles_in_place(W: Any, x: Any, v: Any) -> Any:
    np.random.shuffle(x)  # noqa: NPY002
    np.random.default_rng(0).shuffle(v)
    return x, v


@case
def mutates(W: Any, x: Any, v: Any) -> Any:
    W -= 0.1 * W
    x[x < 0] = 0
    v[:] = v[::-1].copy()
    x[0, 1] += 2
    W *= 2
    v **= 2
    return W, x, v


@case
def returns_views(W: Any, x: Any, v: Any) -> Any:
    a = W.T
    b = W.reshape(-1)
    b[0] = 7
    r = W.ravel()
    r[1] = 8
    s = W[1:]
    s[...] += 1
    return a, b, s, np.shares_memory(a, W), np.may_share_memory(s, W), a.base is not None, W.flags["C_CONTIGUOUS"]


@case
def writes_out(W: Any, x: Any, v: Any) -> Any:
    out = np.empty((5, 3))
    np.dot(x.astype(float), W.astype(float), out=out)
    np.exp(out, out=out)
    np.add(out, v, out)
    np.multiply(out, 2, out=out, where=out > 1)
    total = np.zeros(3)
    np.sum(out, axis=0, out=total)
    out.sum(axis=0, out=total)
    np.clip(out, 0, 1, out=out)
    return out, total


@case
def where_argument(W: Any, x: Any, v: Any) -> Any:
    return (
        np.sum(x, where=x > 0),
        np.log(x, where=x > 0, out=np.zeros_like(x)),
        np.mean(x, axis=0, where=x < 9),
        x.sum(where=x > 0),
    )


@case
def methods_of_ufuncs(W: Any, x: Any, v: Any) -> Any:
    total = np.zeros(3)
    np.add.at(total, [0, 0, 2], v)
    np.subtract.at(total, 1, 2.0)
    return (
        total,
        np.add.reduceat(x, [0, 2], axis=0),
        np.add.accumulate(x, axis=1),
        np.multiply.outer(v, v),
        np.add.reduce(x),
        np.maximum.reduce(x, axis=1, keepdims=True),
        np.divmod(x, 2),
        np.modf(x),
        np.frexp(v),
    )


@case
def einsums(W: Any, x: Any, v: Any) -> Any:
    return (
        np.einsum("ni,io->no", x, W),
        np.einsum("ij->", W),
        np.einsum("ij->ji", W),
        np.einsum(x, [0, 1], W, [1, 2]),
        np.tensordot(x, W, 1),
    )


@case
def linear_algebra(W: Any, x: Any, v: Any) -> Any:
    square = W.T @ W + np.eye(3)
    return (
        np.linalg.inv(square),
        np.linalg.solve(square, v),
        np.linalg.norm(W),
        np.linalg.norm(x, axis=1),
        np.linalg.svd(W)[1],
        np.linalg.det(square),
        np.linalg.lstsq(x, x[:, 0], rcond=None)[0],
        np.linalg.eigh(square).eigenvalues,
        np.linalg.multi_dot([x, W, square]),
        np.kron(v, v),
        np.trace(square),
        np.vdot(v, v),
        np.inner(v, v),
    )


@case
def strips(W: Any, x: Any, v: Any) -> Any:
    a = np.asarray(x) @ np.asarray(W)
    b = np.array(a)
    b += 1
    c = np.ascontiguousarray(W.T)
    return (
        a,
        b,
        c,
        np.asarray(v, dtype="float32"),
        np.array(W, copy=True),
        np.asfortranarray(W),
        np.array(W, ndmin=3),
        np.copy(v),
    )


@case
def indexes(W: Any, x: Any, v: Any) -> Any:
    rows = np.array([2, 0, 0])
    y = np.array([0, 2, 1, 1, 0])
    p = x @ W
    p[np.arange(5), y] -= 1
    p[[0, 1]] *= 2
    return (
        p,
        x[rows],
        x[x > 0],
        x[x[:, 0] > 0],
        x[..., None],
        x[:, np.newaxis],
        x[-1],
        x[1, 2],
        x[np.ix_([0, 1], [1, 2])],
        W.flat[3],
        np.take(v, [0, 1]),
    )


@case
def no_dimensions(W: Any, x: Any, v: Any) -> Any:
    a = np.array(v[0])
    b = np.asarray(2.0)
    b += 1
    a[...] = 5
    return (
        a,
        b,
        a * 2,
        a[()],
        np.sum(v),
        v.sum(keepdims=True),
        a.ndim,
        float(a),
        a.item(),
        np.squeeze(v[:1]),
        np.mean(v) * a,
        b.tolist(),
    )


@case
def whole_numbers(W: Any, x: Any, v: Any) -> Any:
    labels = np.array([0, 2, 1, 1, 0])
    one_hot = np.eye(3)[labels]
    n = labels.sum()
    return (
        one_hot,
        labels + 1,
        labels * v[0],
        x[labels],
        np.bincount(labels, weights=x[:, 0]),
        n / 2,
        np.zeros(3, dtype=int),
        (x > 0).sum(axis=0),
        (x > 0) * 1.0,
        ~(x > 0),
    )


@case
def complex_numbers(W: Any, x: Any, v: Any) -> Any:
    a = v + 1e-30j
    b = np.zeros(3, dtype=complex)
    b[:] = v
    b[0] = v[0] + 1j
    return (
        a,
        a.imag,
        np.exp(a).imag / 1e-30,
        b,
        np.real(a),
        np.conj(a),
        v * 1j,
        W @ a,
        np.iscomplexobj(v),
        v.real,
        v.imag,
    )


@case
def makers(W: Any, x: Any, v: Any) -> Any:
    return (
        [
            np.zeros(3),
            np.zeros_like(W),
            np.ones((2, 2)),
            np.full(2, v[0]),
            np.full_like(W, 2.0),
            np.eye(3),
            np.empty((0, 3)),
        ],
        [np.zeros(3, "float32"), np.zeros(2, dtype=bool), np.ones(3, int), np.zeros_like(W, dtype=int), np.identity(2)],
        [np.array([v[0], v[1]]), np.array([[1.0, 2.0], list(v[:2])]), np.array(3.5), np.array([1, 2]), np.array("a")],
        [
            np.concatenate([v, v]),
            np.vstack([v, v]),
            np.hstack([W, W]),
            np.stack([v, v], axis=1),
            np.column_stack([v, v]),
        ],
        [
            np.append(v, 1.0),
            np.c_[x, np.ones(5)],
            np.r_[v, v],
            np.insert(W, 0, 1, axis=1),
            np.tile(v, 2),
            np.repeat(v, 2),
        ],
        [np.linspace(0, 1, 3), np.arange(3.0) * v, np.diag(v), np.outer(v, v), np.block([[W, W]]), np.pad(v, 1)],
        [
            np.split(x, [2]),
            np.array_split(x, 2),
            np.meshgrid(v, v),
            np.broadcast_to(v, (2, 3)),
            np.atleast_2d(v),
            np.triu(W),
        ],
    )


@case
def more_functions(W: Any, x: Any, v: Any) -> Any:
    return (
        [
            np.where(x > 0, x, 0.0),
            np.where(x > 9)[0],
            np.maximum(0, x),
            np.clip(x, -1, 1),
            np.nan_to_num(x),
            np.select([x > 0], [x]),
        ],
        [
            np.argmax(x, axis=1),
            np.cumsum(v),
            np.diff(v),
            np.prod(v),
            np.var(x, axis=0),
            np.std(x),
            np.median(x),
            np.ptp(v),
        ],
        [
            np.allclose(v, v),
            np.array_equal(v, v),
            np.isclose(v, v),
            np.isnan(x).any(),
            np.count_nonzero(x),
            np.isfinite(v).all(),
        ],
        [
            np.percentile(x, 50),
            np.average(v, weights=np.abs(v)),
            np.histogram(x, 3),
            np.corrcoef(W),
            np.convolve(v, v),
            np.roll(v, 1),
        ],
        [
            np.apply_along_axis(np.sum, 1, x),
            np.fromiter((t for t in v), float),
            np.array(list(map(lambda r: r.sum(), x))),
        ],
        [
            np.nditer(v).operands[0].shape,
            [t for t in np.nditer(v)][0].shape,
            list(np.ndenumerate(v)),
            v.flat[:2],
            list(v.flat),
        ],
        [
            x.T.dot(x),
            x.dot(W).max(axis=1, keepdims=True),
            W.sum(0),
            W.mean(),
            W.std(),
            W.round(1),
            v.cumsum(),
            W.swapaxes(0, 1),
        ],
        [
            v.all(),
            v.any(),
            v.nonzero(),
            v.argmin(),
            v.clip(0),
            v.conj(),
            W.diagonal(),
            v.fill(2.0),
            v.tobytes(),
            W.trace(),
        ],
    )


@case
def in_place_methods(W: Any, x: Any, v: Any) -> Any:
    W.fill(3)
    x.sort(axis=0)
    y = x.reshape(2, 10)
    y.shape = (20,)
    np.copyto(W, 1.5)
    np.put(x, [0], 9.0)
    np.fill_diagonal(W, 0)
    np.place(x, x > 1, [0.5])
    x.itemset if hasattr(x, "itemset") else None
    x.put([1], 4.0)
    return W, x, v, y


@case
def parts_that_are_written(W: Any, x: Any, v: Any) -> Any:
    a = np.zeros((2, 3))
    a.flat[0] = v[0]
    a.T[1] = 5
    a[1][2] = v[1]
    b = a.ravel()
    b[2] = 8
    for row in a:
        row += 1
    for i, _ in enumerate(x):
        x[i] *= 2
    a.real[0, 0] = 4
    return a, b, x


@case
def operators(W: Any, x: Any, v: Any) -> Any:
    return (
        x @ W,
        W * v,
        v / 2,
        2 / v,
        v // 1,
        v % 1,
        v**2,
        2**v,
        -v,
        +v,
        abs(v),
        v == v,
        v != v,
        v < 0,
        (v > 0) & (v < 1),
        (v > 0) | (v < 1),
        ~(v > 0),
        [1.0, 2.0, 3.0] + v,
        v * [1, 2, 3],
        v @ [1.0, 2.0, 3.0],
        divmod(v, 2),
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("function", CASES, ids=lambda f: f.__name__)
def test_the_same_with_and_without_recording(function: Case, dtype: str, unchanged: Callable[..., None]) -> None:
    unchanged(function, dtype)
