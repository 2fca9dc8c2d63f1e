"""check_function: right gradients pass at every scale, errors are seen, and what cannot be judged says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import GradientDiff, Status
from gradient_diff.keras import check_function
from manual_mlp import Array

pytestmark = pytest.mark.matrix

RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(3, 2)), RNG.normal(size=(2, 2))
SCALES = [1e-6, 1.0, 1e6]


@tf.custom_gradient
def logsumexp(x: Any) -> Any:
    top = tf.reduce_max(x, -1, keepdims=True)
    e = tf.exp(x - top)
    total = tf.reduce_sum(e, -1, keepdims=True)
    return tf.squeeze(top + tf.math.log(total), -1), lambda upstream: upstream[..., None] * e / total


@tf.custom_gradient
def normalised(x: Any) -> Any:
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    inverse = tf.math.rsqrt(tf.reduce_mean(centred**2, -1, keepdims=True))
    y = centred * inverse

    def grad(u: Any) -> Any:
        return inverse * (u - tf.reduce_mean(u, -1, keepdims=True) - y * tf.reduce_mean(u * y, -1, keepdims=True))

    return y, grad


@tf.custom_gradient
def matmul(x: Any, w: Any) -> Any:
    return x @ w, lambda u: (u @ tf.transpose(w), tf.transpose(x) @ u)


RIGHT: dict[str, tuple[Callable[..., Any], Callable[[float], list[Array]]]] = {
    "matmul": (matmul, lambda s: [s * X, W]),
    "logsumexp": (logsumexp, lambda s: [s * X]),
    "normalised": (normalised, lambda s: [s * np.random.default_rng(1).normal(size=(2, 4))]),
    "sqrt": (tf.sqrt, lambda s: [s * np.abs(X)]),
    "sin": (tf.sin, lambda s: [s * X]),
    "atan2": (tf.atan2, lambda s: [s * X[0], s * X[1]]),
    "sort": (tf.sort, lambda s: [s * X[:, 0]]),
    "relu of many": (tf.nn.relu, lambda s: [s * np.random.default_rng(1).normal(size=(10, 20))]),
    "cancelling": (lambda x: (x + 1e4) - 1e4, lambda s: [s * X[0]]),
}


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", RIGHT)
def test_no_false_alarm(name: str, scale: float, only_float32: Any) -> None:
    """A sum with 1e4 loses small numbers even in float64: there it may come out as unproven."""
    f, arguments = RIGHT[name]
    for dtype, g in (("float64", f), ("float32", f), ("float32", only_float32(f))):
        diff = check_function(g, [a.astype(dtype) for a in arguments(scale)])
        assert not diff.verdict.bad, f"{dtype}: {diff}"
        if g is f and dtype == "float64" and name != "cancelling":
            assert diff.verdict is Status.MATCH


# Ridders is content with an error of 1e-8; of that and of σ the judgement allows √2.
@pytest.mark.parametrize("where", [(0, 1), (0,), ()], ids=["one entry", "one row", "all"])
@pytest.mark.parametrize(
    ("judge", "epsilon"), [("float64, twin", 1e-13), ("float64, Ridders", 2e-8), ("float32 alone, Ridders", 1e-2)]
)
def test_how_small_an_error_is_seen(
    judge: str, epsilon: float, where: tuple[Any, ...], custom: Any, only_float32: Any
) -> None:
    x = np.random.default_rng(2).normal(size=(2, 3)).astype(judge.split()[0].strip(","))
    for planted, seen in ((epsilon, True), (epsilon * 1e-4, False)):
        factor = np.ones(x.shape)
        factor[where] += planted
        f = custom(tf.tanh, lambda x, u, factor=factor: u * (1 - tf.tanh(x) ** 2) * tf.constant(factor, x.dtype))
        diff = check_function(only_float32(f) if "alone" in judge else f, x, tf.tanh if "twin" in judge else None)
        assert diff.verdict.bad is seen, str(diff)


def test_a_float32_function_is_judged_in_float64_where_it_runs_there(custom: Any) -> None:
    f = custom(tf.sin, lambda x, u: u * tf.cos(x) * (1 + tf.constant(2e-8, x.dtype)))
    diff = check_function(f, X.astype("f4"))
    assert diff.verdict is Status.MISMATCH
    assert diff.rows[0].reason.startswith("in float64")


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_modes(mode: Any) -> None:
    assert check_function(logsumexp, X, mode=mode).ok


def test_a_wrong_number_of_gradients(custom: Any) -> None:
    f = custom(tf.multiply, lambda a, b, u: u * b)
    with pytest.raises(ValueError, match=r"one gradient per tensor argument.*expected to return 2 gradients"):
        check_function(f, [X, X])


def test_a_gradient_function_without_variables(custom: Any) -> None:
    v = tf.Variable(X[0])
    with pytest.raises(TypeError, match=r"grad\(\*upstream, variables=None\)"):
        check_function(custom(lambda x: x * v, lambda x, u: u * v), X)


@pytest.mark.parametrize(
    ("f", "inputs", "reference", "error", "text"),
    [
        (tf.sin, np.array([1j]), None, TypeError, "complex gradients are not checked"),
        (lambda x: tf.complex(x, x), X, None, TypeError, "returns complex numbers"),
        (tf.argmax, X, None, TypeError, "returns no tensor of floats"),
        (lambda i: tf.cast(i, tf.float32), np.array([1]), None, ValueError, "no input with a derivative"),
        (tf.sin, X, tf.reduce_sum, ValueError, "has to be the same function"),
        (tf.sin, None, None, ValueError, "sin fails on these inputs: .*inputs= gave it NoneType"),
        (tf.sin, [], None, TypeError, "missing a required argument: 'x'. inputs= gave it nothing"),
        (tf.sin, "abc", None, ValueError, "inputs= gave it str"),
        (tf.sin, np.array([None]), None, TypeError, "inputs/x is object: no tensor can hold it"),
        (
            tf.matmul,
            [X, X],
            None,
            ValueError,
            r"matmul fails .*Error: Matrix size.*float64 \(3, 2\), float",
        ),
        (lambda x: object(), X, None, TypeError, "returns no tensor, but object"),
        (tf.RaggedTensor.from_tensor, X, None, TypeError, "returns no tensor, but RaggedTensor"),
        (tf.sparse.to_dense, tf.sparse.from_dense(X), None, TypeError, "only dense tensors"),
    ],
)
def test_what_cannot_be_checked(f: Any, inputs: Any, reference: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        check_function(f, inputs, reference)


@pytest.mark.parametrize("twin", [False, True])
def test_a_gradient_that_raises_is_told(custom: Any, twin: bool) -> None:
    def backward(x: Any, u: Any) -> Any:
        raise KeyError("my own")

    f = custom(tf.sin, backward)
    with pytest.raises(
        ValueError, match=r"The gradient of \w+ in mode graph fails on these inputs: .*my own.*\. inputs="
    ):
        check_function(tf.sin if twin else f, X, f if twin else None, mode="graph")


@pytest.mark.parametrize("mode", ["eager", "xla"])
def test_a_function_that_draws_other_numbers_in_float64_is_judged_as_it_ran(mode: Any) -> None:
    def noisy(x: Any) -> Any:
        return x * tf.random.stateless_normal(tf.shape(x), [1, 2], dtype=x.dtype)

    for dtype in ("float32", "float64"):
        diff = check_function(noisy, X.astype(dtype), mode=mode)
        assert diff.verdict is Status.MATCH, str(diff)
        assert diff.reference_origin.endswith(f"in {dtype}")


def test_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="Unknown mode 'lazy'"):
        check_function(tf.sin, X, mode="lazy")  # type: ignore[arg-type]


def test_the_result_is_a_diff_like_any_other(custom: Any) -> None:
    diff = check_function(custom(tf.sin, lambda x, u: u * tf.cos(x) / 3), X)
    assert isinstance(diff, GradientDiff)
    assert diff.to_frame()["status"].tolist() == ["MISMATCH"]
    assert "<table" in diff._repr_html_()
