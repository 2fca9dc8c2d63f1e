"""Advice that can be followed where it stands, and a headline that says what is compared."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_function, check_layer
from gradient_diff.render.html import to_html

X = np.random.default_rng(0).normal(size=(2, 3))


@tf.custom_gradient
def square(x: Any) -> Any:
    return x * x, lambda u: 2 * x * u


def test_another_function_is_no_reference() -> None:
    diff = check_function(tf.sin, X, tf.cos)
    assert diff.headline().startswith("DIFFERENT: they are not the same function")
    assert {row.status for row in diff.rows} == {Status.DIFFERENT}
    assert "the reference is another function" in diff["inputs/x"].reason
    assert (diff.causes, diff.unexplained) == ((), "")
    assert "written plainly" in str(diff)


def test_a_reference_with_a_wrong_gradient_is_off_and_nobody_else_is_blamed() -> None:
    diff = check_function(square, X, lambda x: tf.stop_gradient(x) * x)
    assert diff.verdict is Status.REFERENCE_OFF
    assert diff.causes == ()
    assert "stop_gradient" in str(diff)
    assert "clipping" not in str(diff)


CASES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "zeros": (lambda: check_function(square, np.zeros(3)), "away from zero", "larger weights"),
    "random": (lambda: check_function(lambda x: x * tf.random.uniform(x.shape, dtype=x.dtype), X), "seed", "rtol"),
    "cube root": (lambda: check_function(lambda x: tf.sign(x) * tf.abs(x) ** 0.1, np.zeros(2)), "", "rtol"),
    "shape": (lambda: check_function(_transposed, X), "Return the input's own shape", "shapes line"),
    "root": (lambda: check_function(_root, np.zeros(2)), "Give reference= or other inputs", "float64 inputs"),
    "root, float32": (lambda: check_function(_root, np.zeros(2, "f4")), "float64 inputs", "different step"),
    "layer": (lambda: check_layer(keras.layers.Rescaling(0.0), X), "away from zero", "reference="),
}


@tf.custom_gradient
def _root(x: Any) -> Any:
    return tf.sign(x) * tf.abs(x) ** 0.1, tf.zeros_like


@tf.custom_gradient
def _transposed(x: Any) -> Any:
    return x * 1.0, tf.transpose


@pytest.mark.parametrize("case", CASES)
def test_advice_names_only_what_there_is(case: str) -> None:
    check, said, unsaid = CASES[case]
    diff = check()
    statuses = {row.status for row in diff.rows} - {Status.MATCH}
    told = " ".join([*(diff.meaning(s).advice for s in statuses), *(row.reason for row in diff.rows)])
    assert said in told
    assert unsaid not in told
    shown = " ".join(str(diff).split())
    assert all(diff.meaning(s).advice in shown for s in statuses)
    assert diff.meaning(diff.verdict).advice in html.unescape(to_html(diff))


def test_the_title_of_a_page_names_both() -> None:
    assert " · The gradient of square against its values</title>" in to_html(check_function(square, X))
    page = to_html(check_function(square, X, tf.square))
    assert " · The gradient of square against square</title>" in page


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((X, square), "f is ndarray: expected a function"),
        ((square, X, X), r"reference is ndarray.*check_function\(f, \[a, b\]\)"),
        ((tf.matmul, X, X), r"reference is ndarray.*check_function\(f, \[a, b\]\)"),
        ((square, [1.0, 2.0, 3.0]), r"square cannot be called.*too many positional.*np\.array\(\[...\]\)"),
        ((tf.atan2, X), r"atan2 cannot be called.*missing a required argument.*float64 \(2, 3\)"),
        ((tf.atan2, {"y": X, "z": X}), r"cannot be called.*y=float64 \(2, 3\), z=float64 \(2, 3\)"),
    ],
)
def test_a_call_that_cannot_be_made(arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        check_function(*arguments)


@pytest.mark.parametrize(("error", "kind"), [(TypeError, TypeError), (KeyError, ValueError), (ValueError, ValueError)])
def test_an_error_from_within_the_function_is_told_with_what_was_given(error: Any, kind: type[Exception]) -> None:
    def f(x: Any) -> Any:
        raise error("my own")

    with pytest.raises(kind, match=r"^f fails on these inputs: \w+: '?my own'?\. .* float64 \(2, 3\)\.$") as raised:
        check_function(f, X)
    assert isinstance(raised.value.__cause__, error)
