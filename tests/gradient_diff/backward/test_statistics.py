"""Normalisations whose gradient takes a statistic for a constant, over any axes, with any ε."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff import Status, check_backward
from manual_mlp import Array

KINDS = {
    "both": "mean and variance are taken for constants",
    "mean": "the mean is taken for a constant",
    "variance": "the variance is taken for a constant",
}


def normalisation(axes: int | tuple[int, ...], epsilon: float, missing: str) -> tuple[Callable[..., Array], ...]:
    def normalised(x: Array) -> tuple[Array, Array]:
        root = np.sqrt(x.var(axes, keepdims=True) + epsilon)
        return (x - x.mean(axes, keepdims=True)) / root, root

    def backward(upstream: Array, x: Array) -> Array:
        hat, root = normalised(x)
        g = upstream / root
        by_mean, by_variance = g.mean(axes, keepdims=True), hat * (g * hat).mean(axes, keepdims=True)
        return g - by_mean * (missing not in ("mean", "both")) - by_variance * (missing not in ("variance", "both"))

    return lambda x: normalised(x)[0], backward


@pytest.mark.matrix(most=4)
@pytest.mark.parametrize("missing", ["", *KINDS])
@pytest.mark.parametrize(
    ("shape", "axes", "cause"),
    [
        ((8, 3), 0, "batch_norm_partial"),
        ((5, 3), -1, "layer_norm_partial"),
        ((2, 3, 3, 2), (0, 1, 2), "batch_norm_partial"),
        ((2, 3, 4), (1, 2), "layer_norm_partial"),
        ((4, 3), 0, "batch_norm_partial"),
    ],
)
def test_what_is_missing_is_named(shape: tuple[int, ...], axes: int, cause: str, missing: str) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    for epsilon in (1e-3, 0.037):
        diff = check_backward(*normalisation(axes, epsilon, missing), x)
        assert diff.verdict is (Status.MISMATCH if missing else Status.MATCH)
        assert [(c.id, c.title) for c in diff.causes] == ([(cause, KINDS[missing])] if missing else [])


def test_float32_is_enough() -> None:
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    assert check_backward(*normalisation(0, 1e-5, "both"), x).causes[0].id == "batch_norm_partial"


@pytest.mark.parametrize("factor", [1.01, 0.5])
def test_what_is_off_in_another_way_too_is_not_named(factor: float) -> None:
    forward, backward = normalisation(0, 1e-3, "both")
    x = np.random.default_rng(0).normal(size=(8, 3))
    wrong = check_backward(forward, lambda u, x: factor * backward(u, x), x)
    assert (wrong.verdict, wrong.causes) == (Status.MISMATCH, ())
