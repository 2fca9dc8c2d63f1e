"""Rounding measured from draws of it: a coarse run against an exact one, or against others of its kind."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gradient_diff.backward.rounding import Rounding, drawn_errors
from gradient_diff.keras.functions.arguments import read_arguments
from gradient_diff.keras.functions.subject import TapedFunction, recast_arguments
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

POINT = {"x": np.array([0.1, 0.7], np.float32)}


def _coarse(point: Arrays) -> dict[str, Array]:
    return {"x": np.float32(point["x"]) ** 2}


def _exact(point: Arrays) -> dict[str, Array]:
    return {"x": point["x"] ** 2}


def test_a_coarse_run_is_off_by_its_own_rounding_at_exactly_held_points() -> None:
    errors = drawn_errors(POINT, "float32", _coarse, _exact, {})
    assert len(errors) == 8
    largest = max(float(np.abs(e["x"]).max()) for e in errors)
    assert 0 < largest <= UNITS["float32"] * 0.5


def test_without_an_exact_run_moved_digits_count_as_rounding() -> None:
    errors = drawn_errors(POINT, "float32", _coarse, None, {})
    assert len(errors) == 8
    assert max(float(np.abs(e["x"]).max()) for e in errors) > UNITS["float32"] * 0.5


def test_runs_that_are_not_finite_are_left_out() -> None:
    assert drawn_errors(POINT, "float32", lambda p: {"x": p["x"] * np.inf}, _exact, {}) == []


def test_a_function_in_float64_is_measured_in_float32_and_scaled() -> None:
    arguments = read_arguments(tf.sin, POINT["x"].astype("float64"))
    subject = TapedFunction("sin", tf.sin, arguments, {}, {}, "eager", recast_arguments)
    rounding = Rounding(subject, {"outputs/0": np.ones(2)}, {})
    assert rounding.exact is subject
    assert rounding.coarse is not None
    assert rounding.coarse.dtype == "float32"
    fine, coarse = rounding.at("float64"), rounding.at("float32")
    assert all(np.array_equal(f["inputs/x"], c["inputs/x"] * 2.0**-29) for f, c in zip(fine, coarse, strict=True))
