"""check_backward: layers in NumPy that are right, wrong, stateful, random, or given what they cannot take."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradient_diff import GradientDiff, Status, check_backward
from manual_mlp import Array

X = np.random.default_rng(0).normal(size=(4, 3))


class Dense:
    """z = tanh(x W + b), as it stands in many public libraries: caches, gradients as attributes."""

    def __init__(self, dtype: str = "float64", slip: str = "") -> None:
        rng = np.random.default_rng(1)
        self.W, self.b = rng.normal(size=(3, 2)).astype(dtype), rng.normal(size=2).astype(dtype)
        self.slip, self.gradients = slip, {"W": np.zeros((3, 2), dtype), "b": np.zeros(2, dtype)}

    def forward(self, x: Array) -> Array:
        self.x, self.z = x, np.tanh(x @ self.W + self.b)
        return self.z

    def backward(self, upstream: Array) -> Any:
        delta = upstream if self.slip == "derivative" else upstream * (1 - self.z**2)
        factor = 1.001 if self.slip == "factor" else 1.0
        self.gradients = {"W": factor * self.x.T @ delta, "b": delta.sum(0)}
        if self.slip == "bias":
            self.gradients["b"] = delta
        return None if self.slip == "none" else delta @ (self.W if self.slip == "square" else self.W.T)


def checked(layer: Any, inputs: object = X) -> GradientDiff:
    parameters = {"W": layer.W, "b": layer.b}
    return check_backward(
        layer.forward, layer.backward, inputs, parameters=parameters, gradients=lambda: layer.gradients
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_layer_matches_and_is_left_as_it_was(dtype: str) -> None:
    layer = Dense(dtype)
    before = layer.W.copy(), layer.b.copy(), X.copy()
    diff = checked(layer, X.astype(dtype))
    assert diff.verdict is Status.MATCH
    assert [row.name for row in diff.rows] == ["inputs/x", "parameters/W", "parameters/b"]
    assert all(np.array_equal(a, b) for a, b in zip(before, (layer.W, layer.b, X), strict=True))


@pytest.mark.parametrize(
    ("slip", "culprit", "status", "cause"),
    [
        ("factor", "parameters/W", Status.MISMATCH, "stray_constant"),
        ("bias", "parameters/b", Status.SHAPE, "broadcast_not_summed"),
        ("none", "inputs/x", Status.MISSING, "missing_gradient"),
    ],
)
def test_a_wrong_one_is_named(slip: str, culprit: str, status: Status, cause: str) -> None:
    diff = checked(Dense(slip=slip))
    assert (diff.culprit, diff[culprit].status, diff.causes[0].id) == (culprit, status, cause)
    assert {row.name for row in diff.rows if not row.status.ok} == {culprit}


@pytest.mark.slow
def test_a_wrong_one_in_float32_is_seen_by_what_float32_can_show() -> None:
    assert checked(Dense("float32", "derivative"), X.astype("float32")).verdict is Status.MISMATCH
    assert checked(Dense("float32", "factor"), X.astype("float32"))["parameters/W"].status is not Status.MATCH


def test_it_runs_without_tensorflow() -> None:
    code = (
        "import sys, numpy as np, gradient_diff as g; "
        "print(g.check_backward(np.sin, lambda u, x: u * np.cos(x), np.ones(2)).verdict.name, "
        "'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    path = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["MATCH", "False", "False"]


# how backward is called, and what it returns


@pytest.mark.parametrize(
    "backward",
    [
        lambda u, x, w: (u @ w.T, x.T @ u),
        lambda u, *inputs: (u @ inputs[1].T, inputs[0].T @ u),
        lambda u, x, w, scale=1.0: [scale * u @ w.T, scale * x.T @ u],
    ],
    ids=["named", "starred", "a default"],
)
def test_backward_gets_the_inputs_where_its_signature_asks(backward: Any) -> None:
    w = np.random.default_rng(2).normal(size=(3, 2))
    assert check_backward(np.matmul, backward, [X, w]).verdict is Status.MATCH


def test_a_tuple_of_outputs_has_a_tuple_of_upstreams() -> None:
    forward = lambda x: (np.sin(x), x.sum(), np.argmax(x))  # noqa: E731
    backward = lambda u, x: u[0] * np.cos(x) + u[1]  # noqa: E731
    assert check_backward(forward, backward, X).verdict is Status.MATCH
    assert check_backward(forward, lambda u, x: u[0] * np.cos(x), X).verdict is Status.MISMATCH
    named = check_backward(lambda x: {"a": np.sin(x)}, lambda u, x: u["a"] * np.cos(x), X)
    assert named.verdict is Status.MATCH


@pytest.mark.parametrize("give", [lambda g: (g, None), lambda g: g, lambda g: (g,)], ids=["none", "alone", "one"])
def test_labels_have_no_gradient(give: Callable[[Array], Any]) -> None:
    """Cross-entropy with labels; E is a plain number, and the upstream, too."""
    labels = np.array([0, 2, 1, 1])

    def softmax(x: Array) -> Array:
        e = np.exp(x - x.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    forward = lambda x, y: float(-np.log(softmax(x)[np.arange(4), y]).mean())  # noqa: E731
    backward = lambda u, x, y: give(u * (softmax(x) - np.eye(3)[y]) / 4)  # noqa: E731
    diff = check_backward(forward, backward, [X, labels])
    assert diff.verdict is Status.MATCH
    assert "y (int64 has no derivative)" in diff.remark


def test_an_input_without_gradient_on_which_the_values_depend_is_missing() -> None:
    diff = check_backward(lambda x, y: x * y, lambda u, x, y: (u * y, None), [X, X])
    assert (diff.culprit, diff.verdict) == ("inputs/y", Status.MISSING)


# state


def test_random_numbers_of_numpy_and_python_are_the_same_in_each_pass() -> None:
    class Dropout:
        def forward(self, x: Array) -> Array:
            self.mask = (np.random.rand(*x.shape) < 0.7) / random.uniform(0.6, 0.8)  # noqa: NPY002
            return x * self.mask

        def backward(self, upstream: Array) -> Array:
            return upstream * self.mask

    layer, state = Dropout(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]  # noqa: NPY002
    assert check_backward(layer.forward, layer.backward, X).verdict is Status.MATCH
    assert np.array_equal(state, np.random.get_state()[1])  # type: ignore[index]  # noqa: NPY002
    assert check_backward(layer.forward, lambda u: u, X).verdict is Status.MISMATCH


def test_a_generator_of_its_own_is_told_with_a_way_out() -> None:
    rng = np.random.default_rng(0)
    diff = check_backward(lambda x: x * rng.uniform(size=x.shape), lambda u: u, X)
    assert diff.verdict is Status.INCONCLUSIVE
    assert "make its generator anew in each call" in diff.rows[0].reason


def test_running_statistics_are_no_output_but_what_they_change_is_seen() -> None:
    seen = {"mean": np.zeros(3)}

    def in_training(x: Array) -> Array:
        seen["mean"] = 0.9 * seen["mean"] + 0.1 * x.mean(0)
        return x - x.mean(0)

    assert check_backward(in_training, lambda u: u - u.mean(0), X).verdict is Status.MATCH

    def drifting(x: Array) -> Array:
        seen["mean"] = 0.9 * seen["mean"] + 0.1 * x.mean(0)
        return x - seen["mean"]

    diff = check_backward(drifting, lambda u: u, X)
    assert diff.verdict is Status.INCONCLUSIVE
    assert "put back what else it changes" in diff.rows[0].reason


def test_gradients_that_add_up_are_told_with_a_way_out() -> None:
    class Adding(Dense):
        def backward(self, upstream: Array) -> Any:
            held = self.gradients
            found = super().backward(upstream)
            self.gradients = {n: held[n] + g for n, g in self.gradients.items()}
            return found

    diff = checked(Adding())
    assert diff.verdict is Status.INCONCLUSIVE
    assert "Set it to zero first" in diff["parameters/W"].reason


def test_a_copy_of_a_parameter_convicts_nobody() -> None:
    layer = Dense()
    parameters = {"W": layer.W.copy(), "b": layer.b}
    diff = check_backward(layer.forward, layer.backward, X, parameters=parameters, gradients=lambda: layer.gradients)
    assert diff["parameters/W"].status is Status.INCONCLUSIVE
    assert "Is it the array that forward reads" in diff["parameters/W"].reason
    assert diff["parameters/b"].status is Status.MATCH


def test_an_input_changed_in_place_is_told() -> None:
    def forward(x: Array) -> Array:
        x *= 2.0
        return x

    diff = check_backward(forward, lambda u: 2 * u, X)
    assert (diff.verdict, diff.changed) == (Status.MATCH, ("x",))


def test_memory_that_is_written_into_again_is_no_trouble() -> None:
    out, grad = np.empty_like(X), np.empty_like(X)

    def forward(x: Array) -> Array:
        return np.sin(x, out=out)

    diff = check_backward(forward, lambda u, x: np.multiply(u, np.cos(x), out=grad), X)
    assert diff.verdict is Status.MATCH


def test_parameters_and_generators_are_put_back_whatever_happens() -> None:
    layer, calls = Dense(), []

    def failing(upstream: Array) -> Any:
        calls.append(1)
        if len(calls) > 2:
            layer.W += 1.0
            raise KeyError("cache")
        return layer.backward(upstream)

    before, state = layer.W.copy(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]  # noqa: NPY002
    with pytest.raises(ValueError, match="backward fails on these inputs: KeyError: 'cache'"):
        check_backward(
            layer.forward, failing, X, parameters={"W": layer.W}, gradients=lambda: {"W": layer.gradients["W"]}
        )
    assert np.array_equal(layer.W, before)
    assert np.array_equal(state, np.random.get_state()[1])  # type: ignore[index]  # noqa: NPY002


# what is no smooth number


@pytest.mark.parametrize("at_zero", [0.0, 0.5, 1.0])
def test_another_subgradient_at_a_kink_is_no_mistake(at_zero: float) -> None:
    x = np.array([-1.0, 0.0, 0.0, 2.0])
    relu = lambda x: np.maximum(x, 0)  # noqa: E731
    diff = check_backward(relu, lambda u, x: u * np.where(x == 0, at_zero, x > 0), x)
    assert diff.verdict in (Status.KINK, Status.MATCH)
    wrong = check_backward(relu, lambda u, x: u * np.where(x == 0, 2.0, x > 0), x)
    assert wrong.verdict is Status.MISMATCH


def test_values_and_gradients_that_are_no_numbers() -> None:
    with np.errstate(all="ignore"):
        diff = check_backward(np.log, lambda u, x: u / x, np.array([-1.0, 1.0, 2.0]))
        assert diff["outputs/0"].status is Status.NONFINITE
        assert check_backward(np.sin, lambda u, x: u * np.nan, X).verdict is Status.NONFINITE
    with pytest.raises(ValueError, match="inputs/x holds NaN"):
        check_backward(lambda x: x, lambda u: u, np.array([np.nan, 1.0]))


def test_what_is_no_number_names_the_operation_and_its_line() -> None:
    diff = check_backward(lambda x: np.sqrt((x * x).sum()), lambda u, x: u * x / np.sqrt((x * x).sum()), np.zeros(3))
    assert diff.verdict is Status.NONFINITE
    assert diff.causes[0].id == "infinite_derivative"
    assert "invalid value encountered in divide, where test_checking.py, line " in diff.causes[0].title
    assert "u * x / np.sqrt" in diff.causes[0].message
    fine = check_backward(lambda x: np.sqrt(x * x + 1).sum(), lambda u, x: u * x / np.sqrt(x * x + 1), np.zeros(3))
    assert fine.causes == ()


def test_a_forward_that_refuses_other_points_is_asked_where_it_can() -> None:
    def forward(x: Array) -> Array:
        if np.abs(x - X).max() > 1e-3:
            raise RuntimeError("out of range")
        return np.sin(x)

    assert check_backward(forward, lambda u, x: u * np.cos(x), X).verdict in (Status.MATCH, Status.INCONCLUSIVE)


# arguments


def _nothing(x: Array) -> None:
    return None


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "forward": (lambda: check_backward(X, np.cos, X), TypeError, "forward is ndarray: expected a function"),
    "backward": (lambda: check_backward(np.sin, X, X), TypeError, "backward is ndarray: expected a function"),
    "backward of nothing": (
        lambda: check_backward(np.sin, lambda: X, X),
        TypeError,
        r"neither with \(upstream\) nor .*lambda upstream: upstream \* backward\(\)",
    ),
    "dict": (lambda: check_backward(np.sin, np.cos, {"x": X}), TypeError, "inputs is a dict.*Give a list"),
    "integers": (lambda: check_backward(np.sin, np.cos, np.arange(3)), ValueError, "int64 has no derivative.*floats"),
    "complex": (lambda: check_backward(np.sin, np.cos, X + 1j), TypeError, "complex128: only real functions"),
    "masked": (lambda: check_backward(np.sin, np.cos, np.ma.masked_array(X)), TypeError, "is a masked array"),
    "no return": (lambda: check_backward(_nothing, np.cos, X), TypeError, "returns 0 as NoneType: expected an array"),
    "a cache": (
        lambda: check_backward(lambda x: (np.sin(x), (x,)), np.cos, X),
        TypeError,
        r"returns 1 as tuple: expected an array.*kept\['cache'\]",
    ),
    "raises": (
        lambda: check_backward(lambda x: x @ x, np.cos, X),
        ValueError,
        r"forward fails on these inputs: ValueError: matmul.*It was given float64 \(4, 3\)",
    ),
    "count": (
        lambda: check_backward(lambda a, b: a @ b, lambda u: u, [X, X.T]),
        ValueError,
        r"backward returned 1 gradient for 2 inputs \(a, b\). Return one per input",
    ),
    "words": (lambda: check_backward(lambda x: x, lambda u: "x", X), TypeError, "gradient of x is .*expected an array"),
    "no gradients": (
        lambda: check_backward(np.sin, np.cos, X, parameters={"W": X}),
        TypeError,
        "gradients= is missing: a function",
    ),
    "no parameters": (
        lambda: check_backward(np.sin, np.cos, X, gradients=dict),
        TypeError,
        "parameters is NoneType: expected a dict",
    ),
    "list": (
        lambda: check_backward(np.sin, np.cos, X, parameters={"W": [1.0]}, gradients=dict),
        TypeError,
        r"parameters\['W'\] is list: expected the NumPy array",
    ),
    "whole": (
        lambda: check_backward(np.sin, np.cos, X, parameters={"W": np.arange(3)}, gradients=dict),
        TypeError,
        r"parameters\['W'\] is int64: expected floats",
    ),
    "twice": (
        lambda: check_backward(np.sin, np.cos, X, parameters={"a": X, "b": X.T}, gradients=dict),
        ValueError,
        "'a' and 'b' share their memory",
    ),
    "locked": (
        lambda: check_backward(np.sin, np.cos, X, parameters={"a": np.broadcast_to(1.0, 3)}, gradients=dict),
        ValueError,
        r"parameters\['a'\] cannot be written to",
    ),
    "no dict": (
        lambda: check_backward(np.sin, lambda u, x: u, X, parameters={"a": np.ones(2)}, gradients=lambda: 1.0),
        TypeError,
        r"gradients\(\) returned float: expected a dict with the names of parameters= \(a\)",
    ),
    "other names": (
        lambda: check_backward(np.sin, lambda u, x: u, X, parameters={"a": np.ones(2)}, gradients=lambda: {"b": X}),
        ValueError,
        r"gradients\(\) names b, and parameters= a. Use the same names",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_checked_is_told_in_a_sentence(case: str) -> None:
    check, kind, words = REFUSED[case]
    with pytest.raises(kind, match=words):
        check()
