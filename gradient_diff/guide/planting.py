"""Run the code of an entry, and compare what comes out as any hand is compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradient_diff.comparison import compare
from gradient_diff.guide.entry import Entry
from gradient_diff.guide.skeletons import Layout
from gradient_diff.result.diff import GradientDiff
from manual_mlp import Array, Problem


def planted(entry: Entry, layout: Layout = "rows", *, wrong: bool = True) -> GradientDiff:
    """The comparison that its code comes to."""
    return compare(hand_of(entry, layout, wrong=wrong), entry.shown_on.reference)


def hand_of(entry: Entry, layout: Layout = "rows", *, wrong: bool = True) -> dict[str, Array]:
    """What its code returns, parameter → gradient, in Keras's layout."""
    reference = entry.shown_on.reference
    made = _run(entry.code(layout, wrong=wrong), reference.problem, layout)
    return {name: _as_rows(array, name, layout) for name, array in zip(reference.gradients, made, strict=True)}


def _run(code: str, problem: Problem, layout: Layout) -> list[Array]:
    scope: dict[str, Any] = {"np": np}
    exec(compile(code, "<field guide>", "exec"), scope)
    turn = _as_columns if layout == "columns" else np.asarray
    arrays = [turn(a).copy() for a in problem.parameters.values()]
    kept = [turn(mask > 0) for mask in problem.draws.values()] if problem.draws else []
    weights = [] if problem.sample_weight is None else [problem.sample_weight]
    found: list[Array] = scope["gradients"](arrays, turn(problem.x), turn(problem.y), *kept, *weights)
    return found


def _as_columns(array: Array) -> Array:
    return array.T if array.ndim > 1 else array[:, None]


def _as_rows(array: Array, name: str, layout: Layout) -> Array:
    """In Keras's layout again: a column of a bias is a vector."""
    array = np.asarray(array)
    if layout == "rows":
        return array
    vector = array.ndim == 2 and array.shape[1] == 1 and not name.endswith("/kernel")
    return array[:, 0] if vector else array.T
