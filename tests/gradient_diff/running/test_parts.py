"""What the user's code prints, and what it returns, on the way to where it belongs."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr

import numpy as np
import pytest

from gradient_diff.running.prints import MOST, prints_aside
from gradient_diff.running.structures import put_together, taken_apart
from manual_mlp import Array


def test_what_is_printed_goes_aside_and_has_an_end() -> None:
    out, told = sys.stdout, io.StringIO()
    with redirect_stderr(told), prints_aside():
        sys.stdout.write("one")
        sys.stdout.write(" line\n")
        for i in range(3 * MOST):
            sys.stdout.write(f"{i}\n")
        sys.stdout.write("a\nb\nc\n")
        sys.stdout.flush()
    assert sys.stdout is out
    lines = told.getvalue().splitlines()
    assert (lines[:2], len(lines)) == (["one line", "0"], MOST + 1)
    assert lines[-1] == "… (what your code prints after this is not shown)"


def test_many_lines_at_once_end_likewise() -> None:
    with redirect_stderr(io.StringIO()) as told, prints_aside():
        sys.stdout.write("x\n" * 10 * MOST)
    assert len(told.getvalue().splitlines()) == MOST + 1


@pytest.mark.parametrize(
    "value", [{"w": np.ones(2), "b": (1.5, [np.zeros((2, 0))])}, [], np.float32(2), (np.arange(3),), {}]
)
def test_a_structure_is_put_together_as_it_was(value: object) -> None:
    arrays: list[Array] = []
    skeleton = json.loads(json.dumps(taken_apart(value, arrays)))
    back = put_together(skeleton, arrays)
    np.testing.assert_equal(back, value)
    assert isinstance(back, np.ndarray) or type(back) is type(value)


@pytest.mark.parametrize(
    "skeleton",
    [7, -1, True, None, "x", [], {"set": [0]}, {"dict": [[0, 0]]}, {"dict": [0]}, {"list": 3}, {"dict": 3}, {}],
)
def test_another_skeleton_is_refused(skeleton: object) -> None:
    with pytest.raises(ValueError, match="is no structure of arrays"):
        put_together(skeleton, [np.ones(1)])
