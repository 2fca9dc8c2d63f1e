"""Activations of a whole row: softmax, its logarithm, and sparsemax."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.functions.record import ActivationFunction, measured, measured_back
from manual_mlp.equations.local_rounding import Precision, Terms, row_sum_rounding


def softmax(u: Array, out: Array | None = None) -> Array:
    """Probabilities of K classes, z_k = exp(u_k − m) / Σ_j exp(u_j − m) with m = max_j u_j.

    Subtracting m cancels in the fraction and keeps exp from overflowing.

    Derivation: ∂z_j/∂u_k = z_j (1[j = k] − z_k): every output depends on every input. The chain rule sums over
    all of them, dE/du_k = Σ_j dE/dz_j · ∂z_j/∂u_k = z_k (dE/dz_k − Σ_j dE/dz_j z_j). The diagonal z_k (1 − z_k)
    alone is a common mistake.

    Args:
        u: (N, K), pre-activation.
        out: (N, K), a buffer for the result.

    Returns:
        z: (N, K), rows that sum to 1.

    Example:
        >>> import numpy as np
        >>> softmax(np.array([[1000.0, 1000.0]]))
        array([[0.5, 0.5]])
    """
    z = np.exp(np.subtract(u, u.real.max(axis=-1, keepdims=True), out=out), out=out)
    return np.divide(z, z.sum(axis=-1, keepdims=True), out=out)


def softmax_backward(dE_dz: Array, z: Array, out: Array | None = None) -> Array:
    mean = (dE_dz * z).sum(axis=-1, keepdims=True)
    return np.multiply(z, dE_dz - mean, out=out)


def softmax_rounding(logits: Array, p: Array, u: float) -> Terms:
    """s p √(m² + 3), unit u p (1 + 0.3 m), row p s √((K + 1)(Σ p²/6 + 1/3)); m = max u − u: how far exp reaches."""
    s = u / math.sqrt(3)
    m = logits.max(axis=-1, keepdims=True) - logits
    terms = (p.shape[-1] + 1) * (np.square(p).sum(axis=-1, keepdims=True) / 6 + 1 / 3)
    return (s * p * np.sqrt(m * m + 3), "entry"), (u * p * (1 + 0.3 * m), "unit"), (p * s * np.sqrt(terms), "row")


def softmax_lost(_: Array, z: Array) -> Array:
    """√(1 + max² z): exp(u_k − m) is stored, off by η, and divided by Σ_j exp(u_j − m); then z_k is stored, off by η.

    The largest exponential is exp(0) = 1, so that 1/Σ is the largest z of the row.
    """
    return np.sqrt(1 + np.square(z.max(axis=-1, keepdims=True)))


def softmax_backward_rounding(dE_dz: Array, z: Array, delta: Array, u: float) -> Terms:
    """δ = z (g − Σ g z): two roundings of δ, and the sum's own, which all units of a sample share."""
    return (2 * u / math.sqrt(3) * np.abs(delta), "entry"), (z * row_sum_rounding(dE_dz * z, u), "row")


def softmax_backward_lost(dE_dz: Array, z: Array, at: Precision) -> Terms:
    """δ_k = z_k (g_k − Σ_j g_j z_j) is stored, off by η; so is each g_j z_j, and their sum is off by up to √K η, row.

    Who `loops` may build the Jacobian, z_j (1[j = k] − z_k), instead: each of its entries is stored, off by η, before
    g_j multiplies it, and then each product is, and their sum. But what is x η is off by no more than itself, and of
    min(1, x)² the sum over j is at most the least of those of 1, x and x². What is 2 at the end: g_k times the diagonal
    and δ_k, each stored.
    """
    z, size = np.abs(z), np.abs(dE_dz)  # a wrong hand's z may have any sign
    eta, root = at.eta, math.sqrt(z.shape[-1])
    first, both = _row_sum(size * z) / eta, np.sqrt(_row_sum(np.square(size * z))) / eta
    row = z * _least(root, np.sqrt(first), both)
    if not at.loops:
        return (np.ones(()), "entry"), (row, "row")
    squares = np.square(size)
    entries = _least(np.sqrt(_row_sum(squares)), np.sqrt(z * _row_sum(squares * z) / eta), z * both)  # all z_j z_k
    diagonal = size * np.minimum(1.0, z / eta)  # z_k (1 − z_k)
    products = _least(root, np.sqrt(z * first), z * both)
    return (np.sqrt(entries**2 + diagonal**2 + products**2 + 2), "entry"), (row, "row")


def _row_sum(terms: Array) -> Array:
    return np.asarray(terms.sum(axis=-1, keepdims=True))


def _least(first: Array | float, *others: Array) -> Array:
    return np.asarray(reduce(np.minimum, others, first))


def log_softmax(u: Array, out: Array | None = None) -> Array:
    """The logarithm of softmax, z_k = u_k − m − log Σ_j exp(u_j − m) with m = max_j u_j."""
    shifted = u - u.real.max(axis=-1, keepdims=True)
    return np.subtract(shifted, np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), out=out)


def log_softmax_backward(dE_dz: Array, z: Array, out: Array | None = None) -> Array:
    """∂z_j/∂u_k = [j = k] − p_k with p = exp(z): dE/du = g − p Σ_j g_j."""
    return np.subtract(dE_dz, np.exp(z) * _row_sum(dE_dz), out=out)


def log_softmax_rounding(logits: Array, z: Array, u: float) -> Terms:
    """u − m, the logarithm L of the sum, and their difference round: s √(m² + 9 L² + z²), row s √(1 + (K + 1)(…))."""
    s = u / math.sqrt(3)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    p, total = np.exp(z), shifted - z
    sums = np.sqrt(9 * total * total + (p.shape[-1] + 1) * (_row_sum(p * p) / 6 + 1 / 3) + _row_sum(p * p) * 9)
    return (s * np.sqrt(shifted * shifted + z * z), "entry"), (s * sums, "row")


def log_softmax_backward_rounding(dE_dz: Array, z: Array, delta: Array, u: float) -> Terms:
    """p G, G = Σ g: exp at −z carries what z was stored with, |z| roundings; the sum's own is shared by a row."""
    s, p, total = u / math.sqrt(3), np.exp(z), _row_sum(dE_dz)
    entry = np.sqrt(np.square(p * total) * (10 + z * z) + delta * delta)
    return (s * entry, "entry"), (p * row_sum_rounding(dE_dz, u), "row")


RECORDS = (
    ActivationFunction(
        name="softmax",
        formula="softmax({u})",
        backward_formula="{read} ⊙ ({g} − Σ_k {g} {read})",
        reads="z",
        value=softmax,
        backward=softmax_backward,
        rounding=measured(softmax_rounding),
        backward_rounding=measured_back(softmax_backward_rounding),
        source="Bridle, 1990",
        lost=softmax_lost,
        backward_lost=softmax_backward_lost,
    ),
    ActivationFunction(
        name="log_softmax",
        formula="{u} − log Σ_k exp {u}",
        backward_formula="{g} − exp({read}) Σ_k {g}",
        reads="z",
        value=log_softmax,
        backward=log_softmax_backward,
        rounding=measured(log_softmax_rounding),
        backward_rounding=measured_back(log_softmax_backward_rounding),
        source="the logarithm of softmax; Keras's log_softmax",
    ),
)
