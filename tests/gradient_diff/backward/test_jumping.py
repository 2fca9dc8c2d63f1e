"""A value that jumps at the point is a KINK that says so; a gradient that fits no side is wrong all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff import Status, check_backward
from manual_mlp import Array

JUMPS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array], list[float]]] = {
    "floor": (np.floor, np.zeros_like, [4.0, 1.3]),
    "ceil": (np.ceil, np.zeros_like, [-2.0, 1.3]),
    "round": (np.round, np.zeros_like, [0.5, 1.3]),
    "sign": (np.sign, np.zeros_like, [0.0, 1.3]),
    "mask": (lambda x: x * (x >= 1), lambda x: 1.0 * (x >= 1), [1.0, 0.3, 2.0]),
    "indicator": (lambda x: x + (x == 0), np.ones_like, [0.0, 1.3]),
    "a factor that jumps": (lambda x: x * np.floor(x), np.floor, [4.0, 1.3]),
    "many": (lambda x: x * np.floor(x), np.floor, list(range(1, 31))),
}


def _checked(f: Callable[[Array], Array], derivative: Callable[[Array], Array], x: Array) -> Any:
    return check_backward(f, lambda u, x: u * derivative(x), x)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_is_a_kink_that_says_so(name: str, dtype: str) -> None:
    f, derivative, x = JUMPS[name]
    diff = _checked(f, derivative, np.array(x, dtype))
    assert diff.verdict is Status.KINK
    assert "the values jump at [" in diff.rows[0].reason
    assert "jump" in diff.headline()
    assert "move the inputs a little" in diff.meaning(Status.KINK).advice


@pytest.mark.parametrize("name", JUMPS)
def test_a_wrong_gradient_is_wrong_at_a_jump_too(name: str) -> None:
    f, derivative, x = JUMPS[name]
    off = _checked(f, lambda x: derivative(x) + 1.5, np.array(x, float))
    assert off.verdict is Status.MISMATCH
    alone = _checked(f, lambda x: derivative(x) + 1.5, np.array(x[:1], float))
    assert alone.verdict is Status.MISMATCH
    assert "is not between the slopes" in alone.rows[0].reason


@pytest.mark.parametrize("x", [[1.8], [1.8, -0.2]])
def test_away_from_a_jump_nothing_is_said_of_one(x: list[float]) -> None:
    assert _checked(np.floor, np.zeros_like, np.array(x)).verdict is Status.VACUOUS
    right = _checked(lambda x: x * np.floor(x), np.floor, np.array(x))
    assert right.verdict is Status.MATCH
    assert "jump" not in right.rows[0].reason


def test_a_mistake_elsewhere_is_not_hidden_by_a_jump() -> None:
    off = _checked(lambda x: x * np.floor(x), lambda x: np.floor(x) * np.where(x == 4, 1, 1.001), np.array([4.0, 1.3]))
    assert off.verdict is Status.MISMATCH
