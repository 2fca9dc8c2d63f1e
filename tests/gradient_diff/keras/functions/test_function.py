"""check_function: right gradients pass at every scale, wrong ones are named, and what cannot be judged says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import GradientDiff, Status
from gradient_diff.keras import check_function
from manual_mlp import Array

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 2))
W = RNG.normal(size=(2, 2))
SCALES = [1e-6, 1.0, 1e6]


def custom(forward: Callable[..., Any], backward: Callable[..., Any]) -> Callable[..., Any]:
    """A tf.custom_gradient of both; backward takes the arguments and the upstream."""

    @tf.custom_gradient
    def f(*arguments: Any) -> Any:
        return forward(*arguments), lambda *upstream: backward(*arguments, *upstream)

    return f  # type: ignore[no-any-return]


def only_float32(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, which refuses float64: nothing finer than its own values can be had."""

    def g(*arguments: Any) -> Any:
        if any(a.dtype == tf.float64 for a in arguments):
            raise TypeError("float32 only")
        return f(*arguments)

    return g


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


def matmul_gradient(x: Any, w: Any, u: Any) -> Any:
    return u @ tf.transpose(w), tf.transpose(x) @ u


RIGHT: dict[str, tuple[Callable[..., Any], Callable[[float], list[Array]]]] = {
    "matmul": (custom(tf.matmul, matmul_gradient), lambda s: [s * X, W]),
    "logsumexp": (logsumexp, lambda s: [s * X]),
    "normalised": (normalised, lambda s: [s * np.random.default_rng(1).normal(size=(2, 4))]),
    "sqrt": (tf.sqrt, lambda s: [s * np.abs(X)]),
    "sin": (tf.sin, lambda s: [s * X]),
    "atan2": (tf.atan2, lambda s: [s * X[0], s * X[1]]),
    "sort": (tf.sort, lambda s: [s * X[:, 0]]),
    "relu of many": (tf.nn.relu, lambda s: [s * np.random.default_rng(1).normal(size=(10, 20))]),
    "cancelling": (lambda x: (x + 1e4) - 1e4, lambda s: [s * X[0]]),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", RIGHT)
def test_no_false_alarm(name: str, scale: float) -> None:
    """A sum with 1e4 loses small numbers even in float64: there it may come out as unproven."""
    f, arguments = RIGHT[name]
    for dtype, g in (("float64", f), ("float32", f), ("float32", only_float32(f))):
        diff = check_function(g, [a.astype(dtype) for a in arguments(scale)])
        assert not diff.verdict.bad, f"{dtype}: {diff}"
        if g is f and dtype == "float64" and name != "cancelling":
            assert diff.verdict is Status.MATCH


PLANTED: dict[str, tuple[Callable[..., Any], list[Array], str, Status]] = {
    "upstream": (custom(tf.tanh, lambda x, u: 1 - tf.tanh(x) ** 2), [X], "local_replaces_upstream", Status.MISMATCH),
    "sign": (custom(tf.sin, lambda x, u: -u * tf.cos(x)), [X], "sign", Status.MISMATCH),
    "twice": (custom(tf.sin, lambda x, u: 2 * u * tf.cos(x)), [X], "factor_two", Status.MISMATCH),
    "third": (custom(tf.sin, lambda x, u: u * tf.cos(x) / 3), [X], "stray_constant", Status.MISMATCH),
    "square, transposed": (
        custom(tf.matmul, lambda x, w, u: (u @ tf.transpose(w), tf.transpose(u) @ x)),
        [X, W],
        "transposed",
        Status.MISMATCH,
    ),
    "transposed": (
        custom(tf.matmul, lambda x, w, u: (u @ tf.transpose(w), tf.transpose(u) @ x)),
        [X, RNG.normal(size=(2, 5))],
        "transposed",
        Status.SHAPE,
    ),
    "swapped": (
        custom(lambda a, b: a * tf.sin(b), lambda a, b, u: (u * a * tf.cos(b), u * tf.sin(b))),
        [X, X[::-1].copy()],
        "gradients_swapped",
        Status.MISMATCH,
    ),
    "none": (custom(tf.multiply, lambda a, b, u: (u * b, None)), [X, X], "missing_gradient", Status.MISSING),
    "zeros": (
        custom(tf.multiply, lambda a, b, u: (u * b, tf.zeros_like(b))),
        [X, X],
        "missing_gradient",
        Status.MISMATCH,
    ),
    "not summed": (custom(tf.add, lambda a, b, u: (u, u)), [X, X[0]], "broadcast_not_summed", Status.SHAPE),
    "not broadcast": (custom(tf.reduce_sum, lambda x, u: u), [X], "gradient_not_broadcast", Status.SHAPE),
}
TWINS: dict[str, Callable[..., Any]] = {
    "upstream": tf.tanh, "sign": tf.sin, "twice": tf.sin, "third": tf.sin, "square, transposed": tf.matmul,
    "transposed": tf.matmul, "swapped": lambda a, b: a * tf.sin(b), "none": tf.multiply, "zeros": tf.multiply,
    "not summed": tf.add, "not broadcast": tf.reduce_sum,
}  # fmt: skip


@pytest.mark.parametrize("reference", ["Ridders", "twin"])
@pytest.mark.parametrize("name", PLANTED)
def test_a_mistake_is_found_and_named(name: str, reference: str) -> None:
    f, arguments, cause, status = PLANTED[name]
    for dtype in ("float64", "float32"):
        diff = check_function(f, [a.astype(dtype) for a in arguments], TWINS[name] if reference == "twin" else None)
        assert diff.verdict is status, str(diff)
        assert diff.causes[0].id == cause
        assert diff.causes[0].layer in {row.name for row in diff.rows if row.status.bad}
        assert "σ" in str(diff) or status is not Status.MISMATCH


# Ridders is content with an error of 1e-8; of that and of σ the judgement allows √2.
@pytest.mark.parametrize("where", [(0, 1), (0,), ()], ids=["one entry", "one row", "all"])
@pytest.mark.parametrize(
    ("judge", "epsilon"), [("float64, twin", 1e-13), ("float64, Ridders", 2e-8), ("float32 alone, Ridders", 1e-2)]
)
def test_how_small_an_error_is_seen(judge: str, epsilon: float, where: tuple[Any, ...]) -> None:
    x = np.random.default_rng(2).normal(size=(2, 3)).astype(judge.split()[0].strip(","))
    for planted, seen in ((epsilon, True), (epsilon * 1e-4, False)):
        factor = np.ones(x.shape)
        factor[where] += planted
        f = custom(tf.tanh, lambda x, u, factor=factor: u * (1 - tf.tanh(x) ** 2) * tf.constant(factor, x.dtype))
        diff = check_function(only_float32(f) if "alone" in judge else f, x, tf.tanh if "twin" in judge else None)
        assert diff.verdict.bad is seen, str(diff)


def test_a_float32_function_is_judged_in_float64_where_it_runs_there() -> None:
    f = custom(tf.sin, lambda x, u: u * tf.cos(x) * (1 + tf.constant(2e-8, x.dtype)))
    diff = check_function(f, X.astype("f4"))
    assert diff.verdict is Status.MISMATCH
    assert diff.rows[0].reason.startswith("in float64")


# factors


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
def test_a_gradient_that_is_not_linear_in_the_upstream_is_no_factor(backward: Any, reference: Any) -> None:
    for dtype in ("float64", "float32"):
        diff = check_function(custom(lambda x: x * 1.0, backward), X.astype(dtype), reference)
        assert diff.verdict is Status.MISMATCH
        assert [c.id for c in diff.causes] == ["upstream_not_linear"]
        assert "-2 times the upstream does not give -2 times your gradient" in diff.causes[0].message


@pytest.mark.parametrize("reference", [None, lambda x: x[0] * tf.constant([1.0, 2.0, 3.0], x.dtype)])
def test_a_factor_is_the_same_for_every_cotangent(reference: Any) -> None:
    """One number can be made any other by a factor, but not by the same one twice."""

    def forward(x: Any) -> Any:
        return x[0] * tf.constant([1.0, 2.0, 3.0], x.dtype)

    for weights, causes in (([3.0, 6.0, 9.0], ["stray_constant"]), ([1.0, 2.0, 0.0], [])):
        backward = lambda x, u, w=weights: tf.reduce_sum(u * tf.constant(w, u.dtype), keepdims=True)  # noqa: E731
        diff = check_function(custom(forward, backward), np.array([0.7]), reference)
        assert diff.verdict is Status.MISMATCH
        assert [c.id for c in diff.causes] == causes


@pytest.mark.parametrize("size", [1, 4])
def test_a_factor_that_reads_as_one_is_no_cause(size: int) -> None:
    f = custom(tf.sin, lambda x, u: u * tf.cos(x) * (1 + tf.constant(1e-7, x.dtype)))
    diff = check_function(f, np.linspace(0.1, 0.9, size))
    assert diff.verdict is Status.MISMATCH
    assert diff.causes == ()


# entries of widely different size

UNEVEN = {
    "three": np.array([1e-6, 1.0, 1e5]),
    "twelve": 10.0 ** np.random.default_rng(7).uniform(-8, 8, (3, 4)),
    "twenty": 10.0 ** np.random.default_rng(8).uniform(-5, 5, 20),
}


@pytest.mark.parametrize("x", UNEVEN.values(), ids=UNEVEN.keys())
@pytest.mark.parametrize("f", [tf.math.log, tf.nn.relu, tf.nn.gelu, tf.math.rsqrt, tf.sqrt])
def test_entries_of_widely_different_size_each_have_their_own_step(f: Any, x: Array) -> None:
    assert check_function(f, x).verdict is Status.MATCH
    assert not check_function(only_float32(f), x.astype("f4")).verdict.bad


def test_a_mistake_in_the_smallest_entry_is_seen() -> None:
    wrong = custom(tf.math.log, lambda x, u: u / (x + 1e-7))
    diff = check_function(wrong, UNEVEN["three"])
    assert (diff.verdict, diff.causes) == (Status.MISMATCH, ())
    assert check_function(wrong, UNEVEN["three"], tf.math.log).verdict is Status.MISMATCH


def test_an_entry_without_derivative_is_named() -> None:
    right_but_at_0 = lambda x, u: u * tf.where(x == 0, 7.0 * tf.ones_like(x), 0.1 * tf.abs(x) ** -0.9)  # noqa: E731
    diff = check_function(custom(lambda x: tf.sign(x) * tf.abs(x) ** 0.1, right_but_at_0), np.array([1.0, 0.0]))
    assert diff.verdict is Status.INCONCLUSIVE
    assert "the values gave no derivative by [1]" in diff.rows[0].reason


# where the gradient is zero


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [3, 20])
def test_a_minimum_at_zero_has_a_derivative(dtype: str, size: int) -> None:
    """The values are 0 there, and their rounding with them."""
    x = np.zeros(size, dtype)
    for forward in (tf.square, lambda x: x**4):
        for lock in (only_float32, lambda f: f) if dtype == "float32" else (lambda f: f,):
            right = check_function(lock(custom(forward, lambda x, u: 2 * x * u)), x)
            assert (right.verdict, right.rows[0].reason.split(";")[0]) == (
                Status.VACUOUS,
                "both sides are zero everywhere",
            )
            wrong = check_function(lock(custom(forward, lambda x, u: u)), x)
            assert wrong.verdict is Status.MISMATCH
            assert "kinks" not in wrong.rows[0].reason
            assert wrong.causes == ()  # nothing times a constant is 0
    assert "in float64" in check_function(tf.square, np.zeros(3)).reference_origin


# kinks


@pytest.mark.parametrize("twin", [None, "twin"])
def test_another_subgradient_at_a_kink_is_no_mistake(twin: str | None) -> None:
    x = np.array([-1.0, 0.0, 0.0, 2.0])
    ge = custom(tf.nn.relu, lambda x, u: tf.where(x >= 0, u, 0 * u))
    assert check_function(ge, x, tf.nn.relu if twin else None).verdict is Status.KINK
    wrong = custom(tf.nn.relu, lambda x, u: tf.where(x >= 0, 2 * u, 0 * u))
    assert check_function(wrong, x, tf.nn.relu if twin else None).verdict is Status.MISMATCH


@pytest.mark.parametrize("gap", np.geomspace(1e-7, 0.5, 8))
def test_a_kink_nearby_is_not_counted(gap: float) -> None:
    x = np.array([1.0, 1.0 - gap, 0.3])
    for dtype in ("float64", "float32"):
        assert not check_function(tf.reduce_max, x.astype(dtype)).verdict.bad
    wrong = custom(tf.reduce_max, lambda x, u: u * tf.constant([1.0, 1e-3, 0.0], x.dtype))
    assert check_function(wrong, x).verdict is Status.MISMATCH


def test_ties_of_a_maximum() -> None:
    x, y = np.array([1.0, 2.0, 3.0, 0.5]), np.array([1.0, 2.0, 0.0, 4.0])
    assert check_function(tf.maximum, [x, y]).verdict is Status.KINK  # TensorFlow gives all of it to x
    wrong = custom(tf.maximum, lambda x, y, u: (1.5 * u * tf.cast(x >= y, u.dtype), u * tf.cast(x < y, u.dtype)))
    assert check_function(wrong, [x, y])["inputs/0"].status is Status.MISMATCH


# what has no gradient


def test_what_has_no_derivative_is_named_and_skipped() -> None:
    v = tf.Variable(X)
    diff = check_function(
        lambda x, i, flag, text, variable: tf.gather(x, i) * variable[0], [X, np.array([0, 1]), True, "a", v]
    )
    assert diff.verdict is Status.MATCH
    reasons = {row.name: row.reason for row in diff.rows if row.status is Status.VACUOUS}
    assert reasons == {
        "inputs/i": "skipped: int64 has no derivative",
        "inputs/flag": "skipped: bool has no derivative",
        "inputs/text": "skipped: str has no derivative",
        "inputs/variable": "skipped: a variable: what the function reads of it is checked as a weight",
    }
    assert diff["weights/Variable"].status is Status.MATCH


def test_outputs_of_every_form() -> None:
    diff = check_function(lambda x: {"a": 2 * x, "b": [None, tf.argmax(x)], "c": (tf.sin(x),)}, X, lambda x: {
        "a": x + x, "b": [None, tf.argmax(x)], "c": (tf.sin(x),)})  # fmt: skip
    assert diff.verdict is Status.MATCH
    assert [row.name for row in diff.rows] == ["outputs/a", "outputs/c/0", "inputs/x"]


@pytest.mark.parametrize(
    ("f", "x"), [(lambda x: 0 * x, X), (lambda x: x, np.zeros((0, 2))), (tf.round, X), (tf.tanh, 1e6 * X)]
)
def test_flat_functions_prove_nothing(f: Callable[..., Any], x: Array) -> None:
    assert check_function(f, x).verdict is Status.VACUOUS


def test_an_unused_input_may_have_no_gradient() -> None:
    diff = check_function(lambda x, y: 1.0 * x, [X, X])
    assert (diff.verdict, diff["inputs/y"].status) == (Status.MATCH, Status.VACUOUS)


def test_scalars_and_keywords_and_nested_arguments() -> None:
    assert check_function(lambda x: x**2, 3.0).verdict is Status.MATCH
    diff = check_function(lambda xs, b: xs[0] * xs[1]["k"] + b, {"xs": [X, {"k": X}], "b": X})
    assert [row.name for row in diff.rows] == ["inputs/xs/0", "inputs/xs/1/k", "inputs/b"]
    assert diff.ok


def test_a_random_function_is_not_reproducible() -> None:
    diff = check_function(lambda x: x * tf.random.uniform(x.shape, dtype=x.dtype), X)
    assert diff.verdict is Status.INCONCLUSIVE
    assert "Freeze the seed" in diff.rows[0].reason
    assert "not reproducible" in diff.hand_origin


def test_not_finite() -> None:
    diff = check_function(tf.math.log, np.array([-1.0, 1.0, 2.0]))
    assert diff["outputs/0"].status is Status.NONFINITE
    assert check_function(tf.sqrt, np.array([0.0, 1.0]))["inputs/x"].status is Status.NONFINITE


def test_a_zero_among_the_inputs_does_not_hide_that_a_part_is_coarser() -> None:
    f = custom(
        lambda x: tf.cast(tf.tanh(tf.cast(x, tf.float32)), x.dtype),
        lambda x, u: u * (1 - tf.cast(tf.tanh(tf.cast(x, tf.float32)), x.dtype) ** 2),
    )
    for dtype in ("float64", "float32"):
        assert not check_function(f, np.array([1e-9, 2.0, -3e4, 0.0], dtype)).verdict.bad


def test_an_input_in_which_a_part_is_coarser_is_judged_as_that() -> None:
    for dtype in (tf.float32, tf.bfloat16):
        f = custom(lambda x, d=dtype: tf.cast(tf.tanh(tf.cast(x, d)), x.dtype), lambda x, u: u * (1 - tf.tanh(x) ** 2))
        assert not check_function(f, X).verdict.bad


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_coarse_dtypes(dtype: str) -> None:
    assert check_function(tf.tanh, tf.cast(X, dtype)).verdict is Status.MATCH


def test_who_is_off_where_the_twin_is_wrong() -> None:
    stopped = check_function(tf.sin, X, lambda x: tf.stop_gradient(tf.sin(x) - x) + x)
    assert stopped["inputs/x"].status is Status.REFERENCE_OFF
    other = check_function(tf.sin, X, tf.cos)
    assert other["outputs/0"].status is Status.DIFFERENT


def test_nan_in_the_inputs_is_said() -> None:
    x = X.copy()
    x[1, 0] = np.nan
    for reference in (None, tf.sin):
        with pytest.raises(ValueError, match=r"inputs/x holds NaN: 1 of 6 entries, the first at \[1, 0\]"):
            check_function(tf.sin, x, reference)


def test_what_is_not_finite_has_no_cause() -> None:
    trap = lambda x: tf.where(x < 9.0, x, x / (x - x))  # noqa: E731  # its gradient is 0 / 0
    diff = check_function(custom(lambda x: 1.0 * x, lambda x, u: 0.0 * u), X, trap)
    assert diff.verdict is Status.NONFINITE
    assert diff.causes == ()


# variables and state


def test_variables_are_inputs_and_are_put_back() -> None:
    v, count = tf.Variable([2.0, 3.0], name="v"), tf.Variable(0.0, name="count", trainable=False)

    def f(x: Any) -> Any:
        count.assign_add(1.0)
        return tf.tanh(x * v) * count

    diff = check_function(f, X.astype("f4"))
    assert diff.ok
    assert [row.name for row in diff.rows] == ["inputs/x", "weights/v"]
    assert "put back" in diff.hand_origin
    assert (v.numpy().tolist(), float(count.numpy())) == ([2.0, 3.0], 0.0)


def test_a_wrong_gradient_of_a_variable() -> None:
    v = tf.Variable(X[0], name="v")

    @tf.custom_gradient
    def f(x: Any) -> Any:
        def grad(u: Any, variables: Any = None) -> Any:
            return u * v, [2 * tf.reduce_sum(u * x, 0)]

        return x * v, grad

    diff = check_function(f, X)
    assert (diff.culprit, diff.causes[0].id) == ("weights/v", "factor_two")


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_modes(mode: Any) -> None:
    assert check_function(logsumexp, X, mode=mode).ok


def test_inputs_are_left_alone() -> None:
    x = X.copy()
    check_function(tf.sin, x)
    assert np.array_equal(x, X)

    def mutating(x: Any) -> Any:
        if tf.executing_eagerly():
            x._numpy()[...] += 1  # noqa: SLF001  # the tensor's own memory
        return x * 1.0

    with pytest.raises(ValueError, match="changes its own inputs"):
        check_function(mutating, X)


# errors


def test_a_wrong_number_of_gradients() -> None:
    f = custom(tf.multiply, lambda a, b, u: u * b)
    with pytest.raises(ValueError, match=r"one gradient per tensor argument.*expected to return 2 gradients"):
        check_function(f, [X, X])


def test_a_gradient_function_without_variables() -> None:
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
        (tf.sparse.to_dense, tf.sparse.from_dense(X), None, TypeError, "only dense tensors"),
    ],
)
def test_what_cannot_be_checked(f: Any, inputs: Any, reference: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        check_function(f, inputs, reference)


def test_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="Unknown mode 'lazy'"):
        check_function(tf.sin, X, mode="lazy")  # type: ignore[arg-type]


def test_the_result_is_a_diff_like_any_other() -> None:
    diff = check_function(PLANTED["third"][0], X)
    assert isinstance(diff, GradientDiff)
    assert diff.to_frame()["status"].tolist() == ["MISMATCH"]
    assert "<table" in diff._repr_html_()
