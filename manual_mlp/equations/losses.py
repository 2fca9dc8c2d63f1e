"""Loss functions: E, its gradient, formulas and rounding side by side, one record each, its scaling spelt out.

Every value is written as E = c · Σ_n w_n Σ_k (…) with c = `factor(N, K)`, since half of all disagreements about a "MSE"
are a factor of 2, N or N·K; w_n is 1 where no weights are given. `scale` of a `Loss` multiplies E once more. Rounding
is in the letters of `local_rounding`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.categorical_hinge import CATEGORICAL_HINGE
from manual_mlp.equations.cosine import COSINE_SIMILARITY
from manual_mlp.equations.elementwise import PLAIN, huber, loss_of
from manual_mlp.equations.functions.classic import sigmoid, sigmoid_rounding
from manual_mlp.equations.functions.softmax import softmax, softmax_rounding
from manual_mlp.equations.local_rounding import Terms, row_sum_rounding
from manual_mlp.equations.loss_record import EPSILON, SQRT3, Edges, Form, LossFunction, scaled, total_of


def _through(activation: Terms, delta: Array, c: float, u: float) -> Terms:
    """δ = c (f(u) − y): what the activation rounds, times c, beside δ's own."""
    (entry, _), *shared = activation
    return (*scaled(delta, u, c * entry), *((c * amplitude, share) for amplitude, share in shared))


def squared_error(y_pred: Array, y_true: Array, c: float, w: Array | None = None) -> Array:
    """E = c Σ_n w_n Σ_k (y_pred − y_true)²; `c` is ½, 1, 1/(2N) or 1/(N·K), and that is all the difference."""
    difference = y_pred - y_true
    return c * total_of(difference * difference, w)


def squared_error_gradient(y_pred: Array, y_true: Array, c: float, out: Array | None = None) -> Array:
    difference = np.subtract(y_pred, y_true, out=out)
    return np.multiply(difference, y_pred.dtype.type(2 * c), out=out)


def squared_error_terms(y_pred: Array, y_true: Array) -> Array:
    return np.square(y_pred - y_true)


def squared_error_rounding(y_pred: Array, y_true: Array, delta: Array, c: float, u: float) -> Terms:
    return scaled(delta, u)


def _squared(name: str, c: str, c2: str, factor: Callable[[int, int], float], source: str) -> LossFunction:
    formula, gradient = f"E = {c}Σ_n {{w}}Σ_k ({{p}} − y)²", f"{c2}({{p}} − y)"
    form = Form(formula, gradient, squared_error, squared_error_gradient, squared_error_terms, squared_error_rounding)
    return LossFunction(name, source, factor, form, reduces=source == "Keras", squared=True)


def bce(p: Array, y_true: Array, c: float, w: Array | None = None) -> Array:
    """E = −c Σ_n w_n Σ_k [y log p̂ + (1 − y) log(1 − p̂)], p̂ = p clipped to [ε, 1 − ε] as Keras clips it."""
    q, _ = _clip(p)
    return -c * total_of(y_true * np.log(q) + (1 - y_true) * np.log(1 - q), w)


def bce_gradient(p: Array, y_true: Array, c: float, out: Array | None = None, anchor: Array | None = None) -> Array:
    q, inside = _clip(p, anchor)
    return np.multiply(((1 - y_true) / (1 - q) - y_true / q) * inside, p.dtype.type(c), out=out)


def bce_terms(p: Array, y: Array) -> Array:
    """A logarithm near 1 carries the absolute error of its argument: hence the 1; at the clip, 1 − ε rounds, too."""
    q = np.clip(p, EPSILON, 1 - EPSILON)
    at_clip = (p >= 1 - 2 * EPSILON) / (1 - q)
    return np.abs(y) * (1 - np.log(q)) + np.abs(1 - y) * (1 - np.log(1 - q) + at_clip)


def bce_rounding(p: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
    """Two fractions, (1 − y)/(1 − p) and y/p, and their difference, which may cancel."""
    q = np.clip(p, EPSILON, 1 - EPSILON)
    inside = delta != 0
    return scaled(delta, u, 2 * u / SQRT3 * c * inside * (np.abs(1 - y) / (1 - q) + np.abs(y) / q))


def bce_from_logits(u: Array, y_true: Array, c: float, w: Array | None = None) -> Array:
    """E = c Σ_n w_n Σ_k [max(u, 0) − u y + log(1 + exp(−|u|))]: the same E written so that nothing overflows."""
    positive = u.real > 0
    return c * total_of(np.where(positive, u, 0) - u * y_true + np.log1p(np.exp(np.where(positive, -u, u))), w)


def bce_from_logits_gradient(u: Array, y_true: Array, c: float, out: Array | None = None) -> Array:
    """dE/du = c (σ(u) − y): the chain rule's p(1 − p) cancels."""
    return np.multiply(np.subtract(sigmoid(u, out), y_true, out=out), u.dtype.type(c), out=out)


def bce_from_logits_terms(logits: Array, y: Array) -> Array:
    return np.abs(logits) * (1 + np.abs(y)) + np.log1p(np.exp(-np.abs(logits)))


def bce_from_logits_rounding(logits: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
    return _through(sigmoid_rounding(logits, sigmoid(logits), u), delta, c, u)


def cce(p: Array, y_true: Array, c: float, w: Array | None = None) -> Array:
    """E = −c Σ_n w_n Σ_k y log q̂, q = p / Σ_k p, q̂ = q clipped to [ε, 1 − ε]: Keras's order of the two steps."""
    q, _ = _clip(p / p.sum(axis=-1, keepdims=True))
    return -c * total_of(y_true * np.log(q), w)


def cce_gradient(p: Array, y_true: Array, c: float, out: Array | None = None, anchor: Array | None = None) -> Array:
    total = p.sum(axis=-1, keepdims=True)
    q = p / total
    clipped, inside = _clip(q, None if anchor is None else anchor / anchor.sum(axis=-1, keepdims=True))
    g = -y_true / clipped * inside  # dE/dq; the quotient q = p/Σp adds −Σ_j g_j q_j
    return np.multiply((g - (g * q).sum(axis=-1, keepdims=True)) / total, p.dtype.type(c), out=out)


def cce_terms(p: Array, y: Array) -> Array:
    return np.abs(y) * (2 - np.log(np.clip(p, EPSILON, 1)))


def cce_rounding(p: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
    """g = −y/q and Σ g q, both over Σ p; the two sums over the classes round alike for a whole row."""
    total = p.sum(axis=-1, keepdims=True)
    q = np.clip(p / total, EPSILON, 1 - EPSILON)
    g = np.abs(y) / q
    sums = row_sum_rounding(g * q, u) + row_sum_rounding(q, u) * (g + 1)
    return (*scaled(delta, u, 3 * u / SQRT3 * c * (g + 1) / total), (c * sums / total, "row"))


def cce_from_logits(u: Array, y_true: Array, c: float, w: Array | None = None) -> Array:
    """E = c Σ_n w_n Σ_k y_k (log Σ_j exp u_j − u_k)."""
    return c * total_of(y_true * (_log_sum_exp(u) - u), w)


def cce_from_logits_gradient(u: Array, y_true: Array, c: float, out: Array | None = None) -> Array:
    """dE/du = c (softmax(u) Σ_k y_k − y); TensorFlow leaves out Σ_k y_k and so needs labels that sum to 1."""
    p = softmax(u, out)
    p = np.multiply(p, y_true.sum(axis=-1, keepdims=True), out=out)
    return np.multiply(np.subtract(p, y_true, out=out), u.dtype.type(c), out=out)


def cce_from_logits_terms(logits: Array, y: Array) -> Array:
    """What is added and subtracted on the way to log Σ exp u − u: all of it rounds."""
    return np.abs(y) * (np.abs(logits).max(axis=-1, keepdims=True) + math.log(logits.shape[-1]) + np.abs(logits))


def cce_from_logits_rounding(logits: Array, y: Array, delta: Array, c: float, u: float) -> Terms:
    return _through(softmax_rounding(logits, softmax(logits), u), delta, c, u)


def scce(p: Array, labels: Array, c: float, w: Array | None = None) -> Array:
    """E = c Σ_n w_n (log Σ_k p̂_nk − log p̂_n,label), p̂ = p clipped to [ε, 1 − ε]: Keras clips, then normalises."""
    q, _ = _clip(p)
    return c * total_of(np.log(q.sum(axis=-1)) - np.log(_picked(q, labels)), w)


def scce_gradient(p: Array, labels: Array, c: float, out: Array | None = None, anchor: Array | None = None) -> Array:
    q, inside = _clip(p, anchor)
    g = (1 / q.sum(axis=-1, keepdims=True) - _one_hot(labels, q) / q) * inside
    return np.multiply(g, p.dtype.type(c), out=out)


def scce_terms(p: Array, labels: Array) -> Array:
    return 2 - np.log(np.clip(p, EPSILON, 1)).min(axis=-1)


def scce_rounding(p: Array, labels: Array, delta: Array, c: float, u: float) -> Terms:
    q = np.clip(p, EPSILON, 1 - EPSILON)
    return (*scaled(delta, u, 3 * u / SQRT3 * c / q * (np.abs(delta) > 0)), (c * row_sum_rounding(q, u), "row"))


def scce_from_logits(u: Array, labels: Array, c: float, w: Array | None = None) -> Array:
    """E = c Σ_n w_n (log Σ_j exp u_nj − u_n,label)."""
    return c * total_of(_log_sum_exp(u)[..., 0] - _picked(u, labels), w)


def scce_from_logits_gradient(u: Array, labels: Array, c: float, out: Array | None = None) -> Array:
    return np.multiply(np.subtract(softmax(u, out), _one_hot(labels, u), out=out), u.dtype.type(c), out=out)


def scce_from_logits_terms(logits: Array, labels: Array) -> Array:
    return 2 * np.abs(logits).max(axis=-1) + math.log(logits.shape[-1])


def clip_edges(p: Array, y: Array) -> Edges:
    """Outside [ε, 1 − ε] no gradient passes."""
    return EPSILON, 1 - EPSILON


def _clip(p: Array, anchor: Array | None = None) -> tuple[Array, Array]:
    """p clipped to [ε, 1 − ε], and where it was inside: the clip passes no gradient outside.

    Inside or outside is decided on `anchor` where one is given: see `Operation.frozen`.
    """
    low, high = p.real.dtype.type(EPSILON), p.real.dtype.type(1 - EPSILON)
    decided = (p if anchor is None else anchor).real
    below, above = decided < low, decided > high
    return np.where(below, low, np.where(above, high, p)), ~(below | above)


def _log_sum_exp(u: Array) -> Array:
    m = u.real.max(axis=-1, keepdims=True)
    return m + np.log(np.exp(u - m).sum(axis=-1, keepdims=True))


def _picked(a: Array, labels: Array) -> Array:
    return a[np.arange(len(a)), labels]


def _one_hot(labels: Array, like: Array) -> Array:
    hot = np.zeros(like.shape, like.dtype)
    hot[np.arange(len(labels)), labels] = 1
    return hot


LOSSES: dict[str, LossFunction] = {
    f.name: f
    for f in (
        _squared("half_sum_squared_error", "½ ", "", lambda n, k: 0.5, "the update rule of article A"),
        _squared("sum_squared_error", "", "2", lambda n, k: 1.0, "the E that article A writes down"),
        _squared("quadratic_cost", "1/(2N) ", "1/N ", lambda n, k: 0.5 / n, "Nielsen, 2015, ch. 1; article C"),
        _squared("mean_squared_error", "1/(N·K) ", "2/(N·K) ", lambda n, k: 1 / (n * k), "Keras"),
        LossFunction(
            "binary_crossentropy",
            "Keras",
            lambda n, k: 1 / (n * k),
            plain=Form(
                "E = −1/(N·K) Σ_n {w}Σ_k [y log {p} + (1 − y) log(1 − {p})]",
                "1/(N·K) ((1 − y)/(1 − {p}) − y/{p})",
                bce,
                bce_gradient,
                bce_terms,
                bce_rounding,
                clip_edges,
            ),
            logits=Form(
                "E = 1/(N·K) Σ_n {w}Σ_k [max({p}, 0) − {p} y + log(1 + exp(−|{p}|))]",
                "1/(N·K) (sigmoid({p}) − y)",
                bce_from_logits,
                bce_from_logits_gradient,
                bce_from_logits_terms,
                bce_from_logits_rounding,
            ),
            fused_activation="sigmoid",
        ),
        LossFunction(
            "categorical_crossentropy",
            "Keras",
            lambda n, k: 1 / n,
            plain=Form(
                "E = −1/N Σ_n {w}Σ_k y log({p}/Σ_k {p})",
                "1/N (Σ_k y/Σ_k {p} − y/{p})",
                cce,
                cce_gradient,
                cce_terms,
                cce_rounding,
                clip_edges,
            ),
            logits=Form(
                "E = 1/N Σ_n {w}Σ_k y (log Σ_j exp {p}_j − {p})",
                "1/N (softmax({p}) Σ_k y − y)",
                cce_from_logits,
                cce_from_logits_gradient,
                cce_from_logits_terms,
                cce_from_logits_rounding,
            ),
            fused_activation="softmax",
        ),
        LossFunction(
            "sparse_categorical_crossentropy",
            "Keras",
            lambda n, k: 1 / n,
            plain=Form(
                "E = 1/N Σ_n {w}(log Σ_k {p}_k − log {p}_y)",
                "1/N (1/Σ_k {p} − [k = y]/{p})",
                scce,
                scce_gradient,
                scce_terms,
                scce_rounding,
                clip_edges,
            ),
            logits=Form(
                "E = 1/N Σ_n {w}(log Σ_j exp {p}_j − {p}_y)",
                "1/N (softmax({p}) − [k = y])",
                scce_from_logits,
                scce_from_logits_gradient,
                scce_from_logits_terms,
                cce_from_logits_rounding,
            ),
            fused_activation="softmax",
            class_indices=True,
        ),
        *map(loss_of, PLAIN),
        loss_of(huber()),
        CATEGORICAL_HINGE,
        COSINE_SIMILARITY,
    )
}
