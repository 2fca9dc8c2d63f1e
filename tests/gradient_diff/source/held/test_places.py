"""Where numbers are held: found in whatever a callable can get at, and written in the layout in which they are."""

from __future__ import annotations

import functools
from collections import deque, namedtuple
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradient_diff.source.held.places import Place, gathered, is_part, places_of

Pair = namedtuple("Pair", "w b")
GLOBAL = np.array([1.0, 2.0])


def found(step: Callable[..., Any]) -> dict[str, Place]:
    return {p.path: p for p in places_of(step)}


class Net:
    shared = np.zeros(3)

    def __init__(self, **held: Any) -> None:
        vars(self).update(held)

    def step(self) -> None:
        _helper()

    @property
    def costly(self) -> float:
        raise AssertionError("a property was run")


def _helper() -> float:
    return float(GLOBAL.sum())


class Slotted:
    __slots__ = ("empty", "w")

    def __init__(self, w: Any) -> None:
        self.w = w

    def step(self) -> None: ...


W = np.arange(6.0).reshape(2, 3)
HELD: dict[str, tuple[Any, str]] = {
    "an attribute": (lambda w: Net(w=w).step, "net.w"),
    "a list": (lambda w: Net(ws=[None, w]).step, "net.ws[1]"),
    "a dict": (lambda w: Net(p={"W1": w}).step, "net.p['W1']"),
    "a tuple": (lambda w: Net(p=(1, w)).step, "net.p[1]"),
    "a named tuple": (lambda w: Net(p=[Pair(w, 0)]).step, "net.p[0].w"),
    "a deque": (lambda w: Net(p=deque([w])).step, "net.p[0]"),
    "a namespace": (lambda w: Net(p=SimpleNamespace(w=w)).step, "net.p.w"),
    "an object in an object": (lambda w: Net(inner=Net(w=w)).step, "net.inner.w"),
    "an array of objects": (lambda w: Net(p=np.array([w, None], dtype=object)).step, "net.p[0]"),
    "__slots__": (lambda w: Slotted(w).step, "slotted.w"),
    "lists of floats": (lambda w: Net(p=w.tolist()).step, "net.p"),
    "tuples of floats": (lambda w: Net(p=tuple(map(tuple, w.tolist()))).step, "net.p"),
    "a list in a tuple": (lambda w: Net(p=(w.tolist(),)).step, "net.p[0]"),
    "a closure": (lambda w: lambda: w, "w"),
    "a default": (lambda w: lambda v=w: v, "v"),
    "a keyword default": (lambda w: lambda *, v=w: v, "v"),
    "a partial": (lambda w: functools.partial(lambda v, x: v, w), "v"),
    "a keyword of a partial": (lambda w: functools.partial(lambda x, v: v, v=w), "v"),
    "a matrix per layer": (lambda w: Net(p=np.stack([w, w + 1])).step, "net.p[0]"),
}


@pytest.mark.parametrize("kind", HELD)
def test_a_place_is_found_read_and_written(kind: str) -> None:
    make, path = HELD[kind]
    place = found(make(W.copy()))[path]
    np.testing.assert_array_equal(place.value, W)
    place.put(W + 0.5)
    np.testing.assert_array_equal(place.value, W + 0.5)


def test_an_array_is_written_in_place_and_views_follow() -> None:
    theta = np.arange(6.0)
    net = Net(theta=theta, w=theta[:4].reshape(2, 2))
    found(net.step)["net.w"].put(np.full((2, 2), 9.0))
    assert net.theta is theta  # type: ignore[attr-defined]  # as it was given
    assert theta.tolist() == [9, 9, 9, 9, 4, 5]


def test_lists_of_floats_keep_their_identity() -> None:
    rows = [[1.0, 2.0], [3.0, 4.0]]
    net = Net(w=rows)
    inner = rows[0]
    found(net.step)["net.w"].put(np.zeros((2, 2)))
    assert rows == [[0.0, 0.0], [0.0, 0.0]]
    assert net.w is rows  # type: ignore[attr-defined]  # as it was given
    assert rows[0] is inner


def test_what_is_read_only_is_replaced() -> None:
    w = np.ones(2)
    w.flags.writeable = False
    net = Net(w=w)
    found(net.step)["net.w"].put(np.zeros(2))
    assert net.w.tolist() == [0, 0]  # type: ignore[attr-defined]  # as it was given
    assert w.tolist() == [1, 1]


def test_globals_are_found_that_a_helper_names_and_class_attributes() -> None:
    assert {"GLOBAL", "net.shared"} <= found(Net().step).keys()


def test_no_property_is_run_and_a_circle_ends() -> None:
    net = Net(w=W)
    net.me = [net]  # type: ignore[attr-defined]  # as people do it
    assert [p for p in found(net.step) if p.startswith("net.w")] == ["net.w"]


def test_numbers_of_like_objects_are_gathered() -> None:
    neurons = [SimpleNamespace(weights=[1.0 * i, 2.0, 3.0], bias=0.5 * i) for i in range(2)]
    net = Net(layers=[neurons])
    spread = {p.path: p for p in gathered(places_of(net.step))}
    assert spread["net.layers[0][:].weights"].value.tolist() == [[0, 2, 3], [1, 2, 3]]
    spread["net.layers[0][:].bias"].put(np.array([7.0, 8.0]))
    assert [n.bias for n in neurons] == [7.0, 8.0]


def test_objects_of_a_number_each_in_two_lists_are_gathered() -> None:
    net = Net(neurons=[[SimpleNamespace(data=i + 10.0 * j) for i in range(3)] for j in range(2)])
    spread = {p.path: p for p in gathered(places_of(net.step))}
    assert spread["net.neurons[:][:].data"].value.tolist() == [[0, 1, 2], [10, 11, 12]]


@pytest.mark.parametrize(
    ("path", "whole", "expected"),
    [
        ("net.w[0]", "net.w", True),
        ("net.w", "net.w", False),
        ("net.w1", "net.w", False),
        ("n[3].w", "n[:].w", True),
        ("n[3].w[1]", "n[:].w", True),
        ("n[3].b", "n[:].w", False),
    ],
)
def test_a_part_is_what_stands_below_or_is_gathered(path: str, whole: str, expected: bool) -> None:
    assert is_part(path, whole) is expected
