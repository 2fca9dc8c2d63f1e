"""Diffs in every state that a rendering can meet."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff import GradientDiff, Status, compare
from manual_mlp import Evaluation

HOSTILE = "<script>alert('x')</script>|`*_[a](b)$\n\x1b[31m[red]层"


def _judged(diff: GradientDiff, statuses: dict[str, Status]) -> GradientDiff:
    """Statuses set by hand, MATCH where none is named: a rendering's test must not hang on how rows are judged."""
    rows = (dataclasses.replace(r, status=statuses.get(r.name, Status.MATCH), reason="so judged") for r in diff.rows)
    return dataclasses.replace(diff, rows=tuple(rows))


@pytest.fixture
def match(evaluation: Evaluation, planted: Callable[..., Evaluation]) -> GradientDiff:
    kernel = evaluation.nodes["dense_2/dE_dkernel"]
    return _judged(compare(evaluation, planted({"dense_2/dE_dkernel": np.nextafter(kernel, 9)})), {})


@pytest.fixture
def different(evaluation: Evaluation, planted: Callable[..., Evaluation]) -> GradientDiff:
    name = "dense_2/dE_dkernel"
    diff = compare(evaluation, planted({name: evaluation.nodes[name] / 64}))
    return _judged(diff, {name: Status.DIFFERENT})


@pytest.fixture
def mixed(evaluation: Evaluation) -> GradientDiff:
    """A transposed kernel, a bias with NaN, one that is missing, one that is too many, with a hostile name."""
    given = dict(evaluation.gradients)
    given["dense_1/kernel"] = given["dense_1/kernel"].T
    given["dense_1/bias"] = np.full(5, np.nan)
    del given["dense_2/bias"]
    return compare(given | {HOSTILE: np.ones(3)}, evaluation)


def _pair(h: object, r: object) -> GradientDiff:
    return compare({"w": np.asarray(h)}, {"w": np.asarray(r)})


_RNG = np.random.default_rng(0)
_BIG = _RNG.normal(size=(300, 130))
EXTREMES = {
    "equal": _pair(np.eye(3), np.eye(3)),
    "all zero": _pair(np.zeros((2, 3)), np.zeros((2, 3))),
    "zero reference": _pair(np.eye(2), np.zeros((2, 2))),
    "one entry": _pair([[1.0]], [[2.0]]),
    "one equal entry": _pair([[1.0]], [[1.0]]),
    "scalars": _pair(1.0, 1.5),
    "vectors": _pair(np.arange(3.0), np.ones(3)),
    "constant": _pair(np.full((4, 4), 2.0), np.full((4, 4), 2.0 + 1e-15)),
    "NaN": _pair(np.full((2, 2), np.nan), np.eye(2)),
    "Inf": _pair([[np.inf, 1.0]], [[np.inf, -np.inf]]),
    "empty": _pair(np.zeros((0, 3)), np.zeros((0, 3))),
    "shapes": _pair(np.ones((3, 1)), np.ones(3)),
    "missing": compare({"a": np.ones(2)}, {"b": np.ones(2)}),
    "tiny": _pair(np.full((2, 2), 5e-324), np.full((2, 2), 1e-323)),
    "huge": _pair(np.full((2, 2), 1.7e308), np.full((2, 2), -1.7e308)),
    "far apart": _pair(np.full((2, 2), 1e200), np.full((2, 2), 1e-200)),
    "large": _pair(_BIG, _BIG * (1 + 1e-9)),
    "three axes": _pair(np.ones((2, 3, 4)), np.ones((2, 3, 4)) * 1.1),
    "whole numbers": _pair(np.arange(4).reshape(2, 2), np.ones((2, 2), int)),
    "hostile name": compare({HOSTILE * 4: np.eye(2)}, {HOSTILE * 4: np.eye(2) * 2}),
}


@pytest.fixture(params=EXTREMES)
def extreme(request: pytest.FixtureRequest) -> GradientDiff:
    return EXTREMES[request.param]


@pytest.fixture
def hostile() -> str:
    return HOSTILE
