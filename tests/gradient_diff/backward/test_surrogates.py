"""The local derivative left out, and what stands in its place: straight-through, reversed, smooth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff import GradientDiff, Status, check_backward
from manual_mlp import Array

X = np.random.default_rng(0).normal(size=(3, 4))


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


SURROGATES: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array], str]] = {
    "tanh": (np.tanh, lambda u, x: u, "local_derivative_missing"),
    "square, clipped far away": (np.square, lambda u, x: u * 1e25 / 1e25, "local_derivative_missing"),
    "matmul": (lambda x: x @ np.tri(4), lambda u, x: u, "local_derivative_missing"),
    "tanh for its derivative": (np.tanh, lambda u, x: u * np.tanh(x), "derivative_wrong"),
    "a logistic's for tanh's": (np.tanh, lambda u, x: u * np.tanh(x) * (1 - np.tanh(x)), "derivative_wrong"),
    "softmax, its diagonal": (softmax, lambda u, x: u * softmax(x) * (1 - softmax(x)), "softmax_elementwise"),
    "sign": (np.sign, lambda u, x: u, "straight_through"),
    "round": (np.round, lambda u, x: u, "straight_through"),
    "clipped": (np.sign, lambda u, x: u * (np.abs(x) < 1), "straight_through"),
    "smooth": (lambda x: 1.0 * (x > 0), lambda u, x: u / (1 + np.abs(x)) ** 2, "surrogate_gradient"),
    "reversed": (lambda x: x, lambda u, x: -u, "gradient_reversal"),
    "reversed, scaled": (lambda x: x, lambda u, x: -0.3 * u, "gradient_reversal"),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", SURROGATES)
def test_it_is_named(name: str, dtype: str) -> None:
    forward, backward, cause = SURROGATES[name]
    diff = check_backward(lambda x: forward(x).astype(x.dtype), backward, X.astype(dtype))
    flat = cause in ("straight_through", "surrogate_gradient")  # which a coarse computation is, too
    assert diff.verdict is (Status.INCONCLUSIVE if flat else Status.MISMATCH)
    assert ("the values do not change near the point" in diff.rows[0].reason) is flat
    assert [c.id for c in diff.causes] == [cause]
    assert ("On purpose" in diff.causes[0].message) is (flat or cause == "gradient_reversal")


OTHERS: dict[str, tuple[Any, Any, str]] = {
    "sign of a derivative": (np.tanh, lambda u, x: -u * (1 - np.tanh(x) ** 2), "sign"),
    "half of the upstream": (lambda x: x, lambda u, x: 0.5 * u, "factor_two"),
    "clipped": (lambda x: x, lambda u, x: np.clip(u, -1, 1), "upstream_not_linear"),
    "no upstream": (np.tanh, lambda u, x: 1 - np.tanh(x) ** 2, "local_replaces_upstream"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_mistakes_keep_their_names(name: str) -> None:
    forward, backward, cause = OTHERS[name]
    assert [c.id for c in check_backward(forward, backward, X).causes] == [cause]


def test_a_right_one_has_no_cause() -> None:
    assert check_backward(lambda x: x, lambda u: u, X).causes == ()
    assert check_backward(np.round, lambda u: 0 * u, X).causes == ()


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("axis", "shape"), [(1, (4, 4)), (0, (4, 4)), (0, (3, 4))])
def test_a_sum_over_another_axis_of_a_square_upstream_is_named(axis: int, shape: tuple[int, int], dtype: str) -> None:
    def checked(factor: float) -> GradientDiff:
        inputs = [np.ones(shape, dtype), np.arange(4).astype(dtype)]
        return check_backward(lambda x, b: x + b, lambda u, x, b: (u, u.sum(axis) * u.dtype.type(factor)), inputs)

    assert [c.id for c in checked(1.0).causes] == (["bias_summed_over_all"] if axis else [])
    assert checked(1.0).verdict is (Status.MISMATCH if axis else Status.MATCH)
    assert "bias_summed_over_all" not in [c.id for c in checked(1.001).causes]
