"""Rows of a check: at which dtype each was judged, and that only what has a derivative has one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.backward.evidence import Evidence
from gradient_diff.backward.rows import Checked, rows_of
from gradient_diff.keras.functions.arguments import read_arguments
from gradient_diff.keras.functions.subject import TapedFunction, recast_arguments

X = np.random.default_rng(0).normal(size=(3, 2))


def _evidence(f: Any, *inputs: Any) -> Evidence:
    subject = TapedFunction("f", f, read_arguments(f, list(inputs)), {}, {}, "eager", recast_arguments)
    return Evidence(subject, None)


def _rows(evidence: Evidence) -> dict[str, Checked]:
    return {c.row.name: c for c in rows_of(evidence)}


def test_a_row_knows_at_which_dtype_it_was_judged(custom: Any) -> None:
    wrong = custom(tf.sin, lambda x, u: u * tf.cos(x) * (1 + tf.constant(2e-8, x.dtype)))
    for f, judged in ((tf.sin, "float32"), (wrong, "float64")):  # too small an error for float32
        evidence = _evidence(f, X.astype("f4"))
        (checked,) = _rows(evidence).values()
        assert checked.at is not None
        assert checked.at.subject.dtype == judged
        assert evidence.as_run.subject.dtype == "float32"
        assert evidence.finest is evidence.in_float64


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_has_no_derivative_has_no_row_and_what_proves_nothing_has_one(dtype: str) -> None:
    rows = _rows(_evidence(lambda x, i: tf.gather(0 * x, i), X.astype(dtype), np.array([0, 1])))
    assert {n: c.row.status for n, c in rows.items()} == {"inputs/x": Status.VACUOUS}


def test_a_function_that_does_not_repeat_is_compared_nowhere() -> None:
    rows = _rows(_evidence(lambda x: x * tf.random.uniform(x.shape, dtype=x.dtype), X))
    assert [(c.row.status, c.at) for c in rows.values()] == [(Status.INCONCLUSIVE, None)]
