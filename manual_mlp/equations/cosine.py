"""The angle between outputs and targets, one for each sample."""

from __future__ import annotations

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.local_rounding import Terms
from manual_mlp.equations.loss_record import EPSILON, SQRT3, Form, LossFunction, total_of

ROUNDINGS = 4.0  # of an entry: the square, the root, the quotient, the product
SUMS = 8.0  # beside K: what else all entries of a sample share, the roots and quotients of both norms among them


def cosine_similarity(p: Array, y: Array, c: float, w: Array | None = None) -> Array:
    """E = −c Σ_n w_n Σ_k p y / (|p| |y|), where a norm below ε counts as ε."""
    return -c * total_of((_scaled(p) * _scaled(y)).sum(axis=-1), w)


def _norm(a: Array) -> Array:
    return np.asarray(np.sqrt((a * a).sum(axis=-1, keepdims=True)))


def _scaled(a: Array) -> Array:
    """a/|a|, row by row."""
    norm = _norm(a)
    return np.asarray(a / np.where(norm.real > EPSILON, norm, a.dtype.type(EPSILON)))


def cosine_similarity_gradient(p: Array, y: Array, c: float, out: Array | None = None) -> Array:
    """−(ŷ − p̂ Σ_k p̂ ŷ)/|p| with p̂ = p/|p|, ŷ = y/|y|; −ŷ/ε where |p| is below ε."""
    norm, along, to = _norm(p), _scaled(p), _scaled(y)
    inside = norm > EPSILON
    across = to - np.where(inside, along * (along * to).sum(axis=-1, keepdims=True), 0)
    return np.multiply(across / np.where(inside, norm, p.dtype.type(EPSILON)), p.dtype.type(-c), out=out)


def cosine_similarity_terms(p: Array, y: Array) -> Array:
    """Of each sample: Σ_k |p̂ ŷ|, whose rounding grows with K."""
    sizes = np.abs(_scaled(p) * _scaled(y)).sum(axis=-1)
    return np.asarray(sizes * np.sqrt(p.shape[-1] + SUMS))


def cosine_similarity_rounding(p: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
    """Both summands, which cancel where p is along y: each rounds by itself, and with what its row shares."""
    along, to = _scaled(p), _scaled(y)
    size = c / np.maximum(_norm(p), EPSILON)
    first, second = size * to, size * along * np.abs(along * to).sum(axis=-1, keepdims=True)
    entry = ROUNDINGS * u / SQRT3 * np.hypot(first, second)
    shared = u / SQRT3 * np.sqrt(p.shape[-1] + SUMS)
    return (entry, "entry"), (shared * first, "row"), (shared * second, "row"), (1.5 * u * delta, "all")


COSINE_SIMILARITY = LossFunction(
    "cosine_similarity",
    "Keras",
    lambda n, k: 1 / n,
    Form(
        "E = −1/N Σ_n {w}Σ_k {p} y/(|{p}| |y|)",
        "−1/N (y/|y| − {p}/|{p}| Σ_k {p} y/(|{p}| |y|))/|{p}|",
        cosine_similarity,
        cosine_similarity_gradient,
        cosine_similarity_terms,
        cosine_similarity_rounding,
    ),
)
