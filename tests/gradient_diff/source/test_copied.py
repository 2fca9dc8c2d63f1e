"""A function's state is copied with it: object, closure, bound arguments, functions that name each other."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from gradient_diff.source.copied import copied


class Net:
    def __init__(self) -> None:
        self.W = np.zeros(2)

    def step(self) -> Any:
        self.W += 1
        return self.W.tolist()

    __call__ = step


def counter() -> tuple[Callable[[], Any], list[int], Net]:
    seen, net, lock, late = [0], Net(), threading.Lock(), None

    def even(n: int) -> bool:
        return n == 0 or odd(n - 1)

    def odd(n: int) -> bool:
        return n != 0 and even(n - 1)

    def count(by: int = 1, *, more: int = 0) -> Any:
        nonlocal late
        with lock:
            seen[0] += by + more
        late = net.step()
        return seen[0], late, even(4), np.pi

    return count, seen, net


def test_a_closure_is_copied() -> None:
    count, seen, net = counter()
    other = copied(count)
    assert other() == (1, [1.0, 1.0], True, np.pi)
    assert other(more=2) == (4, [2.0, 2.0], True, np.pi)
    assert seen == [0]
    assert not net.W.any()
    assert count()[0] == 1


def test_an_object_is_copied() -> None:
    for take in (lambda net: net.step, lambda net: net, lambda net: functools.partial(Net.step, net)):
        net = Net()
        assert copied(take(net))() == [1.0, 1.0]
        assert not net.W.any()


def test_what_has_no_value_yet_and_what_has_no_state() -> None:
    def outer() -> Callable[[], int]:
        def inner() -> int:
            return later

        found = copied(inner)
        later = 3
        assert inner() == later
        return found

    assert outer().__code__.co_freevars == ("later",)  # type: ignore[attr-defined]
    assert copied(np.sum)([1, 2]) == 3
    assert copied(len)([1, 2]) == 2
