"""The hinge between the right class and the best of the others, one for each sample."""

from __future__ import annotations

import math

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.local_rounding import Terms
from manual_mlp.equations.loss_record import Edges, Form, LossFunction, scaled, total_of


def categorical_hinge(p: Array, y: Array, c: float, w: Array | None = None) -> Array:
    """E = c Σ_n w_n max(max_k (1 − y) p − Σ_k y p + 1, 0)."""
    other, right = _margin(p, y)
    margin = np.take_along_axis((1 - y) * p, other, axis=-1) - right + 1
    return c * total_of(np.where(margin.real >= 0, margin, 0), w)


def _margin(p: Array, y: Array) -> tuple[Array, Array]:
    """Which of the others is the best, and Σ_k y p, each (N, 1)."""
    return ((1 - y) * p).real.argmax(axis=-1)[..., None], (y * p).sum(axis=-1, keepdims=True)


def categorical_hinge_gradient(
    p: Array, y: Array, c: float, out: Array | None = None, anchor: Array | None = None
) -> Array:
    """−y, and 1 − y at the best of the others (shared where there are several), where the margin is not kept."""
    at = (p if anchor is None else anchor).real
    others = (1 - y.real) * at
    best = others.max(axis=-1, keepdims=True)
    at_best = others == best
    inside = best - (y.real * at).sum(axis=-1, keepdims=True) + 1 >= 0
    share = at_best / at_best.sum(axis=-1, keepdims=True).astype(p.real.dtype)
    return np.multiply(((1 - y) * share - y) * inside, p.dtype.type(c), out=out)


def categorical_hinge_edges(p: Array, y: Array) -> Edges:
    """Where an output meets the best of the others, and where it meets the margin; nan where it has no say in that."""
    others = (1 - y) * p
    best = others.max(axis=-1, keepdims=True)
    margin = best - (y * p).sum(axis=-1, keepdims=True) + 1
    steps = (_rival(others) - others, 1 - y), (-margin, (1 - y) * (others == best) - y)
    meets, keeps = (p + np.divide(gap, slope, out=np.full_like(p, np.nan), where=slope != 0) for gap, slope in steps)
    return np.where(margin >= 0, meets, np.nan), keeps


def _rival(others: Array) -> Array:
    """The best of all but the entry itself; −∞ where there is none."""
    without = np.where(np.eye(others.shape[-1], dtype=bool), -np.inf, others[..., None, :])
    return np.asarray(without.max(axis=-1))


def categorical_hinge_terms(p: Array, y: Array) -> Array:
    return np.asarray((np.abs(y * p).sum(axis=-1) + np.abs((1 - y) * p).max(axis=-1) + 1) * math.sqrt(p.shape[-1]))


def categorical_hinge_rounding(p: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
    return scaled(delta, u, c * u * np.abs(y))


CATEGORICAL_HINGE = LossFunction(
    "categorical_hinge",
    "Keras",
    lambda n, k: 1 / n,
    Form(
        "E = 1/N Σ_n {w}max(max_k (1 − y) {p} − Σ_k y {p} + 1, 0)",
        "1/N ((1 − y) [k = argmax (1 − y) {p}] − y) [margin > 0]",
        categorical_hinge,
        categorical_hinge_gradient,
        categorical_hinge_terms,
        categorical_hinge_rounding,
        categorical_hinge_edges,
    ),
    targets="distributions",
)
