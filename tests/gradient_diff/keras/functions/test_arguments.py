"""How a function is called, and which of its arguments have a derivative."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_function
from gradient_diff.keras.functions.arguments import no_call, read_arguments

X = np.random.default_rng(0).normal(size=(3, 2))


def test_what_has_no_derivative_is_named_and_skipped() -> None:
    v = tf.Variable(X)
    diff = check_function(
        lambda x, i, flag, text, variable: tf.gather(x, i) * variable[0], [X, np.array([0, 1]), True, "a", v]
    )
    assert diff.verdict is Status.MATCH
    assert diff.remark == (
        "Not checked: inputs/i (int64 has no derivative), inputs/flag (bool has no derivative), "
        "inputs/text (str has no derivative), "
        "inputs/variable (a variable: what the function reads of it is checked as a weight)."
    )
    assert diff.remark in " ".join(str(diff).split())
    assert [(row.name, row.status.name) for row in diff.rows] == [("inputs/x", "MATCH"), ("weights/Variable", "MATCH")]


def test_scalars_and_keywords_and_nested_arguments() -> None:
    assert check_function(lambda x: x**2, 3.0).verdict is Status.MATCH
    diff = check_function(lambda xs, b: xs[0] * xs[1]["k"] + b, {"xs": [X, {"k": X}], "b": X})
    assert [row.name for row in diff.rows] == ["inputs/xs/0", "inputs/xs/1/k", "inputs/b"]
    assert diff.ok


def test_nan_in_the_inputs_is_said() -> None:
    x = X.copy()
    x[1, 0] = np.nan
    for reference in (None, tf.sin):
        with pytest.raises(ValueError, match=r"inputs/x holds NaN: 1 of 6 entries, the first at \[1, 0\]"):
            check_function(tf.sin, x, reference)


def test_an_unused_input_may_have_no_gradient() -> None:
    diff = check_function(lambda x, y: 1.0 * x, [X, X])
    assert (diff.verdict, diff["inputs/y"].status) == (Status.MATCH, Status.MATCH)  # zero by structure


def test_arguments_are_taken_apart_and_packed_again() -> None:
    given = read_arguments(lambda x, axis: x, [np.ones(2), 1])
    assert list(given.leaves) == ["inputs/x", "inputs/axis"]
    assert given.skipped == {"inputs/axis": "int64 has no derivative"}
    (x, axis), named = given.packed({"inputs/x": 2.0, "inputs/axis": 0})
    assert (x, axis, named) == (2.0, 0, {})
    one = read_arguments(lambda xs: xs, [np.ones(2), np.ones(3)], one=True)
    assert list(one.leaves) == ["inputs/xs/0", "inputs/xs/1"]


def test_a_call_that_a_signature_forbids_says_what_was_given() -> None:
    given = read_arguments(lambda a, b: a, np.ones(2))
    assert no_call(lambda a, b: a, given).startswith("missing a required argument: 'b'. inputs= gave it float64 (2,)")
    assert no_call(lambda a: a, given) == ""
