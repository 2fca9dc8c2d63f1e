"""Which mistake of a custom gradient is named: each planted, against values and against a twin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_function
from manual_mlp import Array

pytestmark = pytest.mark.matrix

X = np.random.default_rng(0).normal(size=(3, 2))
W = np.random.default_rng(1).normal(size=(2, 2))


PLANTED: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[Array], str, Status]] = {
    "upstream": (tf.tanh, lambda x, u: 1 - tf.tanh(x) ** 2, [X], "local_replaces_upstream", Status.MISMATCH),
    "sign": (tf.sin, lambda x, u: -u * tf.cos(x), [X], "sign", Status.MISMATCH),
    "twice": (tf.sin, lambda x, u: 2 * u * tf.cos(x), [X], "factor_two", Status.MISMATCH),
    "third": (tf.sin, lambda x, u: u * tf.cos(x) / 3, [X], "stray_constant", Status.MISMATCH),
    "square, transposed": (
        tf.matmul,
        lambda x, w, u: (u @ tf.transpose(w), tf.transpose(u) @ x),
        [X, W],
        "transposed",
        Status.MISMATCH,
    ),
    "transposed": (
        tf.matmul,
        lambda x, w, u: (u @ tf.transpose(w), tf.transpose(u) @ x),
        [X, np.random.default_rng(2).normal(size=(2, 5))],
        "transposed",
        Status.SHAPE,
    ),
    "swapped": (
        lambda a, b: a * tf.sin(b),
        lambda a, b, u: (u * a * tf.cos(b), u * tf.sin(b)),
        [X, X[::-1].copy()],
        "gradients_swapped",
        Status.MISMATCH,
    ),
    "none": (tf.multiply, lambda a, b, u: (u * b, None), [X, X], "missing_gradient", Status.MISSING),
    "zeros": (
        tf.multiply,
        lambda a, b, u: (u * b, tf.zeros_like(b)),
        [X, X],
        "missing_gradient",
        Status.MISMATCH,
    ),
    "not summed": (tf.add, lambda a, b, u: (u, u), [X, X[0]], "broadcast_not_summed", Status.SHAPE),
    "summed over units": (
        tf.add,
        lambda a, b, u: (u, tf.reduce_sum(u, 1)),
        [X, X[0]],
        "bias_summed_over_all",
        Status.SHAPE,
    ),
    "not broadcast": (tf.reduce_sum, lambda x, u: u, [X], "gradient_not_broadcast", Status.SHAPE),
}


@pytest.mark.matrix(most=4)
@pytest.mark.parametrize("reference", ["Ridders", "twin"])
@pytest.mark.parametrize("name", PLANTED)
def test_a_mistake_is_found_and_named(name: str, reference: str, custom: Any) -> None:
    forward, backward, arguments, cause, status = PLANTED[name]
    f = custom(forward, backward)
    for dtype in ("float64", "float32"):
        diff = check_function(f, [a.astype(dtype) for a in arguments], forward if reference == "twin" else None)
        assert diff.verdict is status, str(diff)
        assert diff.causes[0].id == cause
        assert diff.causes[0].layer in {row.name for row in diff.rows if row.status.bad}
        assert "σ" in str(diff) or status is not Status.MISMATCH


@pytest.mark.parametrize("reference", [None, tf.identity])
@pytest.mark.parametrize(
    "backward",
    [
        lambda x, u: tf.clip_by_norm(u, tf.constant(0.1, u.dtype)),
        lambda x, u: u / tf.norm(u),
        lambda x, u: tf.nn.relu(u),
        lambda x, u: u + tf.constant(1e-3, u.dtype),
    ],
    ids=["clipped", "normalised", "guided", "added"],
)
def test_a_gradient_that_is_not_linear_in_the_upstream_is_no_factor(backward: Any, reference: Any, custom: Any) -> None:
    for dtype in ("float64", "float32"):
        diff = check_function(custom(lambda x: x * 1.0, backward), X.astype(dtype), reference)
        assert diff.verdict is Status.MISMATCH
        assert [c.id for c in diff.causes] == ["upstream_not_linear"]
        assert "-2 times the upstream does not give -2 times your gradient" in diff.causes[0].message


@pytest.mark.parametrize("reference", [None, lambda x: x[0] * tf.constant([1.0, 2.0, 3.0], x.dtype)])
def test_a_factor_is_the_same_for_every_cotangent(reference: Any, custom: Any) -> None:
    """One number can be made any other by a factor, but not by the same one twice."""

    def forward(x: Any) -> Any:
        return x[0] * tf.constant([1.0, 2.0, 3.0], x.dtype)

    for weights, causes in (([3.0, 6.0, 9.0], ["stray_constant"]), ([1.0, 2.0, 0.0], [])):
        backward = lambda x, u, w=weights: tf.reduce_sum(u * tf.constant(w, u.dtype), keepdims=True)  # noqa: E731
        diff = check_function(custom(forward, backward), np.array([0.7]), reference)
        assert diff.verdict is Status.MISMATCH
        assert [c.id for c in diff.causes] == causes


@pytest.mark.parametrize("size", [1, 4])
def test_a_factor_that_reads_as_one_is_no_cause(size: int, custom: Any) -> None:
    f = custom(tf.sin, lambda x, u: u * tf.cos(x) * (1 + tf.constant(1e-7, x.dtype)))
    diff = check_function(f, np.linspace(0.1, 0.9, size))
    assert diff.verdict is Status.MISMATCH
    assert diff.causes == ()


def test_a_wrong_gradient_of_a_variable() -> None:
    v = tf.Variable(X[0], name="v")

    @tf.custom_gradient
    def f(x: Any) -> Any:
        def grad(u: Any, variables: Any = None) -> Any:
            return u * v, [2 * tf.reduce_sum(u * x, 0)]

        return x * v, grad

    diff = check_function(f, X)
    assert (diff.culprit, diff.causes[0].id) == ("weights/v", "factor_two")


def test_what_is_not_finite_has_no_cause(custom: Any) -> None:
    trap = lambda x: tf.where(x < 9.0, x, x / (x - x))  # noqa: E731  # its gradient is 0 / 0
    diff = check_function(custom(lambda x: 1.0 * x, lambda x, u: 0.0 * u), X, trap)
    assert diff.verdict is Status.NONFINITE
    assert diff.causes == ()


def batch_norm(x: Any, gamma: Any, beta: Any) -> Any:
    mean, variance = tf.reduce_mean(x, 0), tf.math.reduce_variance(x, 0)
    return gamma * (x - mean) / tf.sqrt(variance + 1e-3) + beta


@pytest.mark.parametrize("reference", [None, batch_norm], ids=["Ridders", "twin"])
def test_statistics_taken_for_constants(reference: Any, custom: Any) -> None:
    def backward(x: Any, gamma: Any, beta: Any, u: Any) -> Any:
        mean, root = tf.reduce_mean(x, 0), tf.sqrt(tf.math.reduce_variance(x, 0) + 1e-3)
        return u * gamma / root, tf.reduce_sum(u * (x - mean) / root, 0), tf.reduce_sum(u, 0)

    inputs = [np.random.default_rng(0).normal(size=(8, 3)), np.array([1.0, 2.0, 0.5]), np.zeros(3)]
    diff = check_function(custom(batch_norm, backward), inputs, reference)
    assert [r.name for r in diff.rows if not r.status.ok] == ["inputs/0"]
    assert [(c.id, c.title) for c in diff.causes] == [
        ("batch_norm_partial", "mean and variance are taken for constants")
    ]


@pytest.mark.parametrize("reference", ["Ridders", "twin"])
@pytest.mark.parametrize(
    ("forward", "backward", "cause"),
    [
        (tf.square, lambda x, u: tf.clip_by_norm(u, tf.constant(1e25, u.dtype)), "local_derivative_missing"),
        (tf.tanh, lambda x, u: u, "local_derivative_missing"),
        (tf.identity, lambda x, u: -2 * u, "gradient_reversal"),
    ],
)
def test_a_gradient_that_is_the_upstream(forward: Any, backward: Any, cause: str, reference: str, custom: Any) -> None:
    diff = check_function(custom(forward, backward), X, forward if reference == "twin" else None)
    assert (diff.verdict, [c.id for c in diff.causes]) == (Status.MISMATCH, [cause])


@pytest.mark.parametrize("forward", [tf.sign, tf.round])
def test_straight_through(forward: Any, custom: Any) -> None:
    diff = check_function(custom(forward, lambda x, u: u), X)
    assert not diff.ok
    assert [c.id for c in diff.causes] == ["straight_through"]


def test_a_decorator_that_was_forgotten() -> None:
    def relu(x: Any) -> Any:
        def grad(u: Any) -> Any:
            return u * tf.cast(x > 0, x.dtype)

        return tf.nn.relu(x), grad

    with pytest.raises(TypeError, match=r"relu returns a function.*is @tf\.custom_gradient missing above it\?"):
        check_function(relu, X)
