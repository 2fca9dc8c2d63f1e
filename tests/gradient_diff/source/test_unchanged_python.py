"""That recording changes no bit: what Python itself does with arrays and numbers."""

# ruff: noqa: C408, C416, E721, RUF059  # what users do is what is tested

from __future__ import annotations

import copy
import functools
import json
import math
import pickle
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy import exp, zeros

Case = Callable[[Any, Any, Any], Any]
CASES: list[Case] = []
"""(W (4, 3), x (5, 4), v (3,)) → anything."""


def case(function: Case) -> Case:
    CASES.append(function)
    return function


@case
def prints(W: Any, x: Any, v: Any) -> Any:
    print(W, repr(x), f"{v[0]:.3f} {v} {v.sum()!r}", "%.2f" % v[1], "{:8.3f}".format(v[2]), str(v.mean()))  # noqa: T201, UP031, UP032
    print(v.tolist(), [v[0]], {"a": W[0]}, (W.max(), v.dtype), np.array2string(v, precision=2))  # noqa: T201
    return W


@case
def exact_types(W: Any, x: Any, v: Any) -> Any:
    a = v.tolist()[0]
    kinds = (
        type(W) is np.ndarray,
        type(v[0]) == type(np.float64(1)),
        type(a) is float,
        type([a]) == list,
        type(W * 2) == np.ndarray,
    )
    return (
        kinds,
        isinstance(int, type),
        type(a).__name__,
        type("C", (), {"n": 1}).n,
        [type(b) is bool for b in (True, 1)],
        type(W) in (list, np.ndarray),
    )


@case
def unpacks(W: Any, x: Any, v: Any) -> Any:
    a, b, c = v
    (first, *rest), last = W[0], W[-1]
    top, *others = x
    return a * b + c, first, rest, last, top, others, [*v], dict(enumerate(v)), list(zip(v, W, strict=False))


@case
def sorts(W: Any, x: Any, v: Any) -> Any:
    w = v.copy()
    w.sort()
    return (
        sorted(v),
        np.sort(x, axis=0),
        v.argsort(),
        np.argsort(x),
        sorted(v, key=lambda t: -t),
        w,
        np.unique(v),
        np.partition(v, 1),
        x.argmax(axis=1),
        np.searchsorted(w, v),
    )


@case
def contains(W: Any, x: Any, v: Any) -> Any:
    return (
        v[0] in v,
        99.0 in x,
        bool((v == v).all()),
        np.isin(v, v[:1]),
        np.any(x > 0),
        all(v > -99),
        any(v > 99),
        not v[0],
        bool(v[0]),
    )


@case
def builtins_of_numbers(W: Any, x: Any, v: Any) -> Any:
    return (
        min(v),
        max(v),
        sum(v),
        sum(x),
        abs(v),
        abs(v[0]),
        round(v[0], 2),
        pow(v[0], 2),
        divmod(v[0], 2),
        len(x),
        float(v[0]),
        int(v[1] * 10),
        complex(v[0]),
        list(map(float, v)),
        list(reversed(v)),
        max(v.tolist()),
        sum(v.tolist()),
    )


@case
def numbers(W: Any, x: Any, v: Any) -> Any:
    a, b, c = v.tolist()
    d = math.exp(a) + math.sqrt(abs(b)) - math.tanh(c) * math.log(2.0) + math.pow(2.0, a) + math.fsum([a, b])
    return (
        d,
        a // b,
        a % b,
        -a,
        +a,
        a**2,
        2**a,
        a > b,
        a == a,
        hash(a) == hash(float(a)),
        str(a),
        repr(b),
        f"{c:.3f}",
        a.is_integer(),
        a.hex(),
        round(a),
        int(a),
        math.floor(b),
        isinstance(a, float),
        json.dumps([a, b]),
        a and b,
        a or b,
        1j * a,
        a * [1][0],
        divmod(a, b),
    )


@case
def scalars(W: Any, x: Any, v: Any) -> Any:
    a, b = v[0], x[1, 2]
    return (
        a + 1,
        1 + a,
        a * b,
        a / b,
        a**2,
        -a,
        a > b,
        np.exp(a),
        np.float32(2) * a,
        a * np.float64(2),
        a.dtype,
        a.shape,
        a.item(),
        float(a),
        np.maximum(0, a),
        a * v,
        v * a,
        a.astype(int),
        np.array([a, b]),
        [a] * 2,
        round(a, 1),
        isinstance(a, np.floating),
        a.sum(),
        a.T,
        a == a,
        a + 1j,
        hash(a) == hash(a.item()),
        str(a),
        repr(b),
        f"{a:.2f}",
    )


@case
def copies(W: Any, x: Any, v: Any) -> Any:
    a = copy.deepcopy(W)
    b = pickle.loads(pickle.dumps(v))
    c = copy.copy(x)
    d = copy.deepcopy({"a": [W, v[0], v.tolist()]})
    a += 1
    c += 1
    return a, b, c, d, W, x, pickle.loads(pickle.dumps([v[0], *v.tolist()]))


@case
def asks_types(W: Any, x: Any, v: Any) -> Any:
    return (
        isinstance(W, np.ndarray),
        isinstance(v[0], float),
        isinstance(v[0], np.floating),
        np.isscalar(v[0]),
        hasattr(W, "shape"),
        callable(W),
        W.ndim,
        W.size,
        W.nbytes,
        W.itemsize,
        W.strides,
        np.ndim(v),
        np.size(x),
        np.shape(v[0]),
        isinstance(v.tolist()[0], float),
    )


@case
def generators(W: Any, x: Any, v: Any) -> Any:
    def rows() -> Iterator[Any]:
        for row in x:
            yield row @ W

    return (
        list(rows()),
        sum(r.sum() for r in rows()),
        [a for r in x for a in r if a > 0],
        {i: r for i, r in enumerate(x)},
    )


@case
def catches(W: Any, x: Any, v: Any) -> Any:
    try:
        x @ x
    except ValueError as error:
        text = str(error)
    try:
        W[9]
    except IndexError as error:
        text += str(error)
    try:
        float(v)
    except TypeError as error:
        text += str(error)
    try:
        bool(v)
    except ValueError as error:
        text += str(error)
    return text


@case
def raises_of_a_sum(W: Any, x: Any, v: Any) -> Any:
    return W + x


@case
def raises_on_iteration(W: Any, x: Any, v: Any) -> Any:
    a, b = v
    return a


@case
def raises_of_a_scalar(W: Any, x: Any, v: Any) -> Any:
    return list(np.array(v[0]))


@case
def recursion(W: Any, x: Any, v: Any) -> Any:
    def power(a: Any, n: int) -> Any:
        return a if n == 0 else power(a * 0.5, n - 1)

    return power(W, 5)


def twice(f: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        return 2 * f(*args, **kwargs)

    return call


@twice
def decorated(x: Any, W: Any) -> Any:
    return x @ W


@functools.lru_cache
def cached(n: int) -> Any:
    return np.eye(n)


@case
def decorators(W: Any, x: Any, v: Any) -> Any:
    return decorated(x, W), cached(3) @ v, functools.reduce(np.dot, [x, W, v]), functools.partial(np.sum, axis=0)(x)


@case
def lambdas(W: Any, x: Any, v: Any) -> Any:
    f, g = (lambda t: t * 2), (lambda t: t + 1)
    return f(g(v)), (lambda a, b: a @ b)(x, W)


@case
def imported_names(W: Any, x: Any, v: Any) -> Any:
    a = zeros((2, 3))
    a[0] = exp(v)
    return a


@case
def dicts_and_records(W: Any, x: Any, v: Any) -> Any:
    Pair = namedtuple("Pair", "a b")

    @dataclass
    class Cache:
        z: Any

    table = np.zeros(2, dtype=[("w", float), ("n", int)])
    table["w"] = v[:2]
    pair = Pair(W, v)
    return (
        dict(a=W, b={"c": v}),
        pair.a @ pair.b,
        Cache(x).z @ W,
        table["w"],
        set(v.tolist()) == set(v.tolist()),
        {v[0]: 1}[v[0]],
    )


class Net:
    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.velocity = 0.0

    def step(self, g: Any) -> Any:
        self.velocity = 0.9 * self.velocity - 0.1 * g
        self.seen.append(self.velocity)
        return self.velocity


@case
def keeps_state(W: Any, x: Any, v: Any) -> Any:
    net = Net()
    for _ in range(3):
        net.step(W)
    return net.seen, net.velocity


SILENT = {catches, raises_of_a_sum}
"""Nothing is recorded of what raises."""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("function", CASES, ids=lambda f: f.__name__)
def test_the_same_with_and_without_recording(function: Case, dtype: str, unchanged: Callable[..., None]) -> None:
    unchanged(function, dtype, function in SILENT)
